"""The audit log and the outbox as one thing to append to, in the transaction that changes the state."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

from graph.domain import audit
from graph.store.queries import audit as queries
from graph.store.session import Tx

Kind = Literal[
    "search", "search_ended", "probe", "mark", "media", "notice", "quarantine", "delete", "replay", "victims", "pairs",
    "label", "erasure", "model", "root",
]  # fmt: skip
SALT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record that the relay publishes once this transaction is committed.

    `kind` decides topic and type in the relay; `key` keeps the order; `source` names whose notices topic it is.
    """

    kind: Kind
    key: str
    body: Mapping[str, object]
    source: str = ""


@dataclass(slots=True)
class Head:
    """The locked head: whoever holds it is the only one who decides until the transaction ends."""

    seq: int
    hash: str
    outbox: int


async def lock_head(tx: Tx) -> Head:
    """Locks the audit head; the first statement of every transaction that decides, asks or looks."""
    row = await tx.one(queries.LOCK_HEAD)
    if row is None:
        raise RuntimeError("the graph has no audit head: run the migrations")
    return Head(row["seq"], row["hash"], row["outbox"])


async def append(tx: Tx, head: Head, acts: Sequence[audit.Act], outgoing: Sequence[Outgoing] = ()) -> None:
    """Writes the audit entries of `acts` and the records to publish, and moves the head behind them."""
    if not acts and not outgoing:
        return
    entries = audit.chain(acts, head.seq, head.hash, salts=iter(_salt, None))
    if entries:
        head.seq, head.hash = entries[-1].seq, entries[-1].hash
    rows: list[dict[str, object]] = []
    for item in outgoing:
        head.outbox += 1
        rows.append(
            {"seq": head.outbox, "kind": item.kind, "key": item.key, "source": item.source,
             "body": json.dumps(item.body, separators=(",", ":"))}
        )  # fmt: skip
    written = [asdict(entry) for entry in entries]
    await tx.do(queries.APPEND, seq=head.seq, hash=head.hash, outbox=head.outbox, entries=written, rows=rows)


def _salt() -> str:
    return secrets.token_hex(SALT_BYTES)
