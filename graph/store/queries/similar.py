"""The faces as similar as those proposed for a face that the caps cut; each row has its cases."""

from typing import Final

FACE: Final = """
MATCH (f:Face {face_id: $face_id})-[:SEEN_IN]->(m:Media)
RETURN f.more_similar AS number,
       COLLECT { MATCH (m)-[:IN_CASE]->(c:Case) RETURN DISTINCT c.district } AS districts
"""

LISTED: Final = """
MATCH (:Face {face_id: $face_id})-[:AS_SIMILAR]->(g:Face)-[:SEEN_IN]->(m:Media)
WHERE g.face_id > $after AND EXISTS { (m)-[:IN_CASE]->(:Case) }
WITH g, m ORDER BY g.face_id LIMIT $limit
RETURN g.face_id AS face_id, g.box AS box, g.quality AS quality, g.more_similar AS more_similar,
       m.media_id AS media_id,
       COLLECT { MATCH (m)-[:IN_CASE]->(c:Case)
                 RETURN DISTINCT c {.case_id, .district, .contact} ORDER BY c.case_id } AS cases
ORDER BY face_id
"""
