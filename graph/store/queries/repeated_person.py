"""Statements that a picture shows the same person more than once.

`+ 0` takes the media's lock before its version is read; see `queries.ingest`.
"""

from typing import Final

LOCK_MEDIA: Final = """
MATCH (m:Media {media_id: $media_id})
SET m.repeated_person_version = coalesce(m.repeated_person_version, 0) + 0
RETURN m.repeated_person AS repeated_person, m.repeated_person_version AS version,
       COLLECT { MATCH (m)-[:IN_CASE]->(c:Case) RETURN DISTINCT c.district } AS districts,
       COLLECT { MATCH (f:Face)-[:SEEN_IN]->(m) RETURN f.face_id } AS faces
"""

WRITE_STATEMENT: Final = """
MATCH (m:Media {media_id: $media_id})
CREATE (act:Act {act_id: $act_id, kind: 'repeated_person', by: $by, role: $role, district: $district, at: $at})
CREATE (act)-[:STATED {repeated_person: $repeated_person, before: m.repeated_person, reason: $reason,
                       version: $version}]->(m)
SET m.repeated_person = $repeated_person, m.repeated_person_version = $version
"""

STATEMENTS: Final = """
MATCH (m:Media {media_id: $media_id})
RETURN m.media_id AS media_id, m.repeated_person AS repeated_person,
       coalesce(m.repeated_person_version, 0) AS version,
       COLLECT { MATCH (m)-[:IN_CASE]->(c:Case) RETURN DISTINCT c.district } AS districts,
       COLLECT { MATCH (act:Act)-[s:STATED]->(m)
                 RETURN {act_id: act.act_id, by: act.by, role: act.role, district: act.district, at: act.at,
                         repeated_person: s.repeated_person, reason: s.reason, version: s.version}
                 ORDER BY s.version } AS history
"""
