"""Submitted events and notices in the graph, to compare them with the topics; then the statements of the repair: the
cursor, notices that the graph did not know, and rows to publish again."""

from typing import Final

EVENTS: Final = """
UNWIND $rows AS row
OPTIONAL MATCH (n:Notice {subject: row.subject})
WITH row, n ORDER BY n.number
WITH row, collect(n.outcome) AS outcomes
OPTIONAL MATCH (q:Quarantined {quarantine_id: row.quarantine_id})
RETURN row.number AS number, outcomes, q.status AS quarantine
ORDER BY number
"""

STORED: Final = """
UNWIND $rows AS row
OPTIONAL MATCH (m:Media {media_id: row.media_id})-[:IN_CASE|HIDDEN_IN_CASE]->(:Case {case_id: row.case_id})
WITH row, head(collect(m)) AS m
WITH row, m, COUNT { (m)<-[:SEEN_IN|HIDDEN_SEEN_IN]-(:Face) } AS faces
OPTIONAL MATCH (e:Erasure) WHERE e.subject IN ['media:' + row.media_id, 'case:' + row.case_id]
WITH row, m, faces, max(e.requested_at) AS erased_at
RETURN row.number AS number, m IS NOT NULL AS in_case, faces,
       coalesce(erased_at, -1) >= row.submitted_at AS erased
ORDER BY number
"""
"""Whether each media is in its case, with how many faces, and whether it was erased since the event was submitted."""

SEARCHES: Final = """
UNWIND $rows AS row
OPTIONAL MATCH (s:Search {search_id: row.key})
OPTIONAL MATCH (:Act {act_id: row.key})-[waits:MARKS]->(:Media)
RETURN row.number AS number,
       s IS NOT NULL AND s.status = 'asked' OR waits IS NOT NULL AND waits.status IS NULL AS waits
ORDER BY number
"""
"""Whether a person still waits for the answer to an event of the probes' topic."""

NOTICES: Final = """
MATCH (n:Notice) WHERE n.notice_id > $after AND n.at >= $since
RETURN n {.notice_id, .subject, .number, .outcome, .source, .at} AS notice
ORDER BY n.notice_id LIMIT $limit
"""

REQUESTS: Final = """
MATCH (o:Published) WHERE o.seq > $after AND o.kind IN ['search', 'erasure', 'media', 'probe', 'mark']
RETURN o.seq AS seq, o.kind AS kind, o.key AS key, o.body AS body
ORDER BY seq LIMIT $limit
"""

# For other kinds the graph has the effects of the request.
STILL_ASKED: Final = """
UNWIND $rows AS row
CALL (row) {
  WITH row WHERE row.kind IN ['search', 'probe']
  MATCH (s:Search {search_id: row.key}) WHERE s.status = 'asked' RETURN true AS asked
  UNION
  WITH row WHERE row.kind = 'mark'
  MATCH (:Act {act_id: row.key})-[waits:MARKS]->(:Media) WHERE waits.status IS NULL RETURN true AS asked
  UNION
  WITH row WHERE row.kind = 'media'
  MATCH (u:Upload {ce_id: row.ce_id}) WHERE u.status <> 'quarantined' RETURN true AS asked
  UNION
  WITH row WHERE row.kind = 'erasure'
  MATCH (q:ErasureRequest {erasure_id: row.erasure_id}) WHERE row.subject IN q.waiting RETURN true AS asked
}
RETURN row.seq AS seq
"""

DUE: Final = """
CALL () {
  MATCH (o:Outbox) WHERE o.seq > 0 RETURN o
  UNION ALL
  MATCH (o:Withheld) WHERE o.topic > '' RETURN o
}
WITH o WHERE o.kind = $kind
RETURN o.key AS key, o.body AS body
"""

KNOWN_NOTICES: Final = """
UNWIND $ids AS id
MATCH (n:Notice {notice_id: id})
RETURN n.notice_id AS notice_id
"""

LINK_STATES: Final = """
UNWIND $rows AS row
OPTIONAL MATCH ()-[r:CANDIDATE {link_id: row.link_id}]->()
OPTIONAL MATCH (n:Notice {subject: row.subject})
WITH row, r, max(n.number) AS number
RETURN row.subject AS subject, r.state AS state, coalesce(number, 0) AS number
"""

CROPS: Final = """
MATCH (f:Face)-[:SEEN_IN|HIDDEN_SEEN_IN]->(m:Media) WHERE f.face_id > $after AND f.display_crop IS NOT NULL
RETURN f.face_id AS face_id, m.media_id AS media_id,
       [key IN [f.display_crop, f.aligned_crop, f.context_view] WHERE key IS NOT NULL] AS keys
ORDER BY f.face_id LIMIT $limit
"""

UPLOADS: Final = """
MATCH (m:Media) WHERE m.media_id > $after AND m.url STARTS WITH $scheme
RETURN m.media_id AS media_id ORDER BY m.media_id LIMIT $limit
"""

# A standing search compares every record behind `through`, so offsets that are used again must not be skipped. Nor must
# a switch of the model, because the log may have lost a later one.
RESET_CURSOR: Final = """
MATCH (c:Cursor {log: $log})
SET c.epoch = c.epoch + 1, c.offset = $offset, c.ce_id = '', c.digest = '', c.broken = null, c.broken_at = null,
    c.model_since = -1, c.log_id = $log_id
WITH c
CALL () {
  MATCH (s:Search {open: true}) WHERE s.through > $offset
  SET s.through = $offset
}
RETURN c.epoch AS epoch
"""

RAISE_EPOCH: Final = """
MATCH (c:Cursor {log: $log})
SET c.epoch = c.epoch + 1
"""

PUBLISHED: Final = """
MATCH (o:Published) WHERE o.seq > $after AND o.kind IN $kinds
RETURN o.seq AS seq, o.kind AS kind, o.key AS key, o.body AS body
ORDER BY seq LIMIT $limit
"""

PUBLISH_AGAIN: Final = """
UNWIND $seqs AS seq
MATCH (o:Published {seq: seq})
REMOVE o:Published, o.published_at
SET o:Outbox
"""

OUTBOX: Final = """
MATCH (o:Outbox) WHERE o.seq > 0
RETURN collect(DISTINCT CASE o.kind WHEN 'delete' THEN null ELSE o.kind END) AS kinds
"""

KNOW_NOTICES: Final = """
UNWIND $rows AS row
MERGE (n:Notice {notice_id: row.notice_id})
ON CREATE SET n = row
"""
