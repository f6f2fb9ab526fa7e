"""Writes the pending events of each source to the graph, where people see what is still to come."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from confluent_kafka import KafkaException

from graph.actions.link.lag import SourceLag, write_lags
from graph.domain.errors import StoreUnavailable
from graph.store.session import Store
from streams import topics
from streams.kafka.connection import KafkaConnection
from streams.kafka.offsets import Position, Positions, positions
from streams.log_hold import LogHold
from streams.topics import EMBED_GROUP, LINK_GROUP

log = logging.getLogger(__name__)
EVERY_S: Final = 5.0
FEW, SOON_S = 100, 1.0
"""So few pending events are measured again this soon: they are over before people read a number that is older."""


def pending_events(sources: Sequence[str], now: Positions, before: Positions, seconds: float) -> list[SourceLag]:
    """The events of each source that embed or link have not processed, and the seconds that they will take.

    Estimated by the pace of the `seconds` since `before`; None where nothing moved. The records before link are those
    of all sources: they share its log.
    """
    nothing = Position(0, 0)
    found: list[SourceLag] = []
    for source in sources:
        events, slowest = 0, 0.0
        for step in ((EMBED_GROUP, topics.media_submitted(source)), (LINK_GROUP, topics.GALLERY)):
            position = now.get(step, nothing)
            done = position.done - before.get(step, position).done
            events += position.lag
            if position.lag:
                slowest = max(slowest, position.lag * seconds / done if done > 0 else float("inf"))
        found.append(SourceLag(source, events, None if slowest == float("inf") else round(slowest)))
    return found


@dataclass(frozen=True, slots=True)
class LagReporter:
    """Measures and writes the lag for as long as link's process lives.

    `done` gives the records that are done by topic and partition, as `positions` takes them.
    """

    store: Store
    hold: LogHold
    done: Callable[[], Mapping[tuple[str, int], int]]
    kafka: KafkaConnection
    sources: Sequence[str]

    async def report_for_ever(self) -> None:
        """Begins once this process holds the log; while Kafka or Neo4j is away nothing is written."""
        await self.hold.ready.wait()
        before: Positions = {}
        written: list[SourceLag] = []
        at = time.monotonic()
        while True:
            try:
                # What is done first, and Kafka's ends last: so nothing counts as done beyond the ends.
                now = await asyncio.to_thread(positions, self.kafka, self.sources, self.done())
                moment = time.monotonic()
                found = pending_events(self.sources, now, before, moment - at)
                before, at = now, moment
                if found != written:
                    await write_lags(self.store, found, now=datetime.now(UTC))
                    written = found
            except (KafkaException, StoreUnavailable) as away:
                log.warning("the lag could not be reported: %s", type(away).__name__)
            await asyncio.sleep(SOON_S if 0 < sum(lag.events for lag in written) <= FEW else EVERY_S)
