"""Appends to the audit log and the outbox, in the transaction that changes the state."""

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal, TypeVar

from graph.domain import audit
from graph.store.queries import audit as queries
from graph.store.session import Store, Tx

Kind = Literal[
    "search",
    "search_ended",
    "probe",
    "mark",
    "reexamination",
    "media",
    "notice",
    "quarantine",
    "delete",
    "replay",
    "victims",
    "pairs",
    "label",
    "erasure",
    "model",
    "root",
]
SALT_BYTES: Final = 16
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record that the relay publishes once this transaction is committed.

    `kind` decides topic and type; records with the same `key` keep their order; `source` is that of a notice's topic.
    """

    kind: Kind
    key: str
    body: Mapping[str, object]
    source: str = ""


@dataclass(slots=True)
class Head:
    """The locked audit head: only its holder can write to the audit until the transaction ends."""

    seq: int
    hash: str
    outbox: int


async def lock_head(tx: Tx) -> Head:
    """Locks the audit head; the first statement of every transaction that writes to audit or outbox."""
    row = await tx.one(queries.LOCK_HEAD)
    if row is None:
        raise RuntimeError("the graph has no audit head: run the migrations")
    return Head(row["seq"], row["hash"], row["outbox"])


async def write(store: Store, work: Callable[[Tx, Head], Awaitable[T]]) -> T:
    """The result of `work`, committed in one transaction that begins by locking the audit head."""

    async def locked(tx: Tx) -> T:
        return await work(tx, await lock_head(tx))

    return await store.write(locked)


async def append(tx: Tx, head: Head, acts: Sequence[audit.Act], outgoing: Sequence[Outgoing] = ()) -> None:
    """Writes the audit entries of `acts` and the records to publish, and advances the head."""
    if not acts and not outgoing:
        return
    entries = audit.chain(acts, head.seq, head.hash, salts=iter(_salt, None))
    if entries:
        head.seq, head.hash = entries[-1].seq, entries[-1].hash
    rows: list[dict[str, object]] = []
    for item in outgoing:
        head.outbox += 1
        body = json.dumps(item.body, separators=(",", ":"))
        row: dict[str, object] = {
            "seq": head.outbox,
            "kind": item.kind,
            "key": item.key,
            "source": item.source,
            "body": body,
        }
        rows.append(row)
    written = [asdict(entry) for entry in entries]
    await tx.do(queries.APPEND, seq=head.seq, hash=head.hash, outbox=head.outbox, entries=written, rows=rows)


def _salt() -> str:
    return secrets.token_hex(SALT_BYTES)
