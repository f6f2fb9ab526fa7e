"""Stored media that a newer detector has not examined yet, and events in quarantine by their reason."""

from typing import Final

COUNT: Final = """
CALL () { MATCH (m:Media) RETURN count(m) AS media }
CALL () { MATCH (m:Media) WHERE m.detector_id = $detector_id RETURN count(m) AS examined }
RETURN media - examined AS waiting
"""

# A crop of an older release has at most 256 pixels, and shows 1.6 times the box.
WAITING: Final = """
MATCH (m:Media) USING INDEX m:Media(media_id)
WHERE m.media_id > $after AND coalesce(m.detector_id, '') <> $detector_id
WITH m ORDER BY m.media_id LIMIT $limit
RETURN m.media_id AS media_id, m.url AS url, m.content_type AS content_type,
       m.not_reexamined IS NOT NULL AS failed,
       NOT EXISTS { (:Face)-[:SEEN_IN]->(m) } AS no_face,
       EXISTS { MATCH (f:Face)-[:SEEN_IN]->(m) WHERE f.too_poor_because IS NOT NULL } AS too_poor,
       coalesce(m.frames, 1) > coalesce(m.frames_examined, 1) AS more_pages,
       EXISTS { MATCH (f:Face)-[:SEEN_IN]->(m) WHERE f.box[2] > 160 OR f.box[3] > 160 } AS small_crops
ORDER BY media_id
"""

SETTLED: Final = """
UNWIND $media AS media_id
OPTIONAL MATCH (m:Media {media_id: media_id})
WITH media_id, m
WHERE m IS NULL OR m.detector_id = $detector_id OR m.not_reexamined IS NOT NULL
RETURN count(*) AS media
"""

ASK_AGAIN: Final = """
UNWIND $media AS media_id
MATCH (m:Media {media_id: media_id})
REMOVE m.not_reexamined
"""

BEHIND: Final = "MATCH (b:Backlog) WHERE b.source IN $sources RETURN coalesce(sum(b.events), 0) AS events"

QUARANTINED: Final = """
MATCH (q:Quarantined) WHERE q.status = 'waiting' AND NOT coalesce(q.truncated, false)
RETURN q.code AS code, count(*) AS events ORDER BY code
"""

OF_CODES: Final = """
MATCH (q:Quarantined) WHERE q.status = 'waiting' AND NOT coalesce(q.truncated, false) AND q.code IN $codes
RETURN q.quarantine_id AS quarantine_id ORDER BY q.submitted_at, quarantine_id
"""

REPLAYED: Final = """
UNWIND $ids AS id
MATCH (q:Quarantined {quarantine_id: id}) WHERE q.status = 'replayed'
RETURN count(q) AS events
"""
"""How many of these events are still on their way."""
