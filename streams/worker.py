"""Composition root of the worker processes: `python -m streams.worker embed` and `python -m streams.worker link`."""

from __future__ import annotations

import asyncio
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from pydantic import ValidationError
from tenacity import AsyncRetrying, retry_if_exception_type, wait_fixed

from graph.actions import ingest
from graph.domain.errors import RedthreadError, StoreUnavailable
from graph.files import MediaStore
from graph.store.session import Store
from streams.agents import EMBED_GROUP, LINK_GROUP, make_app
from streams.circuit import Circuits
from streams.crash import CrashPoint
from streams.embed import EmbedStep
from streams.embedding import EmbedWorker
from streams.linking import EXIT_ALARM, LinkWorker, end_process
from streams.records import complaint
from streams.relay import Relay
from streams.settings import MIB, StreamSettings
from streams.takeover import Log
from streams.watchdog import Watchdog

log = logging.getLogger(__name__)

EMBED_SESSION_S: Final = 15.0
LINK_SESSION_S: Final = 6.0
"""Link's membership is not static: a dead link's place is free after this long, and a new one waits for that."""
FORGET_EVERY_S: Final = 60.0


def embed(settings: StreamSettings) -> Any:
    """The Faust app of an embed worker, models loaded."""
    from streams.faces.find import FaceFinder
    from streams.faces.models import ensure_models
    from streams.media.decode import Decoder
    from streams.media.fetch import Fetcher

    models = ensure_models(settings.models)
    store = MediaStore(settings.store_url)
    circuits = Circuits(settings.unreachable_patience_s, settings.unreachable_backoff_s)
    step = EmbedStep(
        Fetcher(settings.media_roots, store, settings.max_media_mib * MIB),
        Decoder(),
        FaceFinder(models, 1),
        store,
        circuits,
        model_id=models.model_id,
        detector_id=models.detector_id,
        sources=settings.sources,
    )
    app = make_app(EMBED_GROUP, settings, instance=settings.worker_slot, session_timeout_s=EMBED_SESSION_S)
    watchdog = Watchdog(app)
    EmbedWorker(
        app,
        step,
        circuits,
        watchdog,
        CrashPoint(settings.crash_at),
        sources=settings.sources,
        # One more than find faces: while a picture is decoded in its process, another one is embedded.
        pool=ThreadPoolExecutor(settings.threads + 1, "embed"),
        probe_pool=ThreadPoolExecutor(1, "probe"),
    )
    app.task(watchdog.beat)
    watchdog.start()
    return app


def link(settings: StreamSettings) -> Any:
    """The Faust app of the link worker and its relay, the log taken into line with the graph's cursor."""
    from streams.faces.models import MODEL_ID

    kafka = Log(settings.kafka, settings.kafka_security)
    kafka.align(lambda: asyncio.run(_cursor(settings)))
    app = make_app(LINK_GROUP, settings, instance=None, session_timeout_s=LINK_SESSION_S)
    watchdog = Watchdog(app)
    watchdog.start()

    @app.task
    async def work() -> None:
        await parts.run()

    parts = _LinkParts(app, settings, kafka, watchdog, MODEL_ID)
    app.task(watchdog.beat)
    return app


class _LinkParts:
    """What link runs beside its agents."""

    def __init__(self, app: Any, settings: StreamSettings, kafka: Log, watchdog: Watchdog, model_id: str) -> None:
        password = settings.neo4j_password.get_secret_value()
        crash = CrashPoint(settings.crash_at)
        self._kafka = kafka
        self._store = Store(settings.neo4j_uri, settings.neo4j_user, password)
        self._link = LinkWorker(app, self._store, watchdog, crash, model_id=model_id, log_id=kafka.log_id())
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

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._link.take_over())
                tasks.create_task(self._relay.publish_for_ever())
                tasks.create_task(self._relay.replay_for_ever())
                tasks.create_task(self._forget_for_ever())
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


def main() -> None:
    """Runs one worker until SIGTERM; its kind is the first argument."""
    kinds = {"embed": embed, "link": link}
    if len(sys.argv) != 2 or sys.argv[1] not in kinds:
        sys.exit("usage: python -m streams.worker embed|link")
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    try:
        app = kinds[sys.argv[1]](StreamSettings())  # pyright: ignore[reportCallIssue]  settings come from the environment
    except RedthreadError as reason:
        end_process(EXIT_ALARM, reason.message)
    except ValidationError as error:
        end_process(EXIT_ALARM, f"the settings are not usable: {complaint(error)}")
    # Faust's own option parser: without --without-web it would open a port on all interfaces.
    sys.argv[1:] = ["worker", "-l", "warn", "--without-web"]
    app.main()


if __name__ == "__main__":
    main()
