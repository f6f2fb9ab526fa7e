"""The list of cases, the people of a case in other cases, and what became of its pictures. None of these writes."""

from typing import Final

from graph.store.queries.fragments import in_one_row

# In the index's own order, so that reading stops at the limit.
CASES: Final = """
MATCH (c:Case) USING INDEX c:Case(district, case_id)
WHERE c.district = $district AND c.case_id < $before
  AND (c.case_id STARTS WITH $begins OR c.case_id CONTAINS ':' + $begins)
  AND (c.erased IS NULL OR EXISTS { (:Media)-[:IN_CASE]->(c) })
WITH c ORDER BY c.district DESC, c.case_id DESC LIMIT $limit
RETURN c {.case_id, .source, .district, .status, .version, .contact, .review_by} AS case,
       COUNT { (c)<-[:IN_CASE]-() } AS media
ORDER BY case.case_id DESC
"""

_BY_DECISION: Final = """
(EXISTS { (v)<-[:DEPICTS]-(:Face)-[d:CANDIDATE]-(:Face) WHERE d.state IN ['confirmed', 'approved'] }
 OR EXISTS { (v)<-[:DEPICTS]-(:Face)-[:DEPICTS]->(w:Victim) WHERE w <> v })
"""
"""Whether more than the statement of one case system joins a victim's faces."""

# The state is compared after the case's links are found: in one MATCH the planner would begin at all links in it.
THREADS: Final = (
    """
CALL () {
  MATCH (:Case {case_id: $case_id})<-[:IN_CASE]-(:Media)<-[:SEEN_IN]-(f:Face)-[r:CANDIDATE]-(o:Face)
  WITH DISTINCT f, r, o WHERE r.state IN $states AND o.stub IS NULL
    AND NOT EXISTS { (o)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(:Case {case_id: $case_id}) }
  RETURN collect([f.face_id, o.face_id, r.link_id, r.state]) AS links, collect(DISTINCT f) AS linked,
         collect(DISTINCT o) AS linked_to
}
CALL () {
  MATCH (:Case {case_id: $case_id})<-[:IN_CASE]-(:Media)<-[:SEEN_IN]-(f:Face)-[:DEPICTS]->(v:Victim)
  WITH v, min(f.face_id) AS face_id  // one face is enough to find the others
  WHERE EXISTS { MATCH (v)<-[:DEPICTS]-(:Face)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(c:Case)
                 WHERE c.case_id <> $case_id RETURN c }
  WITH v, face_id, """
    + _BY_DECISION
    + """ AS by_decision
  RETURN collect(CASE WHEN by_decision THEN face_id END) AS spread,
         collect(CASE WHEN by_decision THEN null ELSE v END) AS as_stated
}
CALL (as_stated) {
  UNWIND as_stated AS v
  MATCH (v)<-[:DEPICTS]-(o:Face)-[:SEEN_IN]->(m:Media)
  WHERE NOT EXISTS { (m)-[:IN_CASE]->(:Case {case_id: $case_id}) }
    AND EXISTS { (m)-[:IN_CASE]->(c:Case) WHERE c.district IN $districts }
  WITH DISTINCT v, o
  RETURN collect([v.victim_id, o.face_id]) AS stated, collect(DISTINCT o) AS stated_in
}
CALL (linked_to, stated_in) {
  UNWIND linked_to + stated_in AS o
  RETURN collect({face_id: o.face_id, quality: o.quality,
    cases: [(o)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(c:Case) | c {.case_id, .district, .contact}]}) AS elsewhere
}
CALL (linked) {
  UNWIND linked AS f
  OPTIONAL MATCH (f)-[:DEPICTS]->(v:Victim)
  WITH v, collect(f) AS faces
  WITH v, faces, v IS NOT NULL AND """
    + _BY_DECISION
    + """ AS by_decision
  UNWIND faces AS f
  RETURN collect({face_id: f.face_id, victim_id: v.victim_id, by_decision: by_decision,
    group_id: head([(f)-[:IN_GROUP]->(g:Group) WHERE g.case_id = $case_id | g.group_id])}) AS here
}
CALL () {
  MATCH (:Case {case_id: $case_id})<-[:IN_CASE]-(m:Media)-[:IN_CASE]->(c:Case) WHERE c.case_id <> $case_id
  WITH CASE WHEN c.district IN $districts THEN c.case_id END AS case_id, c.district AS district, c.contact AS contact,
       count(DISTINCT m) AS media
  RETURN collect({case_id: case_id, district: district, contact: contact, media: media}) AS shared
}
RETURN links, elsewhere, here, spread, stated, shared
"""
)
"""What joins a case's faces to faces that are not in it, and the media that other cases have as well.

`links` are proposed or decided; `stated` are faces of victims that one case system alone states, in $districts;
`spread` has one face of each other victim that is in other cases too. Cases outside of $districts are counted together
by district and contact.
"""

