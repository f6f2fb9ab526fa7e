"""Statements that create a graph for the review bench, and check it at the end."""

from typing import Final

# A graph of link's shapes, created without lookups and vectors: several times faster than by link.
BULK_FACES: Final = """
UNWIND $rows AS row
MATCH (c:Case {case_id: row.case_id})
CREATE (m:Media {media_id: row.media_id, kind: 'picture', content_type: 'image/jpeg', width: 640, height: 480,
                 first_submitted_at: row.submitted_at})
CREATE (m)-[:IN_CASE {membership_id: row.membership_id, scope: 'register', purpose: 'measurement',
                      legal_basis: 'drawn by chance', urgency: row.urgency, submitted_at: row.submitted_at}]->(c)
CREATE (:Face {face_id: row.face_id, ordinal: 0, box: [10, 20, 60, 80], quality: 0.7, detection_score: 0.9,
               display_crop: row.crop})-[:SEEN_IN]->(m)
"""

BULK_VICTIMS: Final = """
UNWIND $rows AS row
MERGE (v:Victim {victim_id: row.victim_id})
ON CREATE SET v.registered = true, v.version = 1
WITH v, row
UNWIND row.faces AS face_id
MATCH (f:Face {face_id: face_id})
CREATE (f)-[:DEPICTS {basis: 'declared', declared_by: 'bench', at: $now}]->(v)
"""

BULK_UNSURE: Final = """
UNWIND $rows AS row
MATCH (:Face)-[r:CANDIDATE {link_id: row.link_id}]->(:Face)
SET r += {state: 'unsure', version: 1}
CREATE (:Act {act_id: row.link_id, kind: 'verdict', by: 'bench', at: $now})
    -[:WROTE]->(:Verdict {verdict_id: row.link_id, link_id: row.link_id, decision: 'unsure', reasons: [], text: '',
                          state_then: 'candidate', version: 1})
"""

LARGE_CASE: Final = """
CREATE (:Case {case_id: $case_id, source: 'bench', district: $district, status: 'open', version: 1})
"""

MOVE_TO_CASE: Final = """
MATCH (c:Case {case_id: $case_id})
UNWIND $media AS media_id
MATCH (m:Media {media_id: media_id})-[before:IN_CASE]->(:Case)
DELETE before
CREATE (m)-[:IN_CASE {membership_id: media_id, scope: 'register', purpose: 'measurement',
                      legal_basis: 'drawn by chance', urgency: 'routine', submitted_at: m.first_submitted_at}]->(c)
"""

COUNT_FACES: Final = "MATCH (f:Face) RETURN count(f) AS faces"

JUDGED_TWICE: Final = """
MATCH (v:Verdict)<-[:WROTE]-(act:Act) WHERE act.at > $since
WITH v.link_id AS link_id, v.state_then AS state_then, count(*) AS times WHERE times > 1
RETURN count(*) AS links
"""
