"""Statements for people's reads: cases, faces, links, counts. None of them writes."""

from typing import Final

from graph.store.queries.fragments import DATES as _DATES
from graph.store.queries.fragments import WHOLE_ACTS as _WHOLE_ACTS

_SIDE: Final = (
    """
{face_id: f.face_id, stub: f.stub, box: f.box, quality: f.quality, too_poor_because: f.too_poor_because,
 more_similar: f.more_similar,
 media_id: head(COLLECT { MATCH (f)-[:SEEN_IN]->(m:Media) RETURN m.media_id }),
 dates: head(COLLECT { MATCH (f)-[:SEEN_IN]->(m:Media) RETURN """
    + _DATES
    + """}),
 cases: COLLECT { MATCH (f)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case)
                  WITH c {case_id: CASE WHEN f.stub THEN null ELSE c.case_id END, .district, .contact} AS place
                  RETURN DISTINCT place ORDER BY place.case_id, place.district }}
"""
)
_SIDE_A: Final = _SIDE.replace("f.", "a.").replace("(f)", "(a)")
_SIDE_B: Final = _SIDE.replace("f.", "b.").replace("(f)", "(b)")
_ACTS: Final = "RETURN v {.verdict_id, .decision, .undoes, by: act.by}"
_FACTS: Final = (
    """
  RETURN collect({
    link: r {.link_id, .state, .version, .score, .band, .model_id, .threshold, .by_mean, .score_id, .proposed_by,
             .proposed_in, .proposed_at},
    acts: CASE WHEN r.version = 0 THEN [] ELSE COLLECT {
      MATCH (v:Verdict {link_id: r.link_id})<-[:WROTE]-(act:Act)
      """
    + _ACTS
    + """ } END, """
)
_LINK: Final = _FACTS + "a: " + _SIDE_A + ", b: " + _SIDE_B + "}) AS rows\n"

LINK: Final = "MATCH (a:Face)-[r:CANDIDATE {link_id: $link_id}]->(b:Face)" + _LINK.replace(_ACTS, _WHOLE_ACTS)

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
)

# Filters by state after the case's links are found: in one MATCH the planner would begin at all links in that state.
LINKS_OF_CASE: Final = (
    """
MATCH (:Case {case_id: $case_id})<-[:IN_CASE]-(:Media)<-[:SEEN_IN]-(:Face)-[r:CANDIDATE]-(:Face)
WITH DISTINCT r WHERE r.state IN $states AND r.link_id > $after
WITH startNode(r) AS a, r, endNode(r) AS b ORDER BY r.link_id LIMIT $limit
"""
    + _LINK
)

LINKS_OF_FACES: Final = (
    """
UNWIND $faces AS face_id
MATCH (:Face {face_id: face_id})-[r:CANDIDATE]-(:Face)
WITH DISTINCT r WHERE r.state IN $states AND r.link_id > $after
WITH startNode(r) AS a, r, endNode(r) AS b ORDER BY r.link_id LIMIT $limit
"""
    + _LINK
)

CASE: Final = """
MATCH (c:Case {case_id: $case_id})
WHERE c.erased IS NULL OR EXISTS { (:Media)-[:IN_CASE]->(c) }
RETURN c {.case_id, .source, .district, .status, .version, .contact, .review_by} AS case
"""

# One row with four lists: hundreds of rows cost more in transfer than in the database. Each endpoint is listed
# once, and only links with acts list them.
GRAPH_OF_CASE: Final = (
    """
CALL () {
  MATCH (m:Media)-[i:IN_CASE]->(:Case {case_id: $case_id})
  WITH m, i ORDER BY m.media_id
  RETURN collect({
    media: m {.media_id, .kind, .content_type, .width, .height, .partial_percent, frames: coalesce(m.frames, 1),
          frames_examined: coalesce(m.frames_examined, 1)},
    membership: i {.scope, .exhibits, .urgency, .submitted_at},
    others: COLLECT { MATCH (m)-[:IN_CASE]->(o:Case) WHERE o.case_id <> $case_id
                      RETURN o {.case_id, .district, .contact} ORDER BY o.case_id },
    dates: """
    + _DATES
    + """
  }) AS media
}
CALL () {
  MATCH (f:Face)-[:SEEN_IN]->(m:Media)-[:IN_CASE]->(:Case {case_id: $case_id})
  WITH f, m ORDER BY m.media_id, f.ordinal
  RETURN collect({
    face: f {.face_id, .ordinal, .box, page: coalesce(f.page, 1), .quality, .quality_because, .too_poor_because,
             .label}, media_id: m.media_id
  }) AS faces
}
CALL () {
  MATCH (:Case {case_id: $case_id})<-[:IN_CASE]-(:Media)<-[:SEEN_IN]-(:Face)-[r:CANDIDATE]-(:Face)
  WITH DISTINCT r WHERE r.state IN $states
  WITH r ORDER BY r.link_id
  RETURN collect(r) AS found
}
CALL (found) {
  UNWIND found AS r"""
    + _FACTS
    + """a: startNode(r).face_id, b: endNode(r).face_id
  }) AS links
}
CALL (found) {
  UNWIND found AS r
  UNWIND [startNode(r), endNode(r)] AS a
  WITH DISTINCT a
  WITH
"""
    + _SIDE_A
    + """ AS side
  RETURN collect(side) AS sides
}
RETURN media, faces, links, sides
"""
)

# A face's cases, its links and the searches that returned it: all facts that decide who may see it. A face that is
# being erased is in no case and visible to nobody; the stub of an erased one shows that it existed.
FACES: Final = """
MATCH (f:Face) WHERE f.face_id IN $faces
  AND (f.stub OR EXISTS { (f)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(:Case) })
RETURN f.face_id AS face_id, f.display_crop AS display_crop, f.context_view AS context_view,
       COLLECT { MATCH (f)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case) RETURN DISTINCT c.district } AS districts,
       COLLECT { MATCH (f)-[r:CANDIDATE]-(:Face)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case)
                 WHERE $leads OR r.state <> 'lead' RETURN DISTINCT c.district }
       + COLLECT { MATCH (f)<-[:AS_SIMILAR]-(:Face)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(c:Case)
                   RETURN DISTINCT c.district } AS linked,
       COLLECT { MATCH (f)<-[r:RETURNED]-(s:Search) WHERE $leads OR r.above
                 MATCH (c:Case {case_id: s.case_id})
                 RETURN DISTINCT {district: c.district, by: s.requested_by} } AS returned
"""

# Uses Neo4j's own counts, and reads waiting objects only: it runs every few seconds.
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
