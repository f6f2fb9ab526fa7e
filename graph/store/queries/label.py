"""People's labels of faces. `+ 0` takes the face's lock before its version is read; see `queries.ingest`."""

from typing import Final

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
