"""What the relay changes in the outbox: rows are done, wait for a source that is not configured, or come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graph.store.queries import relay as queries
from graph.store.session import Row, Store, Tx

AT_ONCE = 10_000


async def published(store: Store, done: Sequence[int], *, withheld: Mapping[int, str]) -> None:
    """The rows `done` are gone; those `withheld`, by number with their topic, wait outside of the outbox."""

    async def work(tx: Tx) -> None:
        await tx.do(queries.DONE, seqs=list(done))
        if withheld:
            await tx.do(queries.WITHHOLD, rows=[{"seq": seq, "topic": topic} for seq, topic in withheld.items()])

    await store.write(work)


async def put_back(store: Store, topics: Sequence[str]) -> None:
    """What waited for one of these topics stands in the outbox again, each at its old place."""

    async def work(tx: Tx) -> Row | None:
        return await tx.one(queries.PUT_BACK, topics=list(topics), limit=AT_ONCE)

    while (row := await store.write(work)) is not None and row["rows"]:
        pass
