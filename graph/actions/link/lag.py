"""The lag of each source as link's process measures it in Kafka: the API reads the graph and never Kafka."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from graph.store.queries import relay as queries
from graph.store.session import Store


@dataclass(frozen=True, slots=True)
class SourceLag:
    """Events of a source that link has not read, with all that is ahead of them in the log.

    `seconds` is the estimated time until they are read; None if unknown.
    """

    source: str
    events: int
    seconds: int | None


async def write_lags(store: Store, lags: Sequence[SourceLag], *, now: datetime) -> None:
    """Stores the present lag of each of these sources."""
    rows = [{**asdict(lag), "at": now.isoformat()} for lag in lags]
    await store.write(lambda tx: tx.do(queries.WRITE_LAGS, rows=rows))


async def is_settled(store: Store) -> bool:
    """Whether no event was pending when last measured, and the outbox is empty."""
    row = await store.read(lambda tx: tx.one(queries.SETTLED))
    return row is not None and not row["outbox"] and not row["pending"]
