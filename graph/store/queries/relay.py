"""The relay's outbox, and the quarantine that it indexes and replays and that operators see."""

from typing import Final

WAITING: Final = """
MATCH (c:Cursor {log: $log})
RETURN c.epoch AS epoch,
       COLLECT { MATCH (o:Outbox) WHERE o.seq > 0 AND NOT o.kind IN $without
                 RETURN o {.seq, .kind, .key, .source, .body} ORDER BY o.seq LIMIT $limit } AS rows
"""
"""The epoch that may publish and the rows to publish, in one statement, because it runs all the time."""

DONE: Final = """
UNWIND $seqs AS seq
MATCH (o:Outbox {seq: seq})
DELETE o
"""

# The graph stores a published row as long as Kafka retains the record, so that a lost record can be published again.
PUBLISHED: Final = """
UNWIND $seqs AS seq
MATCH (o:Outbox {seq: seq})
REMOVE o:Outbox
SET o:Published, o.published_at = $now
"""

FORGET_PUBLISHED: Final = """
MATCH (o:Published) WHERE o.published_at < $before
WITH o LIMIT $limit
DELETE o
RETURN count(*) AS rows
"""

# Rows of a source that is not configured leave the outbox, so that they block no others. They return to their old place
# before anything newer of that source is published.
WITHHOLD: Final = """
UNWIND $rows AS row
MATCH (o:Outbox {seq: row.seq})
REMOVE o:Outbox
SET o:Withheld, o.topic = row.topic
"""

PUT_BACK: Final = """
UNWIND $topics AS topic
MATCH (o:Withheld {topic: topic})
WITH o LIMIT $limit
REMOVE o:Withheld, o.topic
SET o:Outbox
RETURN count(o) AS rows
"""

WITHHELD: Final = "MATCH (o:Withheld) WHERE o.topic > '' RETURN o.topic AS topic, count(*) AS records ORDER BY topic"

INDEX_QUARANTINED: Final = """
UNWIND $rows AS row
MERGE (q:Quarantined {quarantine_id: row.quarantine_id})
ON CREATE SET q.attempts = 0, q.first_at = $now
WITH q, row WHERE row.attempts > q.attempts
SET q += row, q.at = $now, q.host_answers = null
"""

ANSWERING_HOSTS: Final = """
UNWIND $rows AS row
MATCH (q:Quarantined {quarantine_id: row.quarantine_id})
WHERE q.host IS NOT NULL AND NOT row.code IN ['source_unreachable', 'other_model']
RETURN DISTINCT q.host AS host
"""

HOST_ANSWERS: Final = """
UNWIND $hosts AS host
MATCH (q:Quarantined {host: host})
WHERE q.status = 'waiting' AND q.code IN ['source_unreachable', 'other_model'] AND q.host_answers IS NULL
SET q.host_answers = true
"""

SETTLED: Final = """
RETURN COUNT { (:Outbox) } AS outbox, EXISTS { MATCH (b:Backlog) WHERE b.source >= '' AND b.events > 0 } AS pending
"""

WRITE_LAGS: Final = """
UNWIND $rows AS row
MERGE (b:Backlog {source: row.source})
SET b.events = row.events, b.seconds = row.seconds, b.at = row.at
"""

FAIL_UPLOADS: Final = """
UNWIND $rows AS ce_id
MATCH (u:Upload {ce_id: ce_id})
SET u.status = 'quarantined'
"""

FAIL_SEARCHES: Final = """
UNWIND $rows AS row
MATCH (s:Search {search_id: row.asked}) WHERE s.status = 'asked'
SET s.status = 'quarantined', s.reason = row.reason, s.answered_at = $now
"""

FAIL_MARKS: Final = """
UNWIND $rows AS row
MATCH (:Act {act_id: row.asked})-[waits:MARKS]->(:Media)
SET waits.status = 'quarantined', waits.reason = row.reason
"""

FAIL_REEXAMINATIONS: Final = """
UNWIND $rows AS row
MATCH (m:Media {media_id: row.asked})
SET m.not_reexamined = row.reason
"""

RESOLVE_QUARANTINED: Final = """
UNWIND $ids AS quarantine_id
MATCH (q:Quarantined {quarantine_id: quarantine_id}) WHERE q.status <> 'resolved'
WITH q, q.host AS answers
SET q.status = 'resolved', q.at = $now, q.host = null
WITH DISTINCT answers WHERE answers IS NOT NULL
MATCH (o:Quarantined {host: answers})
WHERE o.status = 'waiting' AND o.code IN ['source_unreachable', 'other_model'] AND o.host_answers IS NULL
SET o.host_answers = true
"""

DUE: Final = """
MATCH (q:Quarantined) WHERE q.host IS NOT NULL AND q.code IN ['source_unreachable', 'other_model']
WITH q ORDER BY q.next_try, q.offset
WITH q.host AS host, collect(q) AS known
WITH host, [q IN known WHERE q.status = 'waiting'] AS waiting,
     any(q IN known WHERE q.status = 'waiting' AND q.host_answers) AS answers,
     any(q IN known WHERE q.status = 'replayed' AND q.at_ms > $now - $test_ms) AS asked
UNWIND CASE WHEN answers THEN waiting[..200]
            WHEN asked THEN []
            ELSE [q IN waiting WHERE q.next_try <= $now][..1] END AS q
RETURN q.quarantine_id AS quarantine_id
"""

IN_GRAPH: Final = """
RETURN EXISTS { (:Media {media_id: $media_id}) } AS media,
       EXISTS { MATCH (f:Face)-[:SEEN_IN|HIDDEN_SEEN_IN]->(:Media {media_id: $media_id})
                WHERE f.display_crop CONTAINS $face_id } AS face
"""
"""A face's crops may be stored under the id by which another detector found it: the path that it names counts."""

ONE_QUARANTINED: Final = """
MATCH (q:Quarantined {quarantine_id: $quarantine_id})
RETURN q {.*} AS q
"""

ENTRIES: Final = """
UNWIND $ids AS id
MATCH (q:Quarantined {quarantine_id: id})
RETURN q.quarantine_id AS quarantine_id, q.event AS event, q.fingerprint AS fingerprint, q.status AS status,
       q.code AS code, q.reason AS reason, q.attempts AS attempts
"""

REPLAY_REFUSED: Final = """
MATCH (q:Quarantined {quarantine_id: $quarantine_id}) WHERE q.status = 'replayed'
SET q.status = 'waiting', q.at = $at, q.code = $code, q.reason = $reason + '; it is here because: ' + q.reason
RETURN q.event AS event
"""

REPLAYED: Final = """
MATCH (q:Quarantined {quarantine_id: $quarantine_id})
SET q.status = 'replayed', q.at = $at, q.at_ms = $now
"""

QUARANTINE_PAGE: Final = """
MATCH (q:Quarantined) WHERE q.status = $status
  AND (q.submitted_at > $submitted_at OR (q.submitted_at = $submitted_at AND q.quarantine_id > $quarantine_id))
RETURN q {.quarantine_id, .event, .topic, .partition, .offset, .stage, .code, .reason, .source, .attempts, .status,
          .submitted_at} AS q
ORDER BY q.submitted_at, q.quarantine_id LIMIT $limit
"""
