"""The shortest path between two cases, over shared pictures and links of faces."""

from typing import Final

# A person knows a case of another district once two people have joined one of its faces to one of theirs.
KNOWN_CASE: Final = """
MATCH (c:Case {case_id: $case_id})
RETURN c.district AS district,
       EXISTS { MATCH (c)<-[:IN_CASE]-(:Media)<-[:SEEN_IN]-(:Face)-[:CANDIDATE {state: 'approved'}]-(f:Face)
                WITH DISTINCT f  // else the planner begins at all cases
                MATCH (f)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(o:Case) WHERE o.district = $district
                RETURN o } AS joined,
       c.erased IS NULL OR EXISTS { (:Media)-[:IN_CASE]->(c) } AS stands
"""

_OWN_LINK: Final = """
EXISTS { MATCH (f:Face)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case)
         WHERE f IN [startNode(r), endNode(r)] AND c.district = $district }
"""
_OWN_MEDIA: Final = "EXISTS { MATCH (n)-[:IN_CASE]->(c:Case) WHERE c.district = $district }"
# Over the person's own cases, approved links, and links that may be their own.
# The bound on the length has to be a literal: 16 edges are three links in a row, each in other pictures.
_WAYS: Final = """
MATCH (a:Case {case_id: $from_case}), (b:Case {case_id: $to_case})
MATCH p = shortestPath((a)-[:IN_CASE|SEEN_IN|CANDIDATE*..16]-(b))
WHERE all(r IN relationships(p) WHERE type(r) <> 'CANDIDATE' OR r.state IN $states
            AND (r.state = 'approved' OR r.district_low IN [$district, '*'] OR r.district_high = $district))
  AND all(n IN nodes(p) WHERE NOT n:Case OR n.district = $district OR n.case_id IN [$from_case, $to_case])
"""
_WAY: Final = (
    "RETURN [n IN nodes(p) | {kind: labels(n)[0], id: coalesce(n.case_id, n.media_id, n.face_id),\n"
    "                         own: NOT n:Media OR " + _OWN_MEDIA + "}] AS nodes,\n"
    "       [r IN relationships(p) | {kind: type(r), link_id: r.link_id, state: r.state,\n"
    "                                 own: type(r) <> 'CANDIDATE' OR r.state = 'approved' OR "
    + _OWN_LINK
    + "}] AS edges"
)
SHORTEST: Final = _WAYS + _WAY
"""The shortest path, with a flag for pictures and links that are the person's own; it may use others too."""

_IS_KNOWN_LINK: Final = "type(r) <> 'CANDIDATE' OR r.state = 'approved' OR " + _OWN_LINK
SHORTEST_KNOWN: Final = (
    _WAYS
    + f"  AND all(r IN relationships(p) WHERE {_IS_KNOWN_LINK})\n"
    + f"  AND all(n IN nodes(p) WHERE NOT n:Media OR {_OWN_MEDIA})\n"
    + _WAY
)
"""The shortest path over the person's own pictures and links only: fifty times slower, used if the other is not."""

PLACES: Final = """
UNWIND $media AS media_id
MATCH (:Media {media_id: media_id})-[:IN_CASE]->(c:Case)
RETURN media_id, c.case_id AS case_id, c.district AS district, c.contact AS contact
ORDER BY media_id, case_id
"""
