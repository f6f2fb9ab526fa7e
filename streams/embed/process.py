"""Composition of an embed process."""

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from graph.files import MediaStore
from graph.space import Space
from streams.embed.step import EmbedStep
from streams.embed.worker import EmbedWorker
from streams.faces.find import FaceFinder
from streams.faces.packs import LICENCE, chosen_models
from streams.kafka.app import make_app
from streams.media.circuit import Circuits
from streams.media.decode import Decoder
from streams.media.fetch import Fetcher
from streams.process import CrashPoint, Watchdog
from streams.settings import MIB, StreamSettings
from streams.topics import EMBED_GROUP

log = logging.getLogger(__name__)

EMBED_SESSION_S: Final = 15.0


def make(settings: StreamSettings) -> Any:
    """The Faust app of an embed worker, models loaded."""
    models = chosen_models(settings.models, settings.model_pack)
    if settings.model_pack is not None:
        log.warning("embedding with %s. %s", models.model_id, LICENCE)
    store = MediaStore(settings.store_url)
    circuits = Circuits(settings.unreachable_patience_s, settings.unreachable_backoff_s)
    step = EmbedStep(
        fetcher=Fetcher(settings.media_roots, store, settings.max_media_mib * MIB),
        decoder=Decoder(),
        finder=FaceFinder(models, 1),
        store=store,
        circuits=circuits,
        model_id=models.model_id,
        detector_id=models.detector_id,
        sources=settings.sources,
    )
    app = make_app(
        EMBED_GROUP,
        settings.kafka_connection,
        settings.faust_folder,
        instance=settings.worker_slot,
        session_timeout_s=EMBED_SESSION_S,
    )
    watchdog = Watchdog(app)
    worker = EmbedWorker(
        app=app,
        step=step,
        circuits=circuits,
        watchdog=watchdog,
        crash=CrashPoint(settings.crash_at),
        space=Space.of(settings.data, settings.store_url, settings.space_mib),
        sources=settings.sources,
        # One more than `threads`: while one picture is decoded in its process, another one is embedded.
        pool=ThreadPoolExecutor(settings.threads + 1, "embed"),
        probe_pool=ThreadPoolExecutor(1, "probe"),
    )
    worker.register_agents()
    app.task(watchdog.beat)
    watchdog.start()
    return app
