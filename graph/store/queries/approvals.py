"""Decisions that wait for a second person. `queue.WALK` walks through the confirmed links."""

from typing import Final

from graph.store.queries.lists import in_one_row

CONFIRMED_BY: Final = in_one_row(
    """
UNWIND $links AS link_id
CALL (link_id) {
  MATCH (v:Verdict {link_id: link_id})<-[:WROTE]-(act:Act) WHERE v.decision = 'confirmed'
  RETURN act ORDER BY v.version DESC LIMIT 1
}
RETURN link_id, act.act_id AS act_id, act.by AS by, act.role AS role, act.district AS district, act.at AS at
""",
    "link_id act_id by role district at",
)

LINKS_OF_ACTS: Final = """
UNWIND $acts AS act_id
MATCH (:Act {act_id: act_id})-[:WROTE]->(v:Verdict) WHERE v.decision = 'confirmed'
RETURN DISTINCT v.link_id AS link_id
"""

IDENTIFICATIONS: Final = """
MATCH (i:Identification) WHERE i.state IN ['proposed', 'to_be_approved_again'] AND toLower(i.by) <> toLower($by)
MATCH (i)-[:OF]->(v:Victim)
WHERE EXISTS { MATCH (v)<-[:DEPICTS]-(:Face)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case) WHERE c.district = $district }
WITH i, v ORDER BY i.at, i.identification_id LIMIT $limit
CALL (i) {
  UNWIND i.face_ids AS face_id
  MATCH (:Face {face_id: face_id})-[:SEEN_IN]->(:Media)-[m:IN_CASE]->(:Case {district: $district})
  RETURN coalesce(max(CASE m.urgency WHEN 'danger_now' THEN 2 WHEN 'urgent' THEN 1 ELSE 0 END), 0) AS urgency
}
RETURN i {.identification_id, .person_ref, .basis, .by, .role, .district, .at, .state, .face_ids} AS identification,
       v.victim_id AS victim_id, urgency
"""
