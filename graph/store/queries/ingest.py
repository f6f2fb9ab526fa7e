"""Link's statements: each takes `$rows` and is idempotent.

`SET x.p = x.p + 0` takes the lock before it reads. `SET x.p = x.p` does not: it reads, waits for the lock, and writes
back the old value, so it would undo the verdict or the epoch that it waited for (seen on Neo4j 2026.09).
"""

from __future__ import annotations

from typing import Final

# A link's place in the queue: the most urgent membership of both endpoints, and their districts. Up to two districts
# have a property each, so that each district's queue is an index seek; `*` stands for more than two.
_PLACE: Final = """
CALL (r) {
  UNWIND [startNode(r), endNode(r)] AS f
  MATCH (f)-[way:SEEN_IN|IN_CASE|WAS_IN*1..2]->(c:Case)
  RETURN coalesce(max(CASE last(way).urgency WHEN 'danger_now' THEN 2 WHEN 'urgent' THEN 1 ELSE 0 END), 0) AS urgency,
         coalesce(min(c.district), '') AS low, coalesce(max(c.district), '') AS high,
         count(DISTINCT c.district) AS districts
}
SET r.urgency = urgency, r.district_low = CASE WHEN districts > 2 THEN '*' ELSE low END,
    r.district_high = CASE WHEN districts = 2 THEN high ELSE '' END
"""

_CURSOR: Final = """
RETURN c.offset AS offset, c.epoch AS epoch, c.log_id AS log_id, c.model_id AS model_id,
       c.score_id AS score_id, coalesce(c.model_since, -1) AS model_since,
       c.ce_id AS ce_id, c.digest AS digest, c.broken AS broken
"""

CURSOR: Final = "MATCH (c:Cursor {log: $log})" + _CURSOR

RAISE_EPOCH: Final = (
    """
MATCH (c:Cursor {log: $log}) WHERE c.broken IS NULL
SET c.epoch = c.epoch + 1, c.log_id = $log_id, c.model_id = coalesce(c.model_id, $model_id)
"""
    + _CURSOR
)

MARK_BROKEN: Final = """
MATCH (c:Cursor {log: $log}) WHERE c.broken IS NULL
SET c.broken = $reason, c.broken_at = $now
"""

ADOPT_RECORD: Final = """
MATCH (c:Cursor {log: $log}) WHERE c.offset = $offset AND c.digest IS NULL
SET c.ce_id = $ce_id, c.digest = $digest
"""

_LOCK: Final = """
MATCH (h:AuditHead {name: 'head'})
SET h.locked = h.locked + 1
WITH h
MATCH (c:Cursor {log: $log})
SET c.epoch = c.epoch + 0
WITH h, c, c.offset AS offset WHERE c.epoch = $epoch AND offset < $last
"""
_HELD: Final = "RETURN offset, h.seq AS seq, h.hash AS hash, h.outbox AS outbox"

MOVE_CURSOR: Final = _LOCK + "SET c.offset = $last, c.ce_id = $ce_id, c.digest = $digest\n" + _HELD
"""Locks the audit head and the cursor and returns their former values; no row if the cursor may not move."""

HOLD_CURSOR: Final = _LOCK + _HELD
"""Like MOVE_CURSOR, for a chunk of a batch: only the last one moves the cursor."""

MERGE_CASES: Final = """
UNWIND $rows AS row
MERGE (c:Case {case_id: row.case_id})
ON CREATE SET c.source = row.source, c.district = row.district
SET c.status = row.status, c.version = row.version,
    c.contact = coalesce(row.contact, c.contact), c.review_by = coalesce(row.review_by, c.review_by)
"""

MERGE_MEDIA: Final = """
UNWIND $rows AS row
MERGE (m:Media {media_id: row.media_id})
ON CREATE SET m += row
"""

UPDATE_MEDIA: Final = """
UNWIND $rows AS row
MATCH (m:Media {media_id: row.media_id})
SET m += row
"""
"""What a newer detector's record says of a stored media, or that one of its faces was erased."""

UPDATE_FACES: Final = """
UNWIND $rows AS row
MATCH (f:Face {face_id: row.face_id}) WHERE f.stub IS NULL
SET f += row.face
"""

