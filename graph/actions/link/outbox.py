"""What the relay changes in the outbox: rows are done, wait for a source that is not configured, or come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from graph.store.queries import relay as queries
from graph.store.session import Row, Store, Tx

AT_ONCE: Final = 10_000
NOT_KEPT: Final = frozenset({"delete", "quarantine", "replay"})
"""Kinds of rows that are not kept once they are published: what they do can be derived from the graph again."""


KEEP_DAYS: Final = 14
"""As long as Kafka keeps notices, searches and decisions (the table in `streams.topics`)."""


async def published(store: Store, rows: Sequence[Row], *, withheld: Mapping[int, str], now: datetime) -> None:
    """The `rows` have left the outbox; those `withheld`, by number with their topic, wait outside of it.

    What `redthread restore` may have to publish again is kept for KEEP_DAYS, see `forget`.
    """
    kept = [row["seq"] for row in rows if row["kind"] not in NOT_KEPT]
    done = [row["seq"] for row in rows if row["kind"] in NOT_KEPT]

    async def work(tx: Tx) -> None:
        await tx.do(queries.PUBLISHED, seqs=kept, now=now.isoformat())
        if done:
            await tx.do(queries.DONE, seqs=done)
        if withheld:
            await tx.do(queries.WITHHOLD, rows=[{"seq": seq, "topic": topic} for seq, topic in withheld.items()])

    await store.write(work)


async def put_back(store: Store, topics: Sequence[str]) -> None:
    """What waited for one of these topics stands in the outbox again, each at its old place."""

    async def work(tx: Tx) -> Row | None:
        return await tx.one(queries.PUT_BACK, topics=list(topics), limit=AT_ONCE)

    while (row := await store.write(work)) is not None and row["rows"]:
        pass


async def forget(store: Store, *, now: datetime) -> None:
    """What was published more than KEEP_DAYS ago is gone: Kafka does not have it any more either."""
    before = (now - timedelta(days=KEEP_DAYS)).isoformat()

    async def work(tx: Tx) -> Row | None:
        return await tx.one(queries.FORGET_PUBLISHED, before=before, limit=AT_ONCE)

    while (row := await store.write(work)) is not None and row["rows"] == AT_ONCE:
        pass
