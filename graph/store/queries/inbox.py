"""What changed in a district and for a person since their last visit, and the time of that visit.

Each list is an index seek between two times, so it costs what changed and not what is stored; that of searches costs
the searches that the person asked. Lists of one person are ordered by their index.
"""

from typing import Final

from graph.store.queries.fragments import in_one_row

LAST_VISIT: Final = "MATCH (n:Visit {actor: $actor}) RETURN n.until AS until"

MOVE_VISIT: Final = """
MERGE (n:Visit {actor: $actor})
SET n.until = CASE WHEN n.until > $until THEN n.until ELSE $until END
"""
MOVE_VISIT_BACK: Final = MOVE_VISIT.replace(">", "<")

_SEEK_LOW: Final = """
  MATCH (a)-[r:CANDIDATE]->(b) USING INDEX SEEK r:CANDIDATE(state, district_low, proposed_at)
  WHERE r.state = 'candidate' AND r.district_low = $district AND r.proposed_at > $since AND r.proposed_at <= $until
  WITH r ORDER BY r.state DESC, r.district_low DESC, r.proposed_at DESC LIMIT $limit
  RETURN r
"""
_SEEK_ANY: Final = _SEEK_LOW.replace("$district", "'*'").replace(
    "$until\n",
    """$until
    AND (EXISTS { (a)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(:Case {district: $district}) }
         OR EXISTS { (b)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(:Case {district: $district}) })
""",
)
"""Links of three and more districts, of which one is the district."""

NEW_CANDIDATES: Final = in_one_row(
    "CALL () {"
    + _SEEK_LOW
    + "  UNION"
    + _SEEK_LOW.replace("district_low", "district_high")
    + "  UNION"
    + _SEEK_ANY
    + """}
WITH r ORDER BY r.proposed_at DESC LIMIT $limit
WITH r.urgency AS urgency,
     COLLECT { UNWIND [startNode(r), endNode(r)] AS f
               MATCH (f)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(c:Case {district: $district})
               RETURN DISTINCT c.case_id } AS cases
WHERE size(cases) > 0
RETURN urgency, cases
""",
    "urgency cases",
)
"""The newest candidates that still wait, each with its cases in the district."""

# `$before` is a place in the list. Two comparisons joined by OR would make the planner scan.
_SPAN: Final = """
    AND v.at > $since AND v.at <= $until AND v.at + '|' + v.verdict_id < $before
"""
# Shown once no other act followed, so the link's state says the same; see `visibility.visible_history`.
_ELSEWHERE: Final = (
    """
  MATCH (v:Verdict) USING INDEX SEEK v:Verdict(concerns, at)
  WHERE v.concerns = $district"""
    + _SPAN
    + """
  MATCH (a:Face)-[r:CANDIDATE {link_id: v.link_id}]->(b:Face)
  WHERE r.standing = v.verdict_id AND r.state IN ['confirmed', 'dismissed', 'approved']
    AND (EXISTS { MATCH (a)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case) WHERE c.district = $district }
         OR EXISTS { MATCH (b)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case) WHERE c.district = $district })
  MATCH (v)<-[:WROTE]-(act:Act) WHERE coalesce(act.district, '') <> $district
  RETURN v, act ORDER BY v.at DESC, v.verdict_id DESC LIMIT $limit
"""
)

CHANGES: Final = (
    """
CALL () {
  MATCH (v:Verdict) USING INDEX SEEK v:Verdict(answers, at)
  WHERE v.answers = $actor"""
    + _SPAN
    + """    AND v.decision IN ['returned', 'reopened']
  WITH v ORDER BY v.answers DESC, v.at DESC, v.verdict_id DESC LIMIT $limit
  MATCH (v)<-[:WROTE]-(act:Act)
  RETURN v, act
  UNION"""
    + _ELSEWHERE
    + "  UNION"
    + _ELSEWHERE.replace("v.concerns = $district", "v.concerns = '*'")
    + """}
WITH v, act ORDER BY v.at DESC, v.verdict_id DESC LIMIT $limit
RETURN v.verdict_id AS verdict_id, v.link_id AS link_id, v.decision AS decision, v.text AS text, v.at AS at,
       coalesce(v.answers, '') = $actor AS own, act.act_id AS act_id, act.by AS by, act.role AS role,
       act.district AS district
ORDER BY at DESC, verdict_id DESC
"""
)
"""The person's decisions that others returned or reopened, and decisions of other districts on the district's links."""

IDENTIFICATIONS: Final = """
MATCH (i:Identification) WHERE i.by = $actor AND i.decided_at > $since AND i.decided_at <= $until
  AND i.state IN ['approved', 'returned']
WITH i ORDER BY i.by DESC, i.decided_at DESC LIMIT $limit
RETURN i {.*} AS identification
"""

SEARCHES: Final = """
MATCH (s:Search) WHERE s.requested_by = $actor AND s.asked_at > '' AND s.asked_at <= $until
  AND s.open AND (s.ended_at IS NULL OR s.ended_at > $since) AND (s.until IS NULL OR s.until > $since)
MATCH (s)-[:HAS]->(p:Part) WHERE p.number > 0 AND p.at > $since AND p.at <= $until AND size(p.faces) > 0
WITH s, max(p.at) AS at, sum(size(p.faces)) AS added
RETURN s.search_id AS search_id, s.case_id AS case_id, s.within AS within, at, added
ORDER BY at DESC, search_id LIMIT $limit
"""
