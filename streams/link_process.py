"""Composition of the link process: link, its relay, and what keeps the log short."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Any, Final

# numpy reads this at its first import. Its own threads spin while they wait for the next product, which costs half as
# much again as all of link's work; what is large enough for more threads is compared block by block, see `Matrix`.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from tenacity import AsyncRetrying, retry_if_exception_type, wait_fixed

from graph.actions import ingest
from graph.domain.errors import RedthreadError, StoreUnavailable
from graph.files import MediaStore
from graph.store.session import Store
from streams.agents import LINK_GROUP, make_app
from streams.crash import CrashPoint
from streams.faces.packs import chosen_model
from streams.failures import EXIT_ALARM, end_process
from streams.gallery.calibration import load_calibrations
from streams.lags import Backlogs
from streams.link_worker import LinkWorker
from streams.relay import Relay
from streams.roots import FOLDER, Roots
from streams.settings import StreamSettings
from streams.takeover import Log
from streams.watchdog import Watchdog

log = logging.getLogger(__name__)

LINK_SESSION_S: Final = 6.0
"""Link's membership is not static: a dead link's place is free after this long, and a new one waits for that."""
FORGET_EVERY_S: Final = 60.0


def make(settings: StreamSettings) -> Any:
    """The Faust app of the link worker and its relay, the log taken into line with the graph's cursor."""
    kafka = Log(settings.kafka, settings.kafka_security)
    kafka.align(lambda: asyncio.run(_cursor(settings)))
    app = make_app(LINK_GROUP, settings, instance=None, session_timeout_s=LINK_SESSION_S)
    watchdog = Watchdog(app)
    watchdog.start()

    @app.task
    async def work() -> None:
        await parts.run()

    parts = _LinkParts(app, settings, kafka, watchdog, chosen_model(settings.model_pack))
    app.task(watchdog.beat)
    return app


class _LinkParts:
    """What link runs beside its agents."""

    def __init__(self, app: Any, settings: StreamSettings, kafka: Log, watchdog: Watchdog, model_id: str) -> None:
        password = settings.neo4j_password.get_secret_value()
        crash = CrashPoint(settings.crash_at)
        self._kafka = kafka
        self._store = Store(settings.neo4j_uri, settings.neo4j_user, password)
        calibrations = load_calibrations(settings.calibration)
        self._link = LinkWorker(
            app, self._store, watchdog, crash, model_id=model_id, log_id=kafka.log_id(), calibrations=calibrations
        )
        self._relay = Relay(
            app,
            self._store,
            MediaStore(settings.store_url),
            self._link,
            watchdog,
            crash,
            sources=settings.sources,
            first_try_s=settings.unreachable_backoff_s,
        )
        self._backlogs = Backlogs(
            self._store, lambda: self._link.applied, settings.kafka, settings.kafka_security, sorted(settings.sources)
        )
        self._roots = Roots(self._store, self._link, settings.data.absolute() / FOLDER, crash)

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._link.take_over())
                tasks.create_task(self._relay.publish_for_ever())
                tasks.create_task(self._relay.replay_for_ever())
                tasks.create_task(self._forget_for_ever())
                tasks.create_task(self._roots.draw_for_ever())
                tasks.create_task(self._backlogs.tell_for_ever(self._link.ready.wait))
        except* RedthreadError as group:
            end_process(EXIT_ALARM, str(group.exceptions[0]))

    async def _forget_for_ever(self) -> None:
        await self._link.ready.wait()
        while True:
            await asyncio.sleep(FORGET_EVERY_S)
            try:
                cursor = await ingest.read_cursor(self._store)
                if cursor.epoch == self._link.epoch and cursor.offset >= 0:
                    await asyncio.to_thread(self._kafka.forget_until, cursor.offset)
            except Exception as failure:  # noqa: BLE001  Deleting later is as good; retention deletes in the end.
                log.warning("the log's records could not be deleted now: %s", type(failure).__name__)


async def _cursor(settings: StreamSettings) -> ingest.Cursor:
    async with Store(settings.neo4j_uri, settings.neo4j_user, settings.neo4j_password.get_secret_value()) as store:
        patient = AsyncRetrying(
            retry=retry_if_exception_type(StoreUnavailable),
            wait=wait_fixed(1),
            before_sleep=lambda state: log.warning("link waits for Neo4j, attempt %s", state.attempt_number),
        )
        return await patient(ingest.read_cursor, store)
