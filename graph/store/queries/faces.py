"""What people say of faces: labels, marks that wait until link has stored their faces; and faces that the caps cut.

`+ 0` takes a face's lock before its version is read; see `queries.ingest`.
"""

from typing import Final

from graph.store.queries.fragments import DATES as _DATES
from graph.store.queries.fragments import in_one_row

LOCK_FACES: Final = """
UNWIND $faces AS face_id
MATCH (f:Face {face_id: face_id}) WHERE f.stub IS NULL
SET f.label_version = coalesce(f.label_version, 0) + 0
RETURN f.face_id AS face_id, f.label AS label, f.label_version AS version,
       COLLECT { MATCH (f)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(c:Case)
                 RETURN DISTINCT c {.case_id, .district} ORDER BY c.case_id } AS cases
"""

WRITE_LABELS: Final = """
CREATE (act:Act {act_id: $act_id, kind: 'label', by: $by, role: $role, district: $district, at: $at})
WITH act
UNWIND $rows AS row
MATCH (f:Face {face_id: row.face_id})
SET f.label = $label, f.label_version = row.version
CREATE (act)-[:LABELLED {label: $label, before: row.before, reason: $reason, version: row.version}]->(f)
"""

LABELS: Final = """
MATCH (f:Face {face_id: $face_id}) WHERE f.stub IS NULL
RETURN f.face_id AS face_id, f.label AS label, coalesce(f.label_version, 0) AS label_version,
       COLLECT { MATCH (f)-[:SEEN_IN]->(:Media)-[:IN_CASE]->(c:Case) RETURN DISTINCT c.district } AS districts,
       COLLECT { MATCH (act:Act)-[l:LABELLED]->(f)
                 RETURN {act_id: act.act_id, by: act.by, role: act.role, district: act.district, at: act.at,
                         label: l.label, reason: l.reason, version: l.version}
                 ORDER BY l.version } AS history
"""

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

MORE_SIMILAR: Final = """
MATCH (f:Face {face_id: $face_id})-[:SEEN_IN]->(m:Media)
RETURN f.more_similar AS number,
       COLLECT { MATCH (m)-[:IN_CASE]->(c:Case) RETURN DISTINCT c.district } AS districts
"""

SIMILAR_FACES: Final = """
MATCH (:Face {face_id: $face_id})-[:AS_SIMILAR]->(g:Face)-[:SEEN_IN]->(m:Media)
WHERE g.face_id > $after AND EXISTS { (m)-[:IN_CASE]->(:Case) }
WITH g, m ORDER BY g.face_id LIMIT $limit
RETURN g.face_id AS face_id, g.box AS box, g.quality AS quality, g.more_similar AS more_similar,
       m.media_id AS media_id,
       COLLECT { MATCH (m)-[:IN_CASE]->(c:Case)
                 RETURN DISTINCT c {.case_id, .district, .contact} ORDER BY c.case_id } AS cases
ORDER BY face_id
"""

SHEET_FACES: Final = (
    """
UNWIND $faces AS face_id
MATCH (f:Face {face_id: face_id})
OPTIONAL MATCH (f)-[:SEEN_IN]->(m:Media)
RETURN f.face_id AS face_id, f.quality AS quality, f.quality_because AS quality_because, f.label AS label,
       coalesce(f.label_version, 0) AS label_version, f.stub AS stub, f.display_crop IS NOT NULL AS has_crop,
       f.context_view IS NOT NULL AS has_context, f.more_similar AS more_similar, f.box AS box,
       f.landmarks AS landmarks, f.crop_region AS crop_region,
       m.width AS width, m.height AS height, coalesce(f.page, 1) AS page,
       m.media_id AS media_id, m.repeated_person AS repeated_person,
       m.kind AS media_kind, CASE WHEN m IS NULL THEN null ELSE """
    + _DATES
    + """ END AS dates,
       COLLECT { MATCH (f)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case)
                 RETURN DISTINCT c {.case_id, .district, .contact} ORDER BY c.case_id } AS cases
"""
)
"""What a contact sheet says below each face."""

CROP_VIEWS: Final = in_one_row(
    """
UNWIND $faces AS face_id
MATCH (f:Face {face_id: face_id})-[:SEEN_IN]->(m:Media) WHERE f.landmarks IS NOT NULL
RETURN face_id, f.box AS box, f.landmarks AS landmarks, f.crop_region AS crop_region, coalesce(f.page, 1) AS page,
       m.width AS width, m.height AS height
""",
    "face_id box landmarks crop_region page width height",
)
