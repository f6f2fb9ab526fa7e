"""What waits in Kafka, as link's process measures it: the API asks the graph and never Kafka."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from graph.store.queries import relay as queries
from graph.store.session import Store


@dataclass(frozen=True, slots=True)
class Backlog:
    """Events of a source, and what stands before link of all; `seconds` until they are through, None: nobody knows."""

    source: str
    events: int
    seconds: int | None


async def write(store: Store, backlogs: Sequence[Backlog], *, now: datetime) -> None:
    """The graph knows what waits of each of these sources."""
    rows = [{**asdict(backlog), "at": now.isoformat()} for backlog in backlogs]
    await store.write(lambda tx: tx.do(queries.TELL_BACKLOGS, rows=rows))
