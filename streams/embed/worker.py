"""The embed worker: its agents, their retries, and the ends that an event can come to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from graph.domain.errors import MediaStoreUnavailable, RedthreadError, SourceUnreachable, Unprocessable
from graph.space import LOOK_S, Space
from streams import topics
from streams.embed.step import EmbedStep
from streams.kafka.app import read_each
from streams.kafka.sending import gallery_headers, send_sure
from streams.media.circuit import Circuits
from streams.process import CrashPoint, Watchdog, describe_failure
from streams.records import quarantine
from streams.records.gallery import GalleryRecord
from streams.records.message import Message, origin, sources_by_topic

log = logging.getLogger(__name__)
STORAGE_WAIT_S = 5.0

Work = Callable[[Message, str], GalleryRecord]


class EmbedWorker:
    """Turns each incoming event into a gallery record or a quarantine record; nothing else can become of it."""

    def __init__(
        self,
        app: Any,
        step: EmbedStep,
        circuits: Circuits,
        watchdog: Watchdog,
        crash: CrashPoint,
        space: Space,
        *,
        sources: dict[str, list[str]],
        pool: Executor,
        probe_pool: Executor,
    ) -> None:
        self._step = step
        self._circuits = circuits
        self._watchdog = watchdog
        self._crash = crash
        self._app = app
        self._space = space
        self._short = False
        self._owner = sources_by_topic(sources)
        self._pool = pool
        self._probe_pool = probe_pool
        self._gallery = app.topic(topics.GALLERY, value_serializer="raw", key_serializer="raw")
        self._quarantine = app.topic(topics.QUARANTINE, value_serializer="raw", key_serializer="raw")
        read_each(app, [topics.media_submitted(s) for s in sources], self.media, name="embed-media", parallel=True)
        others = [topic for source in sources for topic in topics.changes(source)]
        read_each(app, others, self.other, name="relay-changes", parallel=True)
        # An agent and a thread of its own, so that what a person waits for overtakes ingestion.
        read_each(app, [topics.PROBES], self.probe, name="embed-probes", parallel=True)

    async def media(self, message: Message) -> None:
        await self._wait_for_space()
        await self._handle(message, self._owner[message.topic], self._step.media, self._pool)

    async def other(self, message: Message) -> None:
        await self._handle(message, self._owner[message.topic], self._step.relayed, self._pool)

    async def probe(self, message: Message) -> None:
        await self._handle(message, "", self._step.asked, self._probe_pool)

    async def _handle(self, message: Message, source: str, work: Work, pool: Executor) -> None:
        try:
            record = await self._worked(message, source, work, pool)
            self._crash.reach("embed-before-send")
            key = _key(record)
            body = record.model_dump_json().encode()
            await send_sure(self._gallery, key.encode(), body, gallery_headers(record, key))
            self._crash.reach("embed-after-send")
        except RedthreadError as reason:
            await self._refuse(message, source, reason)
        except Exception as defect:  # noqa: BLE001
            # Whatever a decoder or a library raises: an error that leaves the agent would lose the event.
            log.error("%s/%s/%s: %s", message.topic, message.partition, message.offset, describe_failure(defect))
            name = type(defect).__name__
            await self._refuse(message, source, Unprocessable(f"an unexpected failure ({name})", code="unexpected"))
        self._watchdog.progress()

    async def _wait_for_space(self) -> None:
        """Returns once there is space for what a picture makes; what frees space, or what people do, does not wait."""
        while (shortage := await asyncio.to_thread(self._space.shortage)) and not self._app.should_stop:
            if not self._short:
                log.error("embed waits: too little free space, %s", shortage)
            self._short = True
            self._watchdog.progress()
            await asyncio.sleep(LOOK_S)
        if self._short and shortage is None:
            log.warning("embed goes on: there is free space again")
            self._short = False

    async def _worked(self, message: Message, source: str, work: Work, pool: Executor) -> GalleryRecord:
        loop = asyncio.get_running_loop()
        delay = 0.5
        while True:
            try:
                return await loop.run_in_executor(pool, work, message, source)
            except SourceUnreachable as silent:
                if not self._circuits.failed(silent.host):
                    raise
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5)
            except (OSError, MediaStoreUnavailable) as failure:
                # Our own disk or store: full or away. Waiting visibly loses nothing; quarantine would flood.
                why = failure.message if isinstance(failure, MediaStoreUnavailable) else type(failure).__name__
                log.error("embed waits: %s", why)
                self._watchdog.progress()
                await asyncio.sleep(STORAGE_WAIT_S)

    async def _refuse(self, message: Message, source: str, reason: RedthreadError) -> None:
        key, value, headers = quarantine.record(origin(message, source), reason, "embed")
        await send_sure(self._quarantine, key, value, headers)
        log.warning("%s/%s/%s: quarantined, %s", message.topic, message.partition, message.offset, reason.code)


def _key(record: GalleryRecord) -> str:
    origin_event = getattr(record, "origin", None)
    return getattr(record, "media_id", None) or (origin_event.event if origin_event is not None else "")
