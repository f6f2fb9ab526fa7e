"""How far the readers of Kafka are, and what of that the graph is told, so that people learn what is still to come."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from confluent_kafka import KafkaException

from graph.actions.link import lag
from graph.actions.link.lag import Backlog
from graph.domain.errors import StoreUnavailable
from graph.store.session import Store
from streams import topics
from streams.kafka.connection import KafkaConnection
from streams.kafka.offsets import Position, Positions, positions
from streams.topics import EMBED_GROUP, LINK_GROUP

log = logging.getLogger(__name__)
EVERY_S: Final = 5.0


def backlogs(sources: Sequence[str], now: Positions, before: Positions, seconds: float) -> list[Backlog]:
    """What waits of each source, before embed and before link, and in how many seconds it will be through.

    By the pace of the `seconds` since `before`; None where nothing moved. Link's log holds all sources' records.
    """
    nothing = Position(0, 0)
    found: list[Backlog] = []
    for source in sources:
        events, slowest = 0, 0.0
        for step in ((EMBED_GROUP, topics.media_submitted(source)), (LINK_GROUP, topics.GALLERY)):
            position = now.get(step, nothing)
            done = position.done - before.get(step, position).done
            events += position.lag
            if position.lag:
                slowest = max(slowest, position.lag * seconds / done if done > 0 else float("inf"))
        found.append(Backlog(source, events, None if slowest == float("inf") else round(slowest)))
    return found


class Backlogs:
    """Tells the graph what waits in Kafka, for as long as link's process lives.

    `applied` gives the records of the gallery log that stand in the graph: Kafka hears of them only later.
    """

    def __init__(
        self, store: Store, applied: Callable[[], int], kafka: KafkaConnection, sources: Sequence[str]
    ) -> None:
        self._store = store
        self._applied = applied
        self._kafka = kafka
        self._sources = sources

    async def tell_for_ever(self, ready: Callable[[], Awaitable[Any]]) -> None:
        """Begins once `ready` returns; what is away for a while is told later."""
        await ready()
        before: Positions = {}
        told: list[Backlog] = []
        at = time.monotonic()
        while True:
            try:
                now, moment = await asyncio.to_thread(self._positions), time.monotonic()
                found = backlogs(self._sources, now, before, moment - at)
                before, at = now, moment
                if found != told:
                    await lag.write(self._store, found, now=datetime.now(UTC))
                    told = found
            except (KafkaException, StoreUnavailable) as away:
                log.warning("what waits could not be told: %s", type(away).__name__)
            await asyncio.sleep(EVERY_S)

    def _positions(self) -> Positions:
        found = positions(self._kafka, self._sources)
        link = LINK_GROUP, topics.GALLERY
        return found if link not in found else {**found, link: found[link].at(self._applied())}
