"""Composition of the link process: link, its relay, and what keeps the log short."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

# numpy reads this at its first import. Its own threads spin while they wait for the next product, which costs half as
# much again as all of link's work; what is large enough for more threads is compared block by block, see `Matrix`.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from confluent_kafka import KafkaException
from tenacity import AsyncRetrying, retry_if_exception_type, wait_fixed

from graph.actions.link import outbox
from graph.actions.link.cursor import adopt_record, mark_broken, read_cursor
from graph.domain.errors import NotSameLog, RedthreadError, StoreUnavailable
from graph.files import MediaStore
from graph.store.session import Store
from streams import topics
from streams.faces.packs import chosen_model
from streams.gallery.calibration import load_calibrations
from streams.kafka.app import make_app, read_batches
from streams.kafka.gallery_topic import REPAIR, GalleryTopic
from streams.link.worker import LinkWorker
from streams.log_hold import LogHold
from streams.process import EXIT_ALARM, CrashPoint, Watchdog, end_process
from streams.relay.audit_roots import FOLDER, Roots
from streams.relay.lag import LagReporter
from streams.relay.outbox import OutboxPublisher
from streams.relay.quarantine import QuarantineIndex
from streams.repair.reconcile import find
from streams.repair.topic_contents import SourceTopics
from streams.settings import StreamSettings
from streams.topics import LINK_GROUP

log = logging.getLogger(__name__)
T = TypeVar("T")

LINK_SESSION_S: Final = 6.0
"""Link's membership is not static: a dead link's place is free after this long, and a new one waits for that."""
FORGET_EVERY_S: Final = 60.0
KAFKA_AWAY_S: Final = 1.0


def make(settings: StreamSettings) -> Any:
    """The Faust app of the link worker and its relay, the log taken into line with the graph's cursor."""
    kafka = GalleryTopic(settings.kafka_connection)
    _align(kafka, settings)
    app = make_app(LINK_GROUP, settings.kafka_connection, settings.faust_folder, session_timeout_s=LINK_SESSION_S)
    watchdog = Watchdog(app)
    watchdog.start()

    @app.task
    async def work() -> None:
        await parts.run()

    parts = _LinkParts(app, settings, kafka, watchdog, chosen_model(settings.model_pack))
    read_batches(app, topics.GALLERY, parts.link.handle, name="link")
    app.on_partitions_assigned.connect(parts.link.on_assigned, weak=False)
    read_batches(app, topics.QUARANTINE, parts.quarantine.index, name="quarantine")
    app.task(watchdog.beat)
    return app


class _LinkParts:
    """What link runs beside its agents."""

    def __init__(
        self, app: Any, settings: StreamSettings, kafka: GalleryTopic, watchdog: Watchdog, model_id: str
    ) -> None:
        crash = CrashPoint(settings.crash_at)
        self._kafka = kafka
        self._hold = LogHold()
        self._store = Store(*settings.neo4j)
        calibrations = load_calibrations(settings.calibration)
        self.link = LinkWorker(
            self._store, self._hold, watchdog, crash, model_id=model_id, log=kafka, calibrations=calibrations
        )
        files, first_try_s = MediaStore(settings.store_url), settings.unreachable_backoff_s
        self._publisher = OutboxPublisher(
            app, self._store, files, self._hold, watchdog, crash, sources=settings.sources
        )
        self.quarantine = QuarantineIndex(
            store=self._store, hold=self._hold, watchdog=watchdog, sources=settings.sources, first_try_s=first_try_s
        )
        self._lag = LagReporter(
            self._store, self._hold, lambda: self.link.applied, settings.kafka_connection, sorted(settings.sources)
        )
        self._roots = Roots(self._store, self._hold, settings.data.absolute() / FOLDER, crash)

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.link.take_over())
                tasks.create_task(self._publisher.publish_for_ever())
                tasks.create_task(self.quarantine.replay_for_ever())
                tasks.create_task(self._forget_for_ever())
                tasks.create_task(self._roots.draw_for_ever())
                tasks.create_task(self._lag.report_for_ever())
        except* RedthreadError as group:
            end_process(EXIT_ALARM, str(group.exceptions[0]))

    async def _forget_for_ever(self) -> None:
        await self._hold.ready.wait()
        while True:
            await asyncio.sleep(FORGET_EVERY_S)
            try:
                cursor = await read_cursor(self._store)
                if cursor.epoch == self._hold.epoch and cursor.offset >= 0:
                    await asyncio.to_thread(self._kafka.forget_before, cursor.offset)
                await outbox.forget(self._store, now=datetime.now(UTC))
            except Exception as failure:  # noqa: BLE001  Deleting later is as good; retention deletes in the end.
                log.warning("what the graph holds could not be deleted now: %s", type(failure).__name__)


def _align(gallery_log: GalleryTopic, settings: StreamSettings) -> None:
    """Link's group stands behind the cursor. LogGap where the log is not the graph's; NotSameLog stays in the graph."""
    try:
        while not _adopt(gallery_log, settings):
            time.sleep(KAFKA_AWAY_S)
        gallery_log.align(lambda: _once(settings, read_cursor))
    except NotSameLog as gap:
        reason = gap.message
        _once(settings, lambda store: mark_broken(store, reason, now=datetime.now(UTC)))
        raise


def _adopt(gallery_log: GalleryTopic, settings: StreamSettings) -> bool:
    """A cursor of an older release knows its record afterwards; False while Kafka is away.

    NotSameLog where the topics hold events or notices that the graph knows nothing of.
    """
    cursor = _once(settings, read_cursor)
    if cursor.offset < 0 or cursor.digest is not None:
        return True
    try:
        gallery_log.check(cursor)
        kafka = SourceTopics(settings.kafka_connection, settings.sources)
        report = _once(settings, lambda store: find(store, kafka, None)).report
        record = gallery_log.record_at(cursor.offset)
    except (KafkaException, TimeoutError) as away:
        log.warning("link waits for Kafka: %s", type(away).__name__)
        return False
    if report.lost or report.unknown:
        raise NotSameLog(
            f"{len(report.lost)} submitted events are neither in the graph nor on their way, and {len(report.unknown)} "
            f"subjects have notices that it does not know: the gallery log is not the graph's ({REPAIR})"
        )
    _once(settings, lambda store: adopt_record(store, cursor.offset, record))
    return True


def _once(settings: StreamSettings, work: Callable[[Store], Awaitable[T]]) -> T:
    """What `work` returns on a connection of its own, before the worker's loop runs; waits while Neo4j is away."""

    async def run() -> T:
        async with Store(*settings.neo4j) as store:
            patient = AsyncRetrying(
                retry=retry_if_exception_type(StoreUnavailable),
                wait=wait_fixed(1),
                before_sleep=lambda state: log.warning("link waits for Neo4j, attempt %s", state.attempt_number),
            )

            async def once() -> T:
                return await work(store)

            return await patient(once)

    return asyncio.run(run())
