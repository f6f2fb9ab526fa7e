"""The outbox as the relay empties it: rows are published, withheld while their source is not configured, put back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, LiteralString

from graph.actions.link.cursor import LOG
from graph.store.queries import relay as queries
from graph.store.session import Row, Store, Tx

AT_ONCE: Final = 10_000
DELETE: Final = "delete"
NOT_STORED: Final = frozenset({DELETE, "quarantine", "replay", "reexamination"})
"""Kinds of rows that are deleted once published: their content can be derived from the graph again."""
KEEP_DAYS: Final = 14
"""As long as Kafka retains notices, searches and decisions (the table in `streams.topics`)."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A record to publish. `body` is JSON; `seq` gives the order of the whole outbox."""

    seq: int
    kind: str
    key: str
    source: str
    body: str


async def pending(store: Store, limit: int, *, without: Sequence[str] = ()) -> tuple[int, list[OutboxRow]]:
    """The cursor's epoch, and the first `limit` rows to publish except those of the kinds `without`.

    The epoch is -1, and there are no rows, before the first link process.
    """
    found = await store.read(lambda tx: tx.one(queries.WAITING, log=LOG, limit=limit, without=list(without)))
    return (found["epoch"], [OutboxRow(**row) for row in found["rows"]]) if found else (-1, [])


async def is_in_graph(store: Store, media_id: str, face_id: str = "") -> bool:
    """Whether a face refers to crops of this id, or, where none is named, the graph has the media: the files stay."""
    found = await store.read(lambda tx: tx.one(queries.IN_GRAPH, media_id=media_id, face_id=face_id))
    return bool(found and found["face" if face_id else "media"])


async def published(store: Store, rows: Sequence[OutboxRow], *, withheld: Mapping[int, str], now: datetime) -> None:
    """Takes the `rows` out of the outbox, and sets aside those `withheld` (their topics by sequence number).

    Rows that `redthread restore` may have to publish again are stored for KEEP_DAYS, see `forget`.
    """
    stored = [row.seq for row in rows if row.kind not in NOT_STORED]
    done = [row.seq for row in rows if row.kind in NOT_STORED]

    async def work(tx: Tx) -> None:
        await tx.do(queries.PUBLISHED, seqs=stored, now=now.isoformat())
        if done:
            await tx.do(queries.DONE, seqs=done)
        if withheld:
            await tx.do(queries.WITHHOLD, rows=[{"seq": seq, "topic": topic} for seq, topic in withheld.items()])

    await store.write(work)


async def put_back(store: Store, topics: Sequence[str]) -> None:
    """Puts the rows withheld for these topics back into the outbox, each at its old place in the order."""
    await _in_pages(store, queries.PUT_BACK, topics=list(topics))


async def forget(store: Store, *, now: datetime) -> None:
    """Deletes rows published more than KEEP_DAYS ago: Kafka has deleted them too."""
    await _in_pages(store, queries.FORGET_PUBLISHED, before=(now - timedelta(days=KEEP_DAYS)).isoformat())


async def _in_pages(store: Store, query: LiteralString, **values: object) -> None:
    async def work(tx: Tx) -> Row | None:
        return await tx.one(query, limit=AT_ONCE, **values)

    while (row := await store.write(work)) is not None and row["rows"] == AT_ONCE:
        pass
