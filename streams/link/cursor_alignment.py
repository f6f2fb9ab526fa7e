"""Before link joins its group: Kafka's committed offset is set to the graph's cursor, which is the truth."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final, TypeVar

from confluent_kafka import KafkaException

from graph.actions.link.cursor import adopt_record, mark_broken, read_cursor
from graph.domain.errors import NotSameLog
from graph.store.session import Store
from streams.kafka.gallery_topic import REPAIR, GalleryTopic
from streams.repair.reconcile import find
from streams.repair.topic_contents import SourceTopics
from streams.retry import retried
from streams.settings import StreamSettings

log = logging.getLogger(__name__)
T = TypeVar("T")
KAFKA_RETRY_S: Final = 1.0


def align(topic: GalleryTopic, settings: StreamSettings) -> None:
    """Sets the group's committed offset to the record after the cursor.

    Raises LogGap if the log is not the graph's; the graph stores NotSameLog, which no later start passes.
    """
    try:
        while not _adopt_record(topic, settings):
            time.sleep(KAFKA_RETRY_S)
        topic.align(lambda: _once(settings, read_cursor))
    except NotSameLog as gap:
        reason = gap.message
        _once(settings, lambda store: mark_broken(store, reason, now=datetime.now(UTC)))
        raise


def _adopt_record(topic: GalleryTopic, settings: StreamSettings) -> bool:
    """Stores the identity of the cursor's record if an older release moved the cursor; False if Kafka is unavailable.

    Raises NotSameLog if the topics hold events or notices that the graph does not know.
    """
    cursor = _once(settings, read_cursor)
    if cursor.offset < 0 or cursor.digest is not None:
        return True
    try:
        topic.check(cursor)
        source_topics = SourceTopics(settings.kafka_connection, settings.sources)
        report = _once(settings, lambda store: find(store, source_topics, None)).report
        record = topic.record_at(cursor.offset)
    except (KafkaException, TimeoutError) as unavailable:
        log.warning("link waits for Kafka: %s", type(unavailable).__name__)
        return False
    if report.lost or report.unknown:
        raise NotSameLog(
            f"{len(report.lost)} submitted events are neither in the graph nor on their way, and {len(report.unknown)} "
            f"subjects have notices that it does not know: the gallery log is not the graph's ({REPAIR})"
        )
    _once(settings, lambda store: adopt_record(store, cursor.offset, record))
    return True


def _once(settings: StreamSettings, work: Callable[[Store], Awaitable[T]]) -> T:
    """The result of `work` on a connection of its own, before the worker's event loop runs."""

    async def run() -> T:
        async with Store(*settings.neo4j) as store:
            return await retried(lambda: work(store))

    return asyncio.run(run())
