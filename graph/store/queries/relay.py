"""The outbox as the relay empties it, and the quarantine as people see and replay it."""

from __future__ import annotations

from typing import Final

WAITING: Final = """
MATCH (o:Outbox) WHERE o.seq > 0
RETURN o.seq AS seq, o.kind AS kind, o.key AS key, o.source AS source, o.body AS body
ORDER BY seq LIMIT $limit
"""

DONE: Final = """
UNWIND $seqs AS seq
MATCH (o:Outbox {seq: seq})
DELETE o
"""

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
WHERE q.host IS NOT NULL AND row.code <> 'source_unreachable'
RETURN DISTINCT q.host AS host
"""

HOST_ANSWERS: Final = """
UNWIND $hosts AS host
MATCH (q:Quarantined {host: host}) WHERE q.status = 'waiting' AND q.code = 'source_unreachable'
SET q.host_answers = true
"""

FAIL_SEARCHES: Final = """
UNWIND $rows AS row
MATCH (s:Search {search_id: row.search_id}) WHERE s.status = 'asked'
SET s.status = 'quarantined', s.reason = row.reason, s.answered_at = $now
"""

RESOLVE_QUARANTINED: Final = """
UNWIND $ids AS quarantine_id
MATCH (q:Quarantined {quarantine_id: quarantine_id})
SET q.status = 'resolved', q.at = $now
WITH q WHERE q.host IS NOT NULL
MATCH (o:Quarantined {host: q.host}) WHERE o.status = 'waiting' AND o.code = 'source_unreachable'
SET o.host_answers = true
"""

DUE: Final = """
MATCH (q:Quarantined) WHERE q.host IS NOT NULL AND q.status = 'waiting' AND q.code = 'source_unreachable'
  AND (q.host_answers OR (q.next_try <= $now
       AND NOT EXISTS {
         MATCH (f:Quarantined {host: q.host}) WHERE f.status = 'replayed' AND f.at_ms > $now - $test_ms }))
WITH q ORDER BY q.submitted_at
WITH q.host AS host, collect(q) AS waiting, any(x IN collect(q) WHERE x.host_answers) AS answers
UNWIND CASE WHEN answers THEN waiting[..200] ELSE waiting[..1] END AS q
RETURN q.quarantine_id AS quarantine_id
"""

ONE_QUARANTINED: Final = """
MATCH (q:Quarantined {quarantine_id: $quarantine_id})
RETURN q {.*} AS q
"""

LIST_QUARANTINED: Final = """
MATCH (q:Quarantined) WHERE q.status <> 'resolved'
RETURN q {.quarantine_id, .event, .topic, .partition, .offset, .stage, .code, .reason, .source, .attempts, .status,
          .submitted_at} AS q
ORDER BY q.submitted_at, q.quarantine_id LIMIT $limit
"""

REPLAYED: Final = """
MATCH (q:Quarantined {quarantine_id: $quarantine_id})
SET q.status = 'replayed', q.at = $at, q.at_ms = $now
"""
