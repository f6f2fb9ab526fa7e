"""Faces that people mark: the faces of a media, and marks that wait there until link has stored their faces."""

from typing import Final

_WAITING: Final = """
MATCH (act:Act)-[waits:MARKS]->(m)
RETURN {face_id: waits.face_id, box: waits.box, ordinal: waits.ordinal, status: waits.status, reason: waits.reason,
        marked_by: act.by, marked_at: act.at, role: act.role, district: act.district}
ORDER BY waits.ordinal, waits.face_id
"""

OF_MEDIA: Final = (
    """
MATCH (m:Media {media_id: $media_id})
RETURN m {.media_id, .url, .content_type, .width, .height} AS media,
       COLLECT { MATCH (m)-[i:IN_CASE]->(c:Case)
                 RETURN {case_id: c.case_id, district: c.district, submitted_at: i.submitted_at}
                 ORDER BY c.case_id } AS memberships,
       COLLECT { MATCH (f:Face)-[:SEEN_IN]->(m) RETURN f {.face_id, .box, .ordinal, status: 'stored'}
                 ORDER BY f.ordinal, f.face_id } AS faces,
       COLLECT {"""
    + _WAITING
    + "} AS waiting"
)

WAITING: Final = "MATCH (m:Media {media_id: $media_id}) RETURN COLLECT {" + _WAITING + "} AS waiting"

CREATE_MARK: Final = """
MATCH (m:Media {media_id: $media_id})
CREATE (act:Act {act_id: $act_id, kind: 'mark', by: $by, role: $role, district: $district, at: $at})
CREATE (act)-[waits:MARKS {status: 'waiting'}]->(m)
SET waits += $mark
"""
