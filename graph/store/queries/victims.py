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
RETURN f.face_id AS face_id, f.start_ms AS start_ms, f.end_ms AS end_ms,
       head(COLLECT { MATCH (f)-[:SEEN_IN]->(m:Media) RETURN m.media_id }) AS media_id,
       COLLECT { MATCH (f)-[:DEPICTS {basis: 'declared'}]->(v:Victim) RETURN v.victim_id } AS declared,
       head(COLLECT { MATCH (f)-[:DEPICTS {basis: 'confirmed'}]->(v:Victim) RETURN v.victim_id }) AS victim_id,
       COLLECT { MATCH (f)-[:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case)
                 RETURN DISTINCT c {.case_id, .source, .district} } AS cases
"""

DECIDED_LINKS: Final = """
UNWIND $faces AS face_id
MATCH (a:Face {face_id: face_id})-[r:CANDIDATE]->(b:Face) WHERE r.state IN ['confirmed', 'approved', 'dismissed']
RETURN r.link_id AS link_id, a.face_id AS a, b.face_id AS b, r.state AS state, r.confirmed_at AS confirmed_at,
       r.score AS score, coalesce(r.pending, false) AS pending
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

VICTIM: Final = """
MATCH (v:Victim {victim_id: $victim_id})
RETURN v {.victim_id, .label, .registered, .identity, .from_link} AS victim,
       COLLECT { MATCH (v)<-[:DEPICTS]-(f:Face) RETURN DISTINCT f.face_id } AS faces
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
