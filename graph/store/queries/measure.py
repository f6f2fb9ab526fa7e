"""Faces with their vectors, groups and victims, read to measure accuracy. No route uses these statements."""

from typing import Final

EMBEDDED_FACES: Final = """
MATCH (f:Face)-[:SEEN_IN]->(m:Media) USING INDEX f:Face(face_id)
WHERE f.face_id > $after
MATCH (e:Embedding {model_id: $model_id})-[:OF]->(f)
RETURN f.face_id AS face_id, m.media_id AS media_id, f.box AS box, m.width AS width, m.height AS height,
       f.too_poor_because AS too_poor_because, e.vector AS vector
ORDER BY face_id LIMIT $limit
"""

GROUP_SIZES: Final = "MATCH (g:Group) RETURN COUNT { (g)<-[:IN_GROUP]-() } AS faces"

VICTIMS_OF_FACES: Final = """
MATCH (f:Face)-[:DEPICTS {basis: 'confirmed'}]->(v:Victim)
RETURN f.face_id AS face_id, v.victim_id AS victim_id
"""