MERGE_MEMBERSHIPS: Final = (
    """
UNWIND $rows AS row
MATCH (m:Media {media_id: row.media_id})
MATCH (c:Case {case_id: row.case_id})
MERGE (m)-[r:IN_CASE {membership_id: row.membership_id}]->(c)
SET r.scope = row.scope, r.purpose = row.purpose, r.legal_basis = row.legal_basis, r.exhibits = row.exhibits,
    r.urgency = row.urgency, r.submitted_at = row.submitted_at, r.ce_id = row.ce_id, r.by_search = row.by_search,
    r.captured_at = row.captured_at, r.captured_told = row.captured_told,
    r.ai_generated = row.ai_generated, r.ai_generated_told = row.ai_generated_told
WITH DISTINCT m
MATCH (m)<-[:SEEN_IN]-(:Face)-[r:CANDIDATE]-(:Face)
WITH DISTINCT r
"""
    + _PLACE
)
"""A new urgency or district changes the place of the media's links in the queue."""

PLACE_LINKS_BY_ID: Final = "UNWIND $links AS link_id MATCH ()-[r:CANDIDATE {link_id: link_id}]->()\nWITH r" + _PLACE
"""For links that a person makes."""

MERGE_FACES: Final = (
    """
UNWIND $rows AS row
MATCH (m:Media {media_id: row.media_id})
MERGE (f:Face {face_id: row.face_id})
WITH m, f, row, f.stub AS was_stub
SET f += row.face
MERGE (f)-[:SEEN_IN]->(m)
WITH f, was_stub WHERE was_stub
CALL (f) {
  MATCH (f)-[was:WAS_IN]->(:Case)
  DELETE was
}
MATCH (f)-[r:CANDIDATE]-(:Face)
WITH DISTINCT r
"""
    + _PLACE
)

# A mark waits at its media until link has stored its face, or has dropped it for an erasure.
MERGE_MARKS: Final = """
UNWIND $rows AS row
MATCH (act:Act {act_id: row.act_id})
CALL (act) {
  MATCH (act)-[waits:MARKS]->(:Media)
  DELETE waits
}
MATCH (f:Face {face_id: row.face_id}) WHERE f.stub IS NULL
MERGE (act)-[:MARKED]->(f)
"""

MERGE_EMBEDDINGS: Final = """
UNWIND $rows AS row
MATCH (f:Face {face_id: row.face_id})
MERGE (e:Embedding {embedding_id: row.embedding_id})
ON CREATE SET e.model_id = row.model_id, e.vector = row.vector, e.norm = row.norm
SET e += CASE WHEN row.supersedes THEN {vector: row.vector, norm: row.norm, quality: null} ELSE {} END
SET e.too_poor_because = CASE WHEN e.quality IS NULL THEN row.too_poor_because ELSE e.too_poor_because END,
    e.quality = coalesce(e.quality, row.quality)
MERGE (e)-[:OF]->(f)
"""

MERGE_COMPARISONS: Final = """
UNWIND $rows AS row
MERGE (k:Comparison {comparison_id: row.comparison_id})
ON CREATE SET k += row.comparison, k.at = $now
WITH k, row
CALL (k, row) {
  UNWIND row.faces AS face_id
  MATCH (f:Face {face_id: face_id})
  MERGE (f)-[:COMPARED_IN]->(k)
}
UNWIND row.cut AS cut
MATCH (f:Face {face_id: cut.face_id}) WHERE f.stub IS NULL
SET f.more_similar = cut.number
WITH f, cut
CALL (f) {
  MATCH (f)-[old:AS_SIMILAR]->()
  DELETE old
}
UNWIND cut.faces AS other
MATCH (g:Face {face_id: other}) WHERE g.stub IS NULL
MERGE (f)-[:AS_SIMILAR]->(g)
"""
"""For each compared face also the number, and a list, of faces as similar as the proposed ones that the caps cut."""

FORGET_CUT: Final = """
UNWIND $rows AS face_id
MATCH (f:Face {face_id: face_id})
REMOVE f.more_similar
WITH f
MATCH (f)-[old:AS_SIMILAR]->()
DELETE old
"""

MERGE_LINKS: Final = (
    """
UNWIND $rows AS row
MATCH (a:Face {face_id: row.a})
MATCH (b:Face {face_id: row.b})
MERGE (a)-[r:CANDIDATE {link_id: row.link_id}]->(b)
ON CREATE SET r.version = 0, r.proposed_by = 'machine', r.proposed_at = $now
SET r.version = r.version + 0
WITH r, row
"""
    + _PLACE
    + """
WITH r, row WHERE r.version = 0 OR r.score IS NULL
SET r.state = CASE WHEN r.version = 0 OR r.state = 'withdrawn' THEN row.state ELSE r.state END,
    r.score = row.score, r.band = row.band, r.model_id = row.model_id,
    r.threshold = row.threshold, r.by_mean = row.by_mean, r.score_id = row.score_id
"""
)
"""A judged link keeps its state and measurements; one that a person made gets the machine's first measurement, and
from *withdrawn* the machine's state."""

