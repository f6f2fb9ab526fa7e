"""A person's erasure: hides at once what link will erase at its record in the gallery log.

To hide, IN_CASE and SEEN_IN are renamed: statements for people then find no path from the object to a case, and an
object in no case is visible to nobody. Only link's own statements follow both names.
"""

from typing import Final

# `newest`: the erasure must be younger than everything that it covers, by any clock that submitted it.
OF_MEDIA: Final = """
UNWIND $subjects AS subject
MATCH (m:Media {media_id: subject})-[r:IN_CASE]->(c:Case)
RETURN 'media_id' AS kind, m.media_id AS subject, collect(DISTINCT c {.district, .source}) AS cases,
       max(r.submitted_at) AS newest
"""

OF_CASE: Final = """
UNWIND $subjects AS subject
MATCH (c:Case {case_id: subject}) WHERE c.erased IS NULL OR EXISTS { (:Media)-[:IN_CASE]->(c) }
RETURN 'case_id' AS kind, c.case_id AS subject, [c {.district, .source}] AS cases,
       head(COLLECT { MATCH (:Media)-[r:IN_CASE]->(c) RETURN max(r.submitted_at) }) AS newest
"""

OF_FACES: Final = """
UNWIND $subjects AS face_id
MATCH (f:Face {face_id: face_id})-[:SEEN_IN]->(m:Media)-[:IN_CASE]->(c:Case)
RETURN 'face_id' AS kind, f.face_id AS subject, collect(DISTINCT c {.district, .source}) AS cases,
       max(m.first_submitted_at) AS newest, f.label AS label
ORDER BY subject
"""

HIDE_MEDIA: Final = """
UNWIND $subjects AS media_id
MATCH (m:Media {media_id: media_id})-[r:IN_CASE]->(c:Case)
MERGE (m)-[h:HIDDEN_IN_CASE {membership_id: r.membership_id}]->(c)
SET h = properties(r)
DELETE r
"""

# A page of the case: 20,000 pictures in one transaction would overflow the database's memory. Later
# submissions are not part of the erasure.
HIDE_CASE: Final = """
MATCH (c:Case {case_id: $case_id})
SET c.erased = true
WITH c
MATCH (m:Media)-[r:IN_CASE]->(c) WHERE r.submitted_at <= $newest
WITH m, r, c LIMIT $limit
MERGE (m)-[h:HIDDEN_IN_CASE {membership_id: r.membership_id}]->(c)
SET h = properties(r)
DELETE r
RETURN m.media_id AS media_id
"""

HIDE_FACES: Final = """
UNWIND $subjects AS face_id
MATCH (f:Face {face_id: face_id})-[r:SEEN_IN]->(m:Media)
MERGE (f)-[:HIDDEN_SEEN_IN]->(m)
DELETE r
"""

# Undecided links and results of faces, or of all faces of media: nobody sees these any more. If the media remains in
# another case, link compares it there again.
DROP_UNDECIDED: Final = """
UNWIND $subjects AS subject
CALL (subject) {
  MATCH (f:Face {face_id: subject}) RETURN f
  UNION
  MATCH (f:Face)-[:SEEN_IN|HIDDEN_SEEN_IN]->(:Media {media_id: subject}) RETURN f
}
WITH DISTINCT f WHERE NOT EXISTS { (f)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(:Case) }
CALL (f) {
  MATCH (f)-[r:CANDIDATE]-(:Face)
  SET r.version = r.version + 0
  WITH r WHERE r.version = 0
  DELETE r
}
CALL (f) {
  MATCH (:Search)-[r:RETURNED]->(f)
  DELETE r
}
"""

CREATE_REQUEST: Final = "CREATE (q:ErasureRequest) SET q = $request"

REQUEST: Final = """
MATCH (q:ErasureRequest {erasure_id: $erasure_id})
RETURN q {.erasure_id, .kind, .subject, .reason, .code, .by, .districts, .at, .state, .done_at, .waiting,
          .subjects} AS request
"""
