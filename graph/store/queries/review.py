"""People's decisions on links, and those that wait for a second person (`queue.WALK` walks through these links).

Statements that decide run after LOCK_HEAD, in the same transaction. `+ 0` takes the edge's lock before its version is
read; see `queries.ingest`.
"""

from typing import Final

from graph.store.queries.fragments import in_one_row

_NAMED_LINKS: Final = """
UNWIND $links AS link_id
MATCH (a:Face)-[r:CANDIDATE {link_id: link_id}]->(b:Face)
"""
_LINK_FACTS: Final = """
RETURN r.link_id AS link_id, r.state AS state, r.version AS version, r.confirmed_at AS confirmed_at,
       CASE WHEN r.score >= r.threshold THEN 'candidate' WHEN r.score IS NOT NULL THEN 'lead' END AS measured,
       a.face_id AS a, b.face_id AS b,
       head(COLLECT { MATCH (k:Claim {by: r.claimed_by})
                      WHERE any(n IN range(0, size(k.links) - 1)
                                WHERE k.links[n] = r.link_id AND k.versions[n] = r.version)
                        AND NOT EXISTS { (a)-[:DEPICTS]->(:Victim)<-[:DEPICTS]-(b) }
                      RETURN k {actor: k.by, .role, .district, .until} ORDER BY k.until DESC LIMIT 1 }) AS claim,
       COLLECT { MATCH (a)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case) RETURN DISTINCT c.district }
       + COLLECT { MATCH (b)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case) RETURN DISTINCT c.district } AS districts,
       COLLECT { MATCH (v:Verdict {link_id: r.link_id})<-[:WROTE]-(act:Act)
                 WITH v, act ORDER BY v.version
                 RETURN v {.verdict_id, .decision, .state_then, .undoes, opened: coalesce(v.opened, false),
                           act_id: act.act_id, by: act.by, at: act.at, role: act.role, district: act.district}
               } AS history
"""
LOCK_LINKS: Final = _NAMED_LINKS + "SET r.version = r.version + 0" + _LINK_FACTS
LINKS: Final = _NAMED_LINKS + _LINK_FACTS

LINKS_OF_ACT: Final = """
MATCH (:Act {act_id: $act_id})-[:WROTE]->(v:Verdict)
RETURN v.link_id AS link_id, v.verdict_id AS verdict_id ORDER BY link_id
"""

# The stub of an erased face is unknown here: nothing of it is left to compare.
PAIR: Final = """
MATCH (a:Face {face_id: $a}), (b:Face {face_id: $b})
OPTIONAL MATCH (a)-[r:CANDIDATE]->(b)
RETURN r {.link_id, .state, .version} AS link,
       COLLECT { MATCH (a)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(c:Case) RETURN DISTINCT c.district } AS a_districts,
       EXISTS { (a)<-[:RETURNED]-(:Search {requested_by: $by}) } AS a_found,
       EXISTS { (b)<-[:RETURNED]-(:Search {requested_by: $by}) } AS b_found,
       EXISTS { (a)<-[:AS_SIMILAR]-(b) } AS a_listed, EXISTS { (b)<-[:AS_SIMILAR]-(a) } AS b_listed,
       COLLECT { MATCH (b)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(c:Case) RETURN DISTINCT c.district } AS b_districts
"""

OPEN_BETWEEN: Final = """
UNWIND $some AS face_id
MATCH (:Face {face_id: face_id})-[r:CANDIDATE]-(o:Face) WHERE o.face_id IN $others AND r.state IN $states
RETURN DISTINCT r.link_id AS link_id ORDER BY link_id
"""

CREATE_LINKS: Final = """
UNWIND $rows AS row
MATCH (a:Face {face_id: row.a})
MATCH (b:Face {face_id: row.b})
MERGE (a)-[r:CANDIDATE {link_id: row.link_id}]->(b)
ON CREATE SET r.version = 0, r.state = 'withdrawn', r.proposed_by = row.proposed_by,
              r.proposed_in = row.proposed_in, r.proposed_at = $at
"""

WRITE_ACT: Final = """
CREATE (act:Act {act_id: $act_id, kind: $kind, by: $by, role: $role, district: $district, at: $at,
                  undoes: $undoes})
WITH act UNWIND $rows AS row
MATCH (:Face)-[r:CANDIDATE {link_id: row.link_id}]->(:Face)
CREATE (act)-[:WROTE]->(:Verdict {verdict_id: row.verdict_id, link_id: row.link_id, decision: row.decision,
    reasons: row.reasons, text: row.text, score_then: r.score, state_then: row.state_then, version: row.version,
    supersedes: row.supersedes, undoes: row.undoes, blind: row.blind, opened: row.opened, at: $at,
    answers: row.answers,
    concerns: nullIf(CASE WHEN r.district_low = $district THEN r.district_high ELSE r.district_low END, '')})
SET r.state = row.state, r.version = row.version, r.standing = row.standing, r.confirmed_at = row.confirmed_at,
    r.confirmed_by = row.confirmed_by
"""
"""`answers` is the other person whose decision this one answers, `concerns` the link's other district: for `inbox`."""

UNITS: Final = """
UNWIND $faces AS face_id
MATCH (f:Face {face_id: face_id})
RETURN f.face_id AS face_id, f.quality AS quality,
       head(COLLECT { MATCH (f)-[:IN_GROUP]->(g:Group) MATCH (c:Case {case_id: g.case_id})
                      RETURN {group_id: g.group_id, district: c.district} ORDER BY g.group_id }) AS group
"""

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
RETURN i {.identification_id, .person_ref, .basis, .by, .role, .district, .at, .state, .version, .face_ids}
         AS identification, v.victim_id AS victim_id, urgency
"""
