"""The link worker: takes over the gallery log, and commits what each batch changes together with the cursor."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import takewhile
from typing import Any, Final, TypeVar

from confluent_kafka import KafkaException
from pydantic import ValidationError

from graph.actions.link import commit
from graph.actions.link.commit import AlreadyCommitted
from graph.actions.link.cursor import RecordId, calibration, mark_broken, raise_epoch, read_cursor
from graph.domain.errors import Fenced, LogGap, NotSameLog, Unprocessable
from graph.store.session import Store, StoreRefused
from streams import topics
from streams.gallery.calibration import Calibrations, calibration_of, from_text
from streams.gallery.load import load_gallery
from streams.gallery.state import Gallery
from streams.kafka.app import LINK_BATCH
from streams.kafka.gallery_topic import GalleryTopic, record_id
from streams.kafka.library_patches import fetch_in_bulk
from streams.link.apply import batch_of
from streams.link.batch import Batch
from streams.link.memberships import stored_memberships
from streams.link.model_switch import switch_model
from streams.link.register_score import adopt_score
from streams.link.scope_reduction import remove_incomparable_pairs
from streams.link.stored_media import stored_media
from streams.log_hold import LogHold
from streams.process import EXIT_ALARM, EXIT_FENCED, CrashPoint, Watchdog, describe_failure, end_process
from streams.records.gallery import TYPES, Decided, GalleryRecord, Migrated, ModelSwitched, SearchAsked
from streams.records.message import Message
from streams.retry import retried

log = logging.getLogger(__name__)

PACE_S: Final = 0.1
PACE_MAX_S: Final = 2.0
"""Between two transactions, PACE_S per record of the first, up to PACE_MAX_S: single pictures do not wait, and a stream
forms larger batches, since a transaction costs link and Neo4j ten times as much as one more record in it."""

GAP_S: Final = 2.0
"""Seconds without a record after which link compares the cursor's record with the log before it continues: the broker
may have been replaced, which takes longer than this."""

Record = tuple[int, GalleryRecord]
T = TypeVar("T")


@dataclass(eq=False)
class LinkWorker:
    """The only machine writer of links; it raises the epoch of `hold`."""

    store: Store
    hold: LogHold
    watchdog: Watchdog
    crash: CrashPoint
    chosen_model: str
    """The model of the settings; the register may hold another."""
    topic: GalleryTopic
    calibrations: Calibrations
    """Those of the settings; the register may be compared by another score."""
    embedded: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int], init=False)
    """By source topic and partition the number of events that embed has processed, as far as link has read."""
    _model_id: str = field(default="", init=False)
    _model_since: int = field(default=-1, init=False)
    _score_id: str | None = field(default=None, init=False)
    _assigned: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _gallery: Gallery = field(default_factory=Gallery, init=False)
    _offset: int = field(default=-1, init=False)
    _ids: dict[int, RecordId] = field(default_factory=dict[int, RecordId], init=False)
    _read_at: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._model_id = self.chosen_model

    @property
    def applied(self) -> int:
        """The number of records of the gallery log that the graph holds."""
        return self._offset + 1

    @property
    def done(self) -> dict[tuple[str, int], int]:
        """By topic and partition the number of records that are done: Kafka has the groups' offsets later."""
        return {**self.embedded, (topics.GALLERY, 0): self.applied}

    async def on_assigned(self, app: Any, assigned: set[Any], **_: Any) -> None:
        """Starts the takeover. A second assignment in the life of a process ends it."""
        if not any(tp.topic == topics.GALLERY for tp in assigned):
            return
        if self._assigned.is_set():
            end_process(EXIT_FENCED, "the log was assigned again: starting afresh is the only safe way")
        fetch_in_bulk(app)
        self._assigned.set()

    async def take_over(self) -> None:
        """Once the log is assigned, raises the epoch and loads the gallery."""
        await self._assigned.wait()
        log_id = await asyncio.to_thread(self.topic.log_id)
        cursor = await self._retried(lambda: raise_epoch(self.store, log_id, self.chosen_model))
        self.hold.epoch = cursor.epoch
        model_id = cursor.model_id or self.chosen_model
        await self._retried(lambda: adopt_score(self.store, cursor.epoch, cursor, model_id, self.calibrations))
        await self._load()
        self.hold.ready.set()
        message = "link holds epoch %s at offset %s with %s faces"
        log.warning(message, self.hold.epoch, self._offset, len(self._gallery.faces))
        if self._model_id != self.chosen_model:
            message = (
                "the register holds %s, the settings name %s: what is embedded with that one waits in quarantine until "
                "the settings or the register change (`redthread models`)"
            )
            log.warning(message, self._model_id, self.chosen_model)

    async def _load(self) -> None:
        cursor = await self._retried(lambda: read_cursor(self.store))
        self._model_id = cursor.model_id or self.chosen_model
        self._model_since = cursor.model_since
        self._score_id = cursor.score_id
        text = await self._retried(lambda: calibration(self.store))
        calibrations = self.calibrations if text is None else {self._model_id: from_text(text)}
        progress = self.watchdog.progress
        self._gallery = await self._retried(
            lambda: load_gallery(self.store, self._model_id, progress=progress, calibrations=calibrations)
        )
        self._offset = (await self._retried(lambda: read_cursor(self.store))).offset

    async def handle(self, messages: list[Message]) -> None:
        """Returns once the graph holds a batch of the log; ends the process if that is impossible."""
        await self.hold.ready.wait()
        try:
            await self._check_log(messages)
            records = self._new_records(messages)
            if records:
                started = time.monotonic()
                await self._apply(records)
                if len(messages) < LINK_BATCH:
                    pace = min(PACE_S * len(records), PACE_MAX_S)
                    await asyncio.sleep(max(0.0, pace - (time.monotonic() - started)))
            self._read_at = time.monotonic()
        except Fenced as reason:
            end_process(EXIT_FENCED, reason.message)
        except LogGap as reason:
            end_process(EXIT_ALARM, reason.message)
        except asyncio.CancelledError:
            raise
        except Exception as defect:  # noqa: BLE001
            # Any error that leaves the agent would acknowledge a batch that is not in the graph.
            log.error("link: unexpected %s", describe_failure(defect))
            end_process(EXIT_ALARM, f"an unexpected failure ({type(defect).__name__})")
        self.watchdog.progress()

    async def _check_log(self, messages: list[Message]) -> None:
        """Raises LogGap if the log is not the cursor's; checked after a pause and where the offsets do not continue.

        The graph stores NotSameLog, so that a log which grows past the cursor is not mistaken for the old one.
        """
        paused = time.monotonic() - self._read_at > GAP_S
        if not paused and messages[0].offset == self._offset + 1:
            return
        cursor = await self._retried(lambda: read_cursor(self.store))
        try:
            await retried(
                lambda: asyncio.to_thread(self.topic.check, cursor),
                self.watchdog.progress,
                expected=(KafkaException, TimeoutError),
            )
        except NotSameLog as gap:
            await self._retried(partial(mark_broken, self.store, gap.message, now=datetime.now(UTC)))
            raise

    def _new_records(self, messages: list[Message]) -> list[Record]:
        found: list[Record] = []
        self._ids.clear()
        expected = self._offset + 1
        for message in messages:
            if message.offset < expected:
                continue
            if message.offset > expected:
                raise LogGap(f"the gallery log goes on at {message.offset}, the graph stands at {expected - 1}")
            record = parse(message)
            found.append((message.offset, record))
            self._ids[message.offset] = record_id(message)
            if not isinstance(record, Decided | Migrated | SearchAsked):
                place = record.origin.topic, record.origin.partition
                self.embedded[place] = max(self.embedded.get(place, 0), record.origin.offset + 1)
            expected += 1
        return found

    async def _apply(self, records: list[Record]) -> None:
        while records:
            offset, first = records[0]
            if isinstance(first, ModelSwitched):
                await self._switch(offset, first)
                records = records[1:]
                continue
            alike = [*takewhile(lambda record: not isinstance(record[1], ModelSwitched), records)]
            contents = [record for _, record in alike]
            memberships = await self._retried(partial(stored_memberships, self.store, self._gallery, contents))
            stored = await self._retried(partial(stored_media, self.store, self._gallery, contents))
            progress = self.watchdog.progress
            batch = await asyncio.to_thread(
                batch_of, self._gallery, self._model_id, alike, progress, memberships, stored
            )
            try:
                await self._write(batch)
            except StoreRefused as refused:
                if batch.applied > 1:
                    for record in records[: batch.applied]:
                        await self._apply([record])
                else:
                    await self._set_aside(records[0], refused)
            self.crash.reach("link-after-commit")
            records = records[batch.applied :]

    async def _write(self, batch: Batch) -> None:
        """Commits a batch and merges it into the gallery."""
        await self._retried(lambda: remove_incomparable_pairs(self.store, batch))
        self.crash.reach("link-before-commit")
        if await self._commit(batch):
            self._gallery.merge(batch.staged)
            self._offset = batch.changes.last
        else:
            await self._load()
        self.hold.committed.set()

    async def _switch(self, offset: int, record: ModelSwitched) -> None:
        """Switches the register to another model or score; a replayed record changes nothing."""
        text, model_id = record.calibration, record.model_id
        to = calibration_of(self.calibrations, model_id) if text is None else from_text(text)
        if (model_id, to.score_id) == (self._model_id, self._score_id) or offset <= self._model_since:
            await self._write(Batch(self._gallery, self._model_id, offset=offset))
            return
        log.warning("link changes the register to %s, compared by %s, at record %s", model_id, to.score_id, offset)
        self._gallery = Gallery()  # two galleries would need twice the memory; a failure from here on ends the process

        async def write(batch: Batch, ends: bool) -> None:
            await self._commit(batch, ends=ends)
            self.crash.reach("link-in-switch" if batch.changes.links else "link-in-regrouping")

        self._gallery = await self._retried(lambda: switch_model(self.store, to, offset, write, self.watchdog.progress))
        self._model_id, self._score_id, self._model_since, self._offset = model_id, to.score_id, offset, offset
        self.hold.committed.set()

    async def _commit(self, batch: Batch, *, ends: bool = True) -> bool:
        """True if this call committed the batch, False if an earlier one had whose answer was lost."""

        def between() -> None:
            self.watchdog.progress()
            self.crash.reach("link-between-parts")

        async def once() -> bool:
            try:
                await commit.commit(
                    self.store,
                    self.hold.epoch,
                    batch.changes,
                    record=self._ids[batch.changes.last],
                    known_offset=self._offset,
                    now=datetime.now(UTC),
                    between=between,
                    ends=ends,
                )
            except AlreadyCommitted:
                return False
            return True

        return await self._retried(once)

    async def _set_aside(self, record: Record, refused: StoreRefused) -> None:
        """Moves the cursor over a record that the graph refuses, and quarantines its source event."""
        offset, content = record
        batch = Batch(self._gallery, self._model_id, offset=offset)
        reason = Unprocessable(f"the graph refused the record: {refused.message}", code="refused_by_graph")
        if isinstance(content, SearchAsked):
            batch.answers.refuse(content.search_id, reason.message)
        elif isinstance(content, Decided | Migrated):  # the graph holds the act itself, and embeddings can be repeated
            log.error("link: the graph refused the consequences of record %s: %s", offset, refused.message)
        else:
            batch.quarantine(content.origin, reason)
        await self._write(batch)

    async def _retried(self, work: Callable[[], Awaitable[T]]) -> T:
        return await retried(work, self.watchdog.progress)


def parse(message: Message) -> GalleryRecord:
    """The record of the gallery log. Raises LogGap if it cannot be read: link must not skip it."""
    kind = message.header("ce_type")
    model = TYPES.get(kind)
    if model is None:
        raise LogGap(f"the gallery log's record {message.offset} is of an unknown type or a newer version")
    try:
        return model.model_validate_json(message.value or b"")
    except ValidationError:
        raise LogGap(f"the gallery log's record {message.offset} can't be read") from None
