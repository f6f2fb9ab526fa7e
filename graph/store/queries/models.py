"""Embeddings by several models, read to measure accuracy too, and the switch of the register's model."""

from typing import Final

BY_MODEL: Final = "MATCH (e:Embedding) RETURN e.model_id AS model_id, count(*) AS faces ORDER BY model_id"

COUNT_LACKING: Final = """
MATCH (f:Face)-[:SEEN_IN|HIDDEN_SEEN_IN]->(:Media)
WHERE NOT EXISTS { MATCH (e:Embedding {model_id: $model_id})-[:OF]->(f) WHERE e.quality IS NOT NULL }
RETURN count(DISTINCT f) AS faces
"""

# An embedding without a quality is of an older release, which stored the quality with the face only.
LACKING: Final = """
MATCH (f:Face) USING INDEX f:Face(face_id)
WHERE f.face_id > $after
  AND NOT EXISTS { MATCH (e:Embedding {model_id: $model_id})-[:OF]->(f) WHERE e.quality IS NOT NULL }
MATCH (f)-[:SEEN_IN|HIDDEN_SEEN_IN]->(m:Media)
RETURN f.face_id AS face_id, m.media_id AS media_id, f.box AS box, f.landmarks AS landmarks,
       m.width AS width, m.height AS height, f.aligned_crop AS aligned_crop, m.url AS url,
       m.content_type AS content_type, coalesce(f.page, 1) AS page
ORDER BY face_id LIMIT $limit
"""

LINKS_IN_STATE: Final = """
MATCH (a:Face)-[r:CANDIDATE]->(b:Face)
USING INDEX r:CANDIDATE(state, link_id)
WHERE r.state = $state AND r.link_id > $after
WITH a, r, b ORDER BY r.state, r.link_id LIMIT $limit
RETURN r.link_id AS link_id, a.face_id AS a, b.face_id AS b, r.version AS version, r.score_id AS score_id
ORDER BY link_id
"""

JUDGE_FACES: Final = """
UNWIND $rows AS row
MATCH (e:Embedding {embedding_id: row.embedding_id})-[:OF]->(f:Face {face_id: row.face_id})
WHERE e.quality IS NOT NULL
SET f.quality = e.quality, f.too_poor_because = e.too_poor_because
"""

SET_MODEL: Final = """
UNWIND $rows AS row
MATCH (c:Cursor {log: row.log})
SET c.model_id = row.model_id, c.model_since = row.since, c.score_id = row.score_id, c.calibration = row.calibration
"""

CALIBRATION: Final = "MATCH (c:Cursor {log: $log}) RETURN c.calibration AS calibration"

FACES: Final = "RETURN COUNT { (:Face) } AS number"

ADOPT_CALIBRATION: Final = """
MATCH (c:Cursor {log: $log}) WHERE c.epoch = $epoch AND c.calibration IS NULL
SET c.score_id = $score_id, c.calibration = $calibration
"""

EMBEDDED_FACES: Final = """
MATCH (f:Face)-[:SEEN_IN]->(m:Media) USING INDEX f:Face(face_id)
WHERE f.face_id > $after
MATCH (e:Embedding {model_id: $model_id})-[:OF]->(f)
RETURN f.face_id AS face_id, m.media_id AS media_id, f.box AS box, m.width AS width, m.height AS height,
       f.too_poor_because AS too_poor_because, e.vector AS vector
ORDER BY face_id LIMIT $limit
"""
