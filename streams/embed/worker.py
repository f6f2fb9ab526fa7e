"""The embed worker: its agents, their retries, and the two results of an event."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from graph.domain.errors import MediaStoreUnavailable, RedthreadError, SourceUnreachable, Unprocessable
from graph.space import CHECK_EVERY_S, Space
from streams import topics
from streams.embed.step import EmbedStep
from streams.kafka.app import raw_topic, read_each
from streams.kafka.sending import gallery_headers, send_sure
from streams.media.circuit import Circuits
from streams.process import CrashPoint, Watchdog, describe_failure
from streams.records import quarantine
from streams.records.gallery import GalleryRecord
from streams.records.incoming import CE_REEXAMINATION
from streams.records.message import Message, origin, sources_by_topic

log = logging.getLogger(__name__)
STORAGE_WAIT_S = 5.0

Work = Callable[[Message, str], GalleryRecord]


@dataclass(slots=True, kw_only=True)
class EmbedWorker:
    """Turns each incoming event into a gallery record or a quarantine record; there is no third result."""

    app: Any
    step: EmbedStep
    circuits: Circuits
    watchdog: Watchdog
    crash: CrashPoint
    space: Space
    sources: dict[str, list[str]]
    pool: Executor
    probe_pool: Executor
    _is_short: bool = field(default=False, init=False)
    _source_of: dict[str, str] = field(init=False)
    _gallery: Any = field(init=False)
    _quarantine: Any = field(init=False)

    def __post_init__(self) -> None:
        self._source_of = sources_by_topic(self.sources)
        self._gallery = raw_topic(self.app, topics.GALLERY)
        self._quarantine = raw_topic(self.app, topics.QUARANTINE)

    def register_agents(self) -> None:
        """Adds the worker's agents to its app."""
        media = [topics.media_submitted(source) for source in self.sources]
        changes = [topic for source in self.sources for topic in topics.changes(source)]
        read_each(self.app, media, self.media, name="embed-media", parallel=True)
        read_each(self.app, changes, self.change, name="relay-changes", parallel=True)
        # An agent and a thread of its own, so that a person's request overtakes ingestion.
        read_each(self.app, [topics.PROBES], self.request, name="embed-probes", parallel=True)

    async def media(self, message: Message) -> None:
        """A picture of a case, once there is space for its crops."""
        await self._wait_for_space()
        await self._handle(message, self._source_of[message.topic], self.step.media_record, self.pool)

    async def change(self, message: Message) -> None:
        """A change of a case or victim, or an erasure: checked, and passed on to the gallery log."""
        await self._handle(message, self._source_of[message.topic], self.step.change_record, self.pool)

    async def request(self, message: Message) -> None:
        """A search's picture, a face that a person marked, or a stored media to examine again, like ingestion."""
        pool = self.probe_pool
        if message.header("ce_type") == CE_REEXAMINATION:
            await self._wait_for_space()
            pool = self.pool
        await self._handle(message, "", self.step.request_record, pool)

    async def _handle(self, message: Message, source: str, work: Work, pool: Executor) -> None:
        try:
            record = await self._process(message, source, work, pool)
            self.crash.reach("embed-before-send")
            key = _key(record)
            body = record.model_dump_json().encode()
            await send_sure(self._gallery, key.encode(), body, gallery_headers(record, key))
            self.crash.reach("embed-after-send")
        except RedthreadError as reason:
            await self._refuse(message, source, reason)
        except Exception as defect:  # noqa: BLE001
            # Broad: an error of any library that left the agent would lose the event.
            log.error("%s/%s/%s: %s", message.topic, message.partition, message.offset, describe_failure(defect))
            name = type(defect).__name__
            await self._refuse(message, source, Unprocessable(f"an unexpected failure ({name})", code="unexpected"))
        self.watchdog.progress()

    async def _wait_for_space(self) -> None:
        """Returns once there is space for the crops of a picture. Erasures and people's requests do not wait for it."""
        while (shortage := await asyncio.to_thread(self.space.shortage)) and not self.app.should_stop:
            if not self._is_short:
                log.error("embed waits: too little free space, %s", shortage)
            self._is_short = True
            self.watchdog.progress()
            await asyncio.sleep(CHECK_EVERY_S)
        if self._is_short and shortage is None:
            log.warning("embed goes on: there is free space again")
            self._is_short = False

    async def _process(self, message: Message, source: str, work: Work, pool: Executor) -> GalleryRecord:
        """The event's record, made in a thread; waits while the media store is away, retries while a host is tried."""
        loop = asyncio.get_running_loop()
        delay = 0.5
        while True:
            try:
                return await loop.run_in_executor(pool, work, message, source)
            except SourceUnreachable as silent:
                if not self.circuits.failed(silent.host):
                    raise
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5)
            except (OSError, MediaStoreUnavailable) as failure:
                # Our own disk or store is full or away: waiting loses nothing; quarantine would get every event.
                why = failure.message if isinstance(failure, MediaStoreUnavailable) else type(failure).__name__
                log.error("embed waits: %s", why)
                self.watchdog.progress()
                await asyncio.sleep(STORAGE_WAIT_S)

    async def _refuse(self, message: Message, source: str, reason: RedthreadError) -> None:
        key, value, headers = quarantine.record(origin(message, source), reason, "embed")
        await send_sure(self._quarantine, key, value, headers)
        log.warning("%s/%s/%s: quarantined, %s", message.topic, message.partition, message.offset, reason.code)


def _key(record: GalleryRecord) -> str:
    origin_event = getattr(record, "origin", None)
    return getattr(record, "media_id", None) or (origin_event.event if origin_event is not None else "")
