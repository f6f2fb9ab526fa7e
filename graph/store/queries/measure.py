"""What measurements read: every face with its vector. Nothing that people look at comes from here."""

from __future__ import annotations

from typing import Final

EMBEDDED_FACES: Final = """
MATCH (f:Face)-[:SEEN_IN]->(m:Media)
WHERE f.face_id > $after
MATCH (e:Embedding {model_id: $model_id})-[:OF]->(f)
RETURN f.face_id AS face_id, m.media_id AS media_id, f.box AS box, m.width AS width, m.height AS height,
       f.too_poor_because AS too_poor_because, e.vector AS vector
ORDER BY face_id LIMIT $limit
"""
