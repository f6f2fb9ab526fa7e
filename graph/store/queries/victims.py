"""What holds victims together, and what is derived from it. The confirmed `DEPICTS` of a face names its victim now."""

from __future__ import annotations

from typing import Final

FACES_OF_SAME_VICTIMS: Final = """
UNWIND $faces AS face_id
MATCH (:Face {face_id: face_id})-[:DEPICTS]->(v:Victim)
WITH DISTINCT v WHERE NOT v.victim_id IN $known
MATCH (v)<-[:DEPICTS]-(o:Face)
RETURN v.victim_id AS victim_id, collect(DISTINCT o.face_id) AS faces
"""

JOINED_FACES: Final = """
UNWIND $faces AS face_id
MATCH (:Face {face_id: face_id})-[r:CANDIDATE]-(o:Face) WHERE r.state IN ['confirmed', 'approved']
RETURN DISTINCT o.face_id AS face_id
"""

FACES: Final = """
UNWIND $faces AS face_id
MATCH (f:Face {face_id: face_id})
RETURN f.face_id AS face_id, f.start_ms AS start_ms, f.end_ms AS end_ms, f.quality AS quality,
       head(COLLECT { MATCH (f)-[:SEEN_IN]->(m:Media) RETURN m.media_id }) AS media_id,
       COLLECT { MATCH (f)-[:DEPICTS {basis: 'declared'}]->(v:Victim) RETURN v.victim_id } AS declared,
       head(COLLECT { MATCH (f)-[:DEPICTS {basis: 'confirmed'}]->(v:Victim) RETURN v.victim_id }) AS victim_id,
       COLLECT { MATCH (f)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case)
                 RETURN DISTINCT c {.case_id, .source, .district, .contact} } AS cases
"""

DECIDED_LINKS: Final = """
UNWIND $faces AS face_id
MATCH (a:Face {face_id: face_id})-[r:CANDIDATE]->(b:Face) WHERE r.state IN ['confirmed', 'approved', 'dismissed']
RETURN r.link_id AS link_id, a.face_id AS a, b.face_id AS b, r.state AS state, r.confirmed_at AS confirmed_at,
       coalesce(r.pending, false) AS pending
"""

MOVE_FACES: Final = """
UNWIND $rows AS row
MATCH (f:Face {face_id: row.face_id})
OPTIONAL MATCH (f)-[old:DEPICTS {basis: 'confirmed'}]->(:Victim)
WITH f, row, collect(old) AS former
WITH f, row, former, CASE WHEN row.renamed THEN head(former).at ELSE $at END AS at
FOREACH (old IN former | DELETE old)
WITH f, row, at WHERE row.victim_id IS NOT NULL
MERGE (v:Victim {victim_id: row.victim_id})
ON CREATE SET v.registered = false, v.version = 0, v.from_link = row.from_link
CREATE (f)-[:DEPICTS {basis: 'confirmed', at: at}]->(v)
"""

NAME_VICTIMS: Final = """
UNWIND $rows AS row
MERGE (v:Victim {victim_id: row.victim_id})
ON CREATE SET v.registered = false, v.version = 0, v.from_link = row.link_id
"""

SET_PENDING: Final = """
UNWIND $rows AS row
MATCH (:Face)-[r:CANDIDATE {link_id: row.link_id}]->(:Face)
SET r.pending = row.pending
"""

IDENTIFICATIONS: Final = """
UNWIND $victims AS victim_id
MATCH (i:Identification)-[:OF]->(v:Victim {victim_id: victim_id})
RETURN i {.identification_id, .person_ref, .state, .face_ids, .by} AS identification, v.victim_id AS victim_id
"""

MOVE_IDENTIFICATIONS: Final = """
UNWIND $rows AS row
MATCH (i:Identification {identification_id: row.identification_id})
SET i.state = row.state
WITH i, row
MATCH (i)-[old:OF]->(:Victim)
MATCH (v:Victim {victim_id: row.victim_id})
DELETE old
CREATE (i)-[:OF]->(v)
"""

SET_IDENTITIES: Final = """
UNWIND $rows AS row
MATCH (v:Victim {victim_id: row.victim_id})
SET v.identity = row.identity
"""

# The faces that a name stands or stood for: of a formed victim the two of its link too, which may have moved on since.
FACES_OF_NAME: Final = """
MATCH (v:Victim {victim_id: $victim_id})
RETURN v.from_link AS from_link,
       COLLECT { MATCH (v)<-[:DEPICTS]-(f:Face) RETURN f.face_id
                 UNION
                 MATCH (a:Face)-[:CANDIDATE {link_id: v.from_link}]->(b:Face) UNWIND [a, b] AS f
                 RETURN f.face_id } AS faces
"""

DISTRICTS_OF_VICTIMS: Final = """
UNWIND $victims AS victim_id
MATCH (v:Victim {victim_id: victim_id})
RETURN v.victim_id AS victim_id, v.identity IS NOT NULL AS identified,
       COLLECT { MATCH (v)<-[:DEPICTS]-(:Face)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case)
                 RETURN DISTINCT c.district } AS districts
"""

CREATE_IDENTIFICATION: Final = """
MATCH (v:Victim {victim_id: $victim_id})
CREATE (i:Identification)-[:OF]->(v)
SET i = $identification
"""

LOCK_IDENTIFICATION: Final = """
MATCH (i:Identification {identification_id: $identification_id})-[:OF]->(v:Victim)
RETURN i {.*} AS identification, v.victim_id AS victim_id
"""

DECIDE_IDENTIFICATION: Final = """
MATCH (i:Identification {identification_id: $identification_id})
SET i += $change
"""