FACES_IN_CASE: Final = in_one_row(
    """
UNWIND $faces AS face_id
MATCH (f:Face {face_id: face_id})-[:SEEN_IN]->(m:Media)-[:IN_CASE]->(:Case {case_id: $case_id})
RETURN f.face_id AS face_id, f.quality AS quality, m.media_id AS media_id
""",
    "face_id quality media_id",
)

GROUPS_IN_CASE: Final = in_one_row(
    """
UNWIND $groups AS group_id
MATCH (g:Group {group_id: group_id})<-[:IN_GROUP]-(f:Face)-[:SEEN_IN]->(m:Media)-[:IN_CASE]->(:Case {case_id: $case_id})
WHERE NOT EXISTS { (f)-[:DEPICTS]->(:Victim) }
RETURN group_id, f.face_id AS face_id, f.quality AS quality, m.media_id AS media_id
""",
    "group_id face_id quality media_id",
)

LABELS_OF_VICTIMS: Final = in_one_row(
    """
UNWIND $victims AS victim_id
MATCH (v:Victim {victim_id: victim_id}) WHERE v.registered
RETURN victim_id, v.label AS label
""",
    "victim_id label",
)

_OUTCOME: Final = """
CASE WHEN i.scope = 'none' OR (faces > 0 AND hidden = faces) THEN 'not_compared'
     WHEN faces = 0 THEN 'no_face'
     WHEN poor = faces - hidden THEN 'too_poor'
     ELSE 'compared' END AS outcome,
m.partial_percent IS NOT NULL OR coalesce(m.frames_examined, 1) < coalesce(m.frames, 1) AS in_part
"""
_COUNTED: Final = (
    """
MATCH (m:Media)-[i:IN_CASE]->(:Case {case_id: $case_id})
WITH m, i, COUNT { (m)<-[:SEEN_IN]-() } AS faces,
     COUNT { MATCH (m)<-[:SEEN_IN]-(f:Face) WHERE f.label IN $hidden } AS hidden,
     COUNT { MATCH (m)<-[:SEEN_IN]-(f:Face) WHERE f.too_poor_because IS NOT NULL
               AND NOT coalesce(f.label, '') IN $hidden } AS poor
WITH m, i, faces, poor, """
    + _OUTCOME
)

OUTCOMES: Final = (
    _COUNTED
    + """
RETURN outcome, count(m) AS media, sum(faces) AS faces, sum(poor) AS too_poor,
       sum(CASE WHEN in_part THEN 1 ELSE 0 END) AS in_part
"""
)

MEDIA_BY_OUTCOME: Final = (
    _COUNTED.replace(
        "MATCH (m:Media)-[i:IN_CASE]->(:Case {case_id: $case_id})",
        """
MATCH (m:Media)-[i:IN_CASE]->(:Case {case_id: $case_id}) WHERE m.media_id > $after""",
    )
    + """
WHERE outcome IN $outcomes AND (in_part OR NOT $in_part)
WITH m, i, outcome ORDER BY m.media_id LIMIT $limit
RETURN m.media_id AS media_id, outcome, m.kind AS kind, m.partial_percent AS partial_percent, i.exhibits AS exhibits,
       i.submitted_at AS submitted_at,
       coalesce(m.frames, 1) AS frames, coalesce(m.frames_examined, 1) AS frames_examined,
       COLLECT { MATCH (m)<-[:SEEN_IN]-(f:Face)
                 RETURN f {.face_id, .quality, .quality_because, .too_poor_because, .label}
                 ORDER BY f.ordinal, f.face_id } AS faces
ORDER BY media_id
"""
)

QUARANTINED: Final = """
MATCH (q:Quarantined {case_id: $case_id}) WHERE q.status = 'waiting'
RETURN q.code AS code, count(q) AS events, min(q.submitted_at) AS since ORDER BY code
"""
"""What waits of a case, by the code of its reason: a reason's text can name hosts and files."""
