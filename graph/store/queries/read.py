"""What people look at: cases, faces, links, counts. Nothing here writes."""

from __future__ import annotations

from typing import Final

_SIDE_A: Final = """
{face_id: a.face_id, stub: a.stub, box: a.box, quality: a.quality, too_poor_because: a.too_poor_because,
 media_id: head(COLLECT { MATCH (a)-[:SEEN_IN]->(m:Media) RETURN m.media_id }),
 cases: COLLECT { MATCH (a)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case)
                  WITH c {case_id: CASE WHEN a.stub THEN null ELSE c.case_id END, .district, .contact} AS place
                  RETURN DISTINCT place ORDER BY place.case_id, place.district }} AS a
"""
_SIDE_B: Final = """
{face_id: b.face_id, stub: b.stub, box: b.box, quality: b.quality, too_poor_because: b.too_poor_because,
 media_id: head(COLLECT { MATCH (b)-[:SEEN_IN]->(m:Media) RETURN m.media_id }),
 cases: COLLECT { MATCH (b)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case)
                  WITH c {case_id: CASE WHEN b.stub THEN null ELSE c.case_id END, .district, .contact} AS place
                  RETURN DISTINCT place ORDER BY place.case_id, place.district }} AS b
"""
_LINK: Final = (
    """
RETURN r {.link_id, .state, .version, .score, .band, .model_id, .threshold, .by_mean, .score_id, .proposed_by,
          .proposed_in, .proposed_at} AS link,
       EXISTS { MATCH (v:Verdict {link_id: r.link_id})<-[:WROTE]-(:Act {by: $viewer}) } AS judged,
"""
    + _SIDE_A
    + ","
    + _SIDE_B
)

LINK: Final = "MATCH (a:Face)-[r:CANDIDATE {link_id: $link_id}]->(b:Face)" + _LINK

LINKS_BY_ID: Final = "UNWIND $links AS link_id MATCH (a:Face)-[r:CANDIDATE {link_id: link_id}]->(b:Face)" + _LINK

# The hint keeps the index's order, so that reading stops at the limit; without it the planner sorts all links.
LINKS: Final = (
    """
MATCH (a:Face)-[r:CANDIDATE]->(b:Face)
USING INDEX r:CANDIDATE(state, link_id)
WHERE r.state = $state AND r.link_id > $after
  AND (EXISTS { MATCH (a)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case) WHERE c.district IN $districts }
       OR EXISTS { MATCH (b)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case) WHERE c.district IN $districts })
WITH a, r, b ORDER BY r.state, r.link_id LIMIT $limit
"""
    + _LINK
    + "ORDER BY link.link_id"
)

# The state is asked for after the case's links are found: in one MATCH the planner would begin at all links in it.
LINKS_OF_CASE: Final = (
    """
MATCH (:Case {case_id: $case_id})<-[:IN_CASE]-(:Media)<-[:SEEN_IN]-(:Face)-[r:CANDIDATE]-(:Face)
WITH DISTINCT r WHERE r.state IN $states AND r.link_id > $after
WITH r ORDER BY r.link_id LIMIT $limit
WITH startNode(r) AS a, r, endNode(r) AS b
"""
    + _LINK
    + "ORDER BY link.link_id"
)

HISTORY: Final = """
MATCH (v:Verdict {link_id: $link_id})<-[:WROTE]-(act:Act)
RETURN v.verdict_id AS verdict_id, act.by AS by, act.role AS role, act.district AS district, act.at AS at,
       v.decision AS decision, v.reasons AS reasons, v.text AS text, v.supersedes AS supersedes
ORDER BY v.version
"""

CASE: Final = """
MATCH (c:Case {case_id: $case_id})
WHERE c.erased IS NULL OR EXISTS { (:Media)-[:IN_CASE]->(c) }
RETURN c {.case_id, .source, .district, .status, .version, .contact, .review_by} AS case
"""

