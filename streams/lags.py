"""How far the readers of Kafka are, and what of that the graph is told, so that people learn what is still to come."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # pyright: ignore[reportPrivateImportUsage]

from graph.actions import backlog
from graph.actions.backlog import Backlog
from graph.domain.errors import StoreUnavailable
from graph.store.session import Store
from streams import topics
from streams.agents import EMBED_GROUP, LINK_GROUP

log = logging.getLogger(__name__)
ANSWER_S: Final = 10.0
EVERY_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Position:
    """Of one reader in one topic, over all partitions: records that it has committed, and that there are."""

    done: int
    end: int

    @property
    def behind(self) -> int:
        return max(0, self.end - self.done)

    def at(self, done: int) -> Position:
        """The same end, so far done."""
        return Position(min(done, self.end), self.end)


Positions = Mapping[tuple[str, str], Position]
"""By (group, topic)."""


def positions(bootstrap: str, security: Mapping[str, str], groups: Sequence[str] | None = None) -> Positions:
    """How far each consumer group has come, or these; a partition in which nothing was committed counts from 0."""
    # Any: confluent-kafka does not say what its futures hold.
    admin: Any = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, **security})
    if groups is None:
        listed = admin.list_consumer_groups(request_timeout=ANSWER_S).result(ANSWER_S).valid
        groups = [found.group_id for found in listed]
    found: dict[tuple[str, str], Position] = {}
    for group in groups:
        asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)], request_timeout=ANSWER_S)
        committed: list[TopicPartition] = asked[group].result(ANSWER_S).topic_partitions or []
        ends = admin.list_offsets(
            {TopicPartition(place.topic, place.partition): OffsetSpec.latest() for place in committed},
            request_timeout=ANSWER_S,
        )
        latest = {(place.topic, place.partition): answer.result(ANSWER_S).offset for place, answer in ends.items()}
        for place in committed:
            old = found.get((group, place.topic), Position(0, 0))
            end = latest[place.topic, place.partition]
            found[group, place.topic] = Position(old.done + min(max(0, place.offset), end), old.end + end)
    return found


def lags(bootstrap: str, security: Mapping[str, str]) -> dict[tuple[str, str], int]:
    """Records that each consumer group has not committed yet, by (group, topic), over all partitions."""
    return {key: position.behind for key, position in positions(bootstrap, security).items()}


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
            events += position.behind
            if position.behind:
                slowest = max(slowest, position.behind * seconds / done if done > 0 else float("inf"))
        found.append(Backlog(source, events, None if slowest == float("inf") else round(slowest)))
    return found


class Backlogs:
    """Tells the graph what waits in Kafka, for as long as link's process lives.

    `applied` gives the records of the gallery log that stand in the graph: Kafka hears of them only later.
    """

    def __init__(
        self, store: Store, applied: Callable[[], int], kafka: str, security: Mapping[str, str], sources: Sequence[str]
    ) -> None:
        self._store = store
        self._applied = applied
        self._kafka = kafka
        self._security = security
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
                    await backlog.write(self._store, found, now=datetime.now(UTC))
                    told = found
            except (KafkaException, StoreUnavailable, TimeoutError) as away:
                log.warning("what waits could not be told: %s", type(away).__name__)
            await asyncio.sleep(EVERY_S)

    def _positions(self) -> Positions:
        found = positions(self._kafka, self._security, [EMBED_GROUP, LINK_GROUP])
        link = LINK_GROUP, topics.GALLERY
        return found if link not in found else {**found, link: found[link].at(self._applied())}