UNDECIDED_LINKS: Final = """
UNWIND $media AS media_id
MATCH (:Media {media_id: media_id})<-[:SEEN_IN|HIDDEN_SEEN_IN]-(f:Face)-[r:CANDIDATE]-(:Face)
WHERE r.version = 0
RETURN DISTINCT r.link_id AS link_id, startNode(r).face_id AS a, endNode(r).face_id AS b
"""

REMOVE_LINKS: Final = """
UNWIND $links AS link_id
MATCH ()-[r:CANDIDATE {link_id: link_id}]->()
SET r.version = r.version + 0
WITH r WHERE r.version = 0
DELETE r
"""

SIMILAR_PAIRS: Final = """
UNWIND $media AS media_id
MATCH (:Media {media_id: media_id})<-[:SEEN_IN|HIDDEN_SEEN_IN]-(f:Face)-[r:AS_SIMILAR]-(:Face)
RETURN DISTINCT startNode(r).face_id AS a, endNode(r).face_id AS b
"""

REMOVE_SIMILAR: Final = """
UNWIND $rows AS row
MATCH (:Face {face_id: row.a})-[r:AS_SIMILAR]->(:Face {face_id: row.b})
DELETE r
"""

MERGE_VICTIMS: Final = """
UNWIND $rows AS row
MERGE (v:Victim {victim_id: row.victim_id})
SET v.registered = true, v.from_link = null,
    v.label = CASE WHEN row.version >= coalesce(v.version, 0) THEN coalesce(row.label, v.label) ELSE v.label END,
    v.version = CASE WHEN row.version >= coalesce(v.version, 0) THEN row.version ELSE v.version END
"""

MERGE_DEPICTS: Final = """
UNWIND $rows AS row
MATCH (f:Face {face_id: row.face_id})
MATCH (v:Victim {victim_id: row.victim_id})
MERGE (f)-[r:DEPICTS {basis: 'declared'}]->(v)
ON CREATE SET r.declared_by = row.declared_by, r.at = $now
"""

CHANGE_GROUPS: Final = """
UNWIND $rows AS row
MERGE (g:Group {group_id: row.group_id})
ON CREATE SET g.case_id = row.case_id
WITH g, row
CALL (g, row) {
  UNWIND row.left AS face_id
  MATCH (:Face {face_id: face_id})-[r:IN_GROUP]->(g)
  DELETE r
}
CALL (g, row) {
  UNWIND row.joined AS face_id
  MATCH (f:Face {face_id: face_id})
  MERGE (f)-[r:IN_GROUP]->(g)
  ON CREATE SET r.at = $now
}
CALL (g) {
  WITH g WHERE NOT EXISTS { (g)<-[:IN_GROUP]-(:Face) }
  DELETE g
}
"""

REMOVE_MEMBERSHIPS: Final = (
    """
UNWIND $rows AS membership_id
CALL (membership_id) {
  MATCH ()-[r:HIDDEN_IN_CASE {membership_id: membership_id}]->()
  DELETE r
}
MATCH (m:Media)-[gone:IN_CASE {membership_id: membership_id}]->(:Case)
DELETE gone
WITH DISTINCT m
MATCH (m)<-[:SEEN_IN]-(:Face)-[r:CANDIDATE]-(:Face)
WITH DISTINCT r
"""
    + _PLACE
)

# Must run before REMOVE_MEMBERSHIPS: a stub keeps the cases that its media is in, hidden or not.
REMOVE_FACES: Final = (
    """
UNWIND $rows AS face_id
MATCH (f:Face {face_id: face_id})
OPTIONAL MATCH (e:Embedding)-[:OF]->(f)
DETACH DELETE e
WITH DISTINCT f
CALL (f) {
  MATCH (f)-[r:CANDIDATE]-(:Face) WHERE r.version = 0
  DELETE r
}
CALL (f) {
  WITH f WHERE COUNT { (f)-[:CANDIDATE]-() } > 0
  MATCH (f)-[:SEEN_IN|HIDDEN_SEEN_IN]->(:Media)-[:IN_CASE|HIDDEN_IN_CASE]->(c:Case)
  MERGE (f)-[:WAS_IN]->(c)
}
CALL (f) {
  MATCH (f)-[r:SEEN_IN|HIDDEN_SEEN_IN|COMPARED_IN|DEPICTS|AS_SIMILAR]->()
  DELETE r
}
CALL (f) {
  MATCH (f)-[r:IN_GROUP]->(g:Group)
  DELETE r
  WITH g WHERE NOT EXISTS { (g)<-[:IN_GROUP]-() }
  DELETE g
}
CALL (f) {
  MATCH ()-[r:RETURNED|PROBE|LABELLED|MARKED|AS_SIMILAR]->(f)
  DELETE r
}
WITH f, COUNT { (f)-[:CANDIDATE]-() } = 0 AS nobody_judged
FOREACH (gone IN CASE WHEN nobody_judged THEN [f] ELSE [] END | DETACH DELETE gone)
WITH f WHERE NOT nobody_judged
SET f = {face_id: f.face_id, stub: true}
WITH f
MATCH (f)-[r:CANDIDATE]-(:Face)
WITH DISTINCT r
"""
    + _PLACE
)

