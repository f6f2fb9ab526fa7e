"""The audit chain and the outbox: every deciding transaction begins with LOCK_HEAD."""

from __future__ import annotations

from typing import Final

LOCK_HEAD: Final = """
MATCH (h:AuditHead {name: 'head'})
SET h.locked = h.locked + 1
RETURN h.seq AS seq, h.hash AS hash, h.outbox AS outbox
"""

APPEND_ENTRIES: Final = """
UNWIND $entries AS row
CREATE (e:AuditEntry) SET e = row
"""

APPEND_OUTBOX: Final = """
UNWIND $rows AS row
CREATE (o:Outbox) SET o = row
"""

MOVE_HEAD: Final = """
MATCH (h:AuditHead {name: 'head'})
SET h.seq = $seq, h.hash = $hash, h.outbox = $outbox
"""

ENTRIES: Final = """
MATCH (e:AuditEntry) WHERE e.seq > $after
RETURN e.seq AS seq, e.at AS at, e.actor AS actor, e.action AS action, e.subject AS subject, e.purpose AS purpose,
       e.digest AS digest, e.salt AS salt, e.previous_hash AS previous_hash, e.hash AS hash
ORDER BY seq LIMIT $limit
"""