MEDIA_OF_CASE: Final = """
MATCH (m:Media)-[i:IN_CASE]->(:Case {case_id: $case_id})
RETURN m {.media_id, .kind, .content_type, .width, .height, .captured_at} AS media,
       i {.scope, .exhibits, .urgency, .submitted_at} AS membership,
       COLLECT { MATCH (m)-[:IN_CASE]->(o:Case) WHERE o.case_id <> $case_id
                 RETURN o {.case_id, .district, .contact} ORDER BY o.case_id } AS others
ORDER BY media.media_id
"""

FACES_OF_CASE: Final = """
MATCH (f:Face)-[:SEEN_IN]->(m:Media)-[:IN_CASE]->(:Case {case_id: $case_id})
RETURN f {.face_id, .ordinal, .box, .quality, .quality_because, .too_poor_because, .label} AS face,
       m.media_id AS media_id
ORDER BY media_id, face.ordinal
"""

# Where a face lies, whose links lead to it, and who was given it as an answer: all that decides who may see it.
# One in no case, for it is being erased, is seen by nobody; of an erased one the stub says that it was there.
FACES: Final = """
MATCH (f:Face) WHERE f.face_id IN $faces
  AND (f.stub OR EXISTS { (f)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(:Case) })
RETURN f.face_id AS face_id, f.display_crop AS display_crop,
       COLLECT { MATCH (f)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case) RETURN DISTINCT c.district } AS districts,
       COLLECT { MATCH (f)-[r:CANDIDATE]-(:Face)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case)
                 WHERE $leads OR r.state <> 'lead' RETURN DISTINCT c.district } AS linked,
       COLLECT { MATCH (f)<-[r:RETURNED]-(s:Search) WHERE $leads OR r.above
                 MATCH (c:Case {case_id: s.case_id})
                 RETURN DISTINCT {district: c.district, by: s.requested_by} } AS returned
"""

# Read from the counts that Neo4j keeps, and from what waits only: asked for every few seconds.
SIZES: Final = """
RETURN COUNT { (:Case) } AS cases, COUNT { (:Media) } AS media, COUNT { (:Face) } AS faces,
       COUNT { MATCH (q:Quarantined) WHERE q.status = 'waiting' } AS quarantined, COUNT { (:Outbox) } AS outbox,
       COUNT { (:Withheld) } AS withheld
"""

TOO_POOR: Final = "MATCH (f:Face) WHERE f.too_poor_because IS NOT NULL RETURN count(f) AS too_poor"

LINKS_BY_STATE: Final = "MATCH ()-[r:CANDIDATE]->() RETURN r.state AS state, count(*) AS number ORDER BY state"

LINK_ROWS: Final = """
MATCH (a:Face)-[r:CANDIDATE]->(b:Face)
WHERE r.link_id > $after
WITH a, r, b ORDER BY r.link_id LIMIT $limit
RETURN r.link_id AS link_id, r.state AS state, r.score AS score, r.threshold AS threshold,
       a.face_id AS a_face, a.box AS a_box,
       head(COLLECT { MATCH (a)-[:SEEN_IN]->(m:Media) RETURN m.media_id }) AS a_media,
       COLLECT { MATCH (a)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(c:Case)
                 RETURN DISTINCT c.case_id ORDER BY c.case_id } AS a_cases,
       b.face_id AS b_face, b.box AS b_box,
       head(COLLECT { MATCH (b)-[:SEEN_IN]->(m:Media) RETURN m.media_id }) AS b_media,
       COLLECT { MATCH (b)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(c:Case)
                 RETURN DISTINCT c.case_id ORDER BY c.case_id } AS b_cases
ORDER BY link_id
"""

STORES_FILES: Final = """
RETURN EXISTS { MATCH (f:Face) WHERE f.display_crop IS NOT NULL }
       OR EXISTS { MATCH (m:Media) WHERE m.url STARTS WITH $uploads } AS stores
"""