CROPS_ELSEWHERE: Final = """
UNWIND $faces AS face_id
MATCH (f:Face {face_id: face_id})-[:SEEN_IN|HIDDEN_SEEN_IN]->(m:Media)
WHERE f.display_crop IS NOT NULL AND NOT f.display_crop CONTAINS face_id
RETURN DISTINCT m.media_id AS media_id, f.display_crop AS crop
"""
"""The crops of these faces that are stored under another detector's id of the face."""

REMOVE_MEDIA: Final = """
UNWIND $rows AS media_id
MATCH (m:Media {media_id: media_id})
DETACH DELETE m
"""

MERGE_ERASURES: Final = """
UNWIND $rows AS row
MERGE (e:Erasure {subject: row.subject})
SET e.face_id = row.face_id, e.districts = row.districts, e.code = row.code
SET e.requested_at = CASE WHEN row.requested_at > coalesce(e.requested_at, -1)
                          THEN row.requested_at ELSE e.requested_at END
"""

# A requested erasure hid its subject under HIDDEN_IN_CASE and HIDDEN_SEEN_IN. Anything that link did not erase, because
# it was submitted again since, becomes visible again.
SHOW_AGAIN: Final = """
UNWIND $rows AS row
CALL (row) {
  MATCH (m:Media {media_id: row.id})-[h:HIDDEN_IN_CASE]->(c:Case) RETURN m, h, c
  UNION
  MATCH (m:Media)-[h:HIDDEN_IN_CASE]->(c:Case {case_id: row.id}) RETURN m, h, c
}
MERGE (m)-[r:IN_CASE {membership_id: h.membership_id}]->(c)
ON CREATE SET r = properties(h)
DELETE h
"""

END_UPLOADS: Final = """
UNWIND $rows AS ce_id
MATCH (u:Upload {ce_id: ce_id})
DELETE u
"""

SHOW_FACES_AGAIN: Final = """
UNWIND $rows AS row
MATCH (f:Face {face_id: row.id})-[h:HIDDEN_SEEN_IN]->(m:Media)
MERGE (f)-[:SEEN_IN]->(m)
DELETE h
"""

END_ERASURES: Final = """
UNWIND $rows AS row
MATCH (q:ErasureRequest {erasure_id: row.erasure_id}) WHERE q.state = 'asked'
SET q.waiting = [subject IN q.waiting WHERE subject <> row.subject]
WITH q WHERE q.waiting = []
SET q.state = 'done', q.done_at = $now
"""

EVENTS_AT: Final = """
UNWIND $rows AS row
CALL (row) {
  MATCH (n:Notice {subject: row.subject}) RETURN n, null AS q
  UNION ALL
  MATCH (q:Quarantined {quarantine_id: row.quarantine_id}) RETURN null AS n, q
}
RETURN row.place AS place, coalesce(min(n.fingerprint), min(q.fingerprint)) AS fingerprint, min(n.at) AS first_at,
       min(q.ce_id) AS ce_id, min(q.submitted_at) AS submitted_at, count(n) > 0 AS noticed, count(q) > 0 AS quarantined
"""
"""The event known at each place: no row for an unknown place, and no fingerprint for an entry of an older release."""

LATEST_NOTICES: Final = """
UNWIND $subjects AS subject
MATCH (n:Notice {subject: subject})
WITH subject, n ORDER BY n.number DESC
WITH subject, collect(n)[0] AS last
RETURN subject, last.number AS number, last.outcome AS outcome
"""

CREATE_NOTICES: Final = """
UNWIND $rows AS row
CREATE (n:Notice) SET n = row
"""
