"""The repair's statements: the cursor, notices that the graph did not know, and rows to publish again."""

from typing import Final

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
