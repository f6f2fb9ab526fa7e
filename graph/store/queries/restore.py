"""What the repair changes: the cursor, and what is published again. Verdicts are untouched."""

from __future__ import annotations

from typing import Final

# An open search is asked of every record behind `through`: offsets that are used again must not be passed over.
RESET_CURSOR: Final = """
MATCH (c:Cursor {log: $log})
SET c.epoch = c.epoch + 1, c.offset = $offset, c.ce_id = '', c.digest = '', c.broken = null, c.broken_at = null,
    c.model_since = CASE WHEN c.log_id = $log_id THEN c.model_since ELSE -1 END, c.log_id = $log_id
WITH c
CALL () {
  MATCH (s:Search) WHERE s.open AND s.through > $offset
  SET s.through = $offset
}
RETURN c.epoch AS epoch
"""

RAISE_EPOCH: Final = """
MATCH (c:Cursor {log: $log})
SET c.epoch = c.epoch + 1
"""

PUBLISHED: Final = """
MATCH (o:Published) WHERE o.seq > $after AND o.published_at > ''
RETURN o.seq AS seq, o.kind AS kind, o.key AS key, o.body AS body
ORDER BY o.seq LIMIT $limit
"""

# What link has not done yet of what people asked for; of the rest the graph holds what followed.
STILL_ASKED: Final = """
UNWIND $rows AS row
CALL (row) {
  WITH row WHERE row.kind = 'search' OR row.kind = 'probe'
  MATCH (s:Search {search_id: row.key}) WHERE s.status = 'asked' RETURN true AS asked
  UNION
  WITH row WHERE row.kind = 'mark'
  MATCH (:Act {act_id: row.key})-[waits:MARKS]->(:Media) WHERE waits.status IS NULL RETURN true AS asked
  UNION
  WITH row WHERE row.kind = 'media'
  MATCH (u:Upload {ce_id: row.ce_id}) WHERE u.status IS NULL OR u.status <> 'quarantined' RETURN true AS asked
  UNION
  WITH row WHERE row.kind = 'erasure'
  MATCH (q:ErasureRequest {erasure_id: row.erasure_id}) WHERE q.state = 'asked' RETURN true AS asked
}
RETURN row.seq AS seq
"""

PUBLISH_AGAIN: Final = """
UNWIND $seqs AS seq
MATCH (o:Published {seq: seq})
REMOVE o:Published, o.published_at
SET o:Outbox
"""

OUTBOX: Final = "RETURN EXISTS { MATCH (o:Outbox) WHERE o.seq > 0 } AS waits"
