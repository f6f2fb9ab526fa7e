"""Composition of the link process: link, its relay, and the deletion of records that the graph holds."""

import asyncio
import logging
import os
from datetime import UTC, datetime
from typing import Any, Final

# numpy reads this at its first import. Its own threads spin while waiting for the next product, which costs half as
# much again as all of link's work; `Matrix` compares large products in threads of its own.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from graph.actions.link import outbox
from graph.actions.link.cursor import read_cursor
from graph.domain.errors import RedthreadError
from graph.files import MediaStore
from graph.store.session import Store
from streams import topics
from streams.faces.packs import chosen_model
from streams.gallery.calibration import load_calibrations
from streams.kafka.app import make_app, read_batches
from streams.kafka.gallery_topic import GalleryTopic
from streams.link.cursor_alignment import align
from streams.link.worker import LinkWorker
from streams.log_hold import LogHold
from streams.process import EXIT_ALARM, CrashPoint, Watchdog, end_process
from streams.relay.audit_roots import FOLDER, Roots
from streams.relay.lag import LagReporter
from streams.relay.outbox import OutboxPublisher
from streams.relay.quarantine import QuarantineIndex
from streams.settings import StreamSettings
from streams.topics import LINK_GROUP

log = logging.getLogger(__name__)

LINK_SESSION_S: Final = 6.0
"""Link's membership is not static: a new process waits this long until a dead one's has expired."""
DELETE_EVERY_S: Final = 60.0


def make(settings: StreamSettings) -> Any:
    """The Faust app of link and its relay, with the committed offset aligned to the graph's cursor."""
    topic = GalleryTopic(settings.kafka_connection)
    align(topic, settings)
    app = make_app(LINK_GROUP, settings.kafka_connection, settings.faust_folder, session_timeout_s=LINK_SESSION_S)
    watchdog = Watchdog(app)
    watchdog.start()

    @app.task
    async def work() -> None:
        await process.run()

    process = _LinkProcess(app, settings, topic, watchdog)
    read_batches(app, topics.GALLERY, process.link.handle, name="link")
    app.on_partitions_assigned.connect(process.link.on_assigned, weak=False)
    read_batches(app, topics.QUARANTINE, process.quarantine.index, name="quarantine")
    app.task(watchdog.beat)
    return app


class _LinkProcess:
    """The parts of the link process, and the tasks that run beside its agents."""

    def __init__(self, app: Any, settings: StreamSettings, topic: GalleryTopic, watchdog: Watchdog) -> None:
        crash = CrashPoint(settings.crash_at)
        self._topic = topic
        self._hold = LogHold()
        self._store = Store(*settings.neo4j)
        self.link = LinkWorker(
            self._store,
            self._hold,
            watchdog,
            crash,
            chosen_model(settings.model_pack),
            topic,
            load_calibrations(settings.calibration),
        )
        files, first_try_s = MediaStore(settings.store_url), settings.unreachable_backoff_s
        sources = settings.sources
        self._publisher = OutboxPublisher(app, self._store, files, self._hold, watchdog, crash, sources)
        self.quarantine = QuarantineIndex(
            store=self._store, hold=self._hold, watchdog=watchdog, sources=sources, first_try_s=first_try_s
        )
        self._lag = LagReporter(
            self._store, self._hold, lambda: self.link.done, settings.kafka_connection, sorted(sources)
        )
        self._roots = Roots(self._store, self._hold, settings.data.absolute() / FOLDER, crash)

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.link.take_over())
                tasks.create_task(self._publisher.publish_for_ever())
                tasks.create_task(self.quarantine.replay_for_ever())
                tasks.create_task(self._delete_for_ever())
                tasks.create_task(self._roots.draw_for_ever())
                tasks.create_task(self._lag.report_for_ever())
        except* RedthreadError as group:
            end_process(EXIT_ALARM, str(group.exceptions[0]))

    async def _delete_for_ever(self) -> None:
        """Deletes the log's records up to the cursor, and published rows of the outbox."""
        await self._hold.ready.wait()
        while True:
            await asyncio.sleep(DELETE_EVERY_S)
            try:
                cursor = await read_cursor(self._store)
                if cursor.epoch == self._hold.epoch and cursor.offset >= 0:
                    await asyncio.to_thread(self._topic.forget_before, cursor.offset)
                await outbox.forget(self._store, now=datetime.now(UTC))
            except Exception as failure:  # noqa: BLE001  Deletion may be late: the topic's retention is the limit.
                log.warning("what the graph holds could not be deleted now: %s", type(failure).__name__)
