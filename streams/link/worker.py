"""The link worker: takes the gallery log over, compares, and commits each batch with the cursor."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from itertools import takewhile
from typing import Any, Final, TypeVar

from confluent_kafka import KafkaException
from pydantic import ValidationError
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_fixed

from graph.actions.link import commit
from graph.actions.link.commit import AlreadyCommitted
from graph.actions.link.cursor import RecordId, calibration, mark_broken, raise_epoch, read_cursor
from graph.domain.errors import Fenced, LogGap, NotSameLog, StoreUnavailable, Unprocessable
from graph.store.session import Store, StoreRefused
from streams import topics
from streams.gallery.calibration import Calibrations, calibration_of, from_text
from streams.gallery.load import load_gallery
from streams.gallery.state import Gallery
from streams.kafka.app import LINK_BATCH
from streams.kafka.gallery_topic import GalleryTopic, record_id
from streams.kafka.library_patches import fetch_in_bulk
from streams.link import rows
from streams.link.apply import batch_of
from streams.link.batch import Batch, MembershipKey
from streams.link.memberships import StoredMembership, stored_memberships
from streams.link.recompare import empty_batch
from streams.link.register_score import adopt_score
from streams.link.scope_reduction import remove_incomparable_pairs
from streams.link.switch import switch_model
from streams.log_hold import LogHold
from streams.process import EXIT_ALARM, EXIT_FENCED, CrashPoint, Watchdog, describe_failure, end_process
from streams.records.gallery import TYPES, Decided, GalleryRecord, Migrated, ModelSwitched, SearchAsked
from streams.records.message import Message

log = logging.getLogger(__name__)

RETRY_S: Final = 1.0
PACE_S: Final = 0.1
PACE_MAX_S: Final = 2.0
"""From one transaction to the next at least PACE_S for each record of the first, PACE_MAX_S at the most: who sends one
picture after the other waits for nothing, a stream of them comes to ever larger batches, because a transaction costs
link and Neo4j ten times what one more record in it does."""

GAP_S: Final = 2.0
"""Seconds without a record after which the log may be another one: a broker needs longer to come back. Then link
compares the cursor's record with the log before it goes on."""

Record = tuple[int, GalleryRecord]
T = TypeVar("T")


class LinkWorker:
    """The only machine writer of links, and what raises the epoch of `hold`."""

    def __init__(
        self,
        store: Store,
        hold: LogHold,
        watchdog: Watchdog,
        crash: CrashPoint,
        *,
        model_id: str,
        log: GalleryTopic,
        calibrations: Calibrations,
    ) -> None:
        self._store = store
        self._hold = hold
        self._watchdog = watchdog
        self._crash = crash
        self._chosen_model = model_id
        self._model_id = model_id
        self._model_since = -1
        self._log = log
        self._settings = calibrations
        self._calibrations = calibrations
        self._score_id: str | None = None
        self._assigned = asyncio.Event()
        self._gallery = Gallery()
        self._offset = -1
        self._ids: dict[int, RecordId] = {}
        self._read_at = 0.0

    @property
    def applied(self) -> int:
        """Records of the gallery log that stand in the graph, from the log's first."""
        return self._offset + 1

    async def on_assigned(self, app: Any, assigned: set[Any], **_: Any) -> None:
        """Lets the takeover begin. A further assignment in the life of a process ends it."""
        if not any(tp.topic == topics.GALLERY for tp in assigned):
            return
        if self._assigned.is_set():
            end_process(EXIT_FENCED, "the log was assigned again: starting afresh is the only safe way")
        fetch_in_bulk(app)
        self._assigned.set()

    async def take_over(self) -> None:
        """Runs for the worker's life: on the assignment raises the epoch and loads the gallery."""
        await self._assigned.wait()
        log_id = await asyncio.to_thread(self._log.log_id)
        cursor = await self._patiently(lambda: raise_epoch(self._store, log_id, self._chosen_model))
        self._hold.epoch = cursor.epoch
        model_id = cursor.model_id or self._chosen_model
        await self._patiently(lambda: adopt_score(self._store, self._hold.epoch, cursor, model_id, self._settings))
        await self._load()
        self._hold.ready.set()
        log.warning(
            "link holds epoch %s at offset %s with %s faces", self._hold.epoch, self._offset, len(self._gallery.faces)
        )
        if self._model_id != self._chosen_model:
            log.warning(
                "the register holds %s, the settings name %s: what is embedded with that one waits in quarantine until "
                "the settings or the register change (`redthread models`)", self._model_id, self._chosen_model
            )  # fmt: skip

    async def _load(self) -> None:
        cursor = await self._patiently(lambda: read_cursor(self._store))
        self._model_id = cursor.model_id or self._chosen_model
        self._model_since = cursor.model_since
        self._score_id = cursor.score_id
        text = await self._patiently(lambda: calibration(self._store))
        self._calibrations = self._settings if text is None else {self._model_id: from_text(text)}
        self._gallery = await self._patiently(
            lambda: load_gallery(
                self._store, self._model_id, progress=self._watchdog.progress, calibrations=self._calibrations
            )
        )
        self._offset = (await self._patiently(lambda: read_cursor(self._store))).offset

    async def handle(self, messages: list[Message]) -> None:
        """Commits a batch of the log; returns only when it stands in the graph, ends the process where it can't."""
        await self._hold.ready.wait()
        try:
            await self._check_log(messages)
            records = self._new_records(messages)
            if records:
                started = time.monotonic()
                await self._commit(records)
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
            # Whatever it is: an error that leaves the agent would acknowledge a batch that is not in the graph.
            log.error("link: unexpected %s", describe_failure(defect))
            end_process(EXIT_ALARM, f"an unexpected failure ({type(defect).__name__})")
        self._watchdog.progress()

    async def _check_log(self, messages: list[Message]) -> None:
        """Compares the log with the cursor after a gap, and where it begins again: LogGap where it is not the same.

        What is wrong stays known in the graph, so that a log which grows past the cursor is not taken for the old one.
        """
        waited = time.monotonic() - self._read_at > GAP_S
        if not waited and messages[0].offset == self._offset + 1:
            return
        cursor = await self._patiently(lambda: read_cursor(self._store))
        while True:
            try:
                await asyncio.to_thread(self._log.check, cursor)
                return
            except (KafkaException, TimeoutError) as away:
                log.warning("link waits for Kafka: %s", type(away).__name__)
                self._watchdog.progress()
                await asyncio.sleep(RETRY_S)
            except NotSameLog as gap:
                await self._patiently(partial(mark_broken, self._store, gap.message, now=datetime.now(UTC)))
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
            found.append((message.offset, parse(message)))
            self._ids[message.offset] = record_id(message)
            expected += 1
        return found

    async def _commit(self, records: list[Record]) -> None:
        while records:
            offset, first = records[0]
            if isinstance(first, ModelSwitched):
                await self._switch(offset, first)
                records = records[1:]
                continue
            alike = [*takewhile(lambda record: not isinstance(record[1], ModelSwitched), records)]
            memberships = await self._memberships(alike)
            batch = await asyncio.to_thread(
                batch_of, self._gallery, self._model_id, alike, self._watchdog.progress, memberships
            )
            try:
                await self._write(batch)
            except StoreRefused as refused:
                if batch.applied > 1:
                    for record in records[: batch.applied]:
                        await self._commit([record])
                else:
                    await self._set_aside(records[0], refused)
            self._crash.reach("link-after-commit")
            records = records[batch.applied :]

    async def _memberships(self, records: list[Record]) -> dict[MembershipKey, StoredMembership]:
        read = partial(stored_memberships, self._store, self._gallery, [record for _, record in records])
        return await self._patiently(read)

    async def _write(self, batch: Batch) -> None:
        await self._patiently(lambda: remove_incomparable_pairs(self._store, batch))
        self._crash.reach("link-before-commit")
        if await self._written(batch):
            self._gallery.merge(batch.staged)
            self._offset = batch.changes.last
        else:
            await self._load()
        self._hold.committed.set()

    async def _switch(self, offset: int, record: ModelSwitched) -> None:
        """Changes the register to another model or score; a record that was followed before changes nothing."""
        text, model_id = record.calibration, record.model_id
        calibration = calibration_of(self._settings, model_id) if text is None else from_text(text)
        score_id = calibration.score_id
        if (model_id, score_id) == (self._model_id, self._score_id) or offset <= self._model_since:
            await self._write(empty_batch(self._gallery, self._model_id, offset))
            return
        log.warning("link changes the register to %s, compared by %s, at record %s", model_id, score_id, offset)
        self._gallery = Gallery()  # both at once would need twice the memory; what fails now ends the process

        async def write(batch: Batch, ends: bool) -> None:
            await self._written(batch, ends=ends)
            self._crash.reach("link-in-switch" if batch.changes.links else "link-in-regrouping")

        self._gallery = await self._patiently(
            lambda: switch_model(self._store, calibration, offset, write, self._watchdog.progress)
        )
        self._model_id, self._score_id, self._model_since, self._offset = model_id, score_id, offset, offset
        self._calibrations = {model_id: calibration}
        self._hold.committed.set()

    async def _written(self, batch: Batch, *, ends: bool = True) -> bool:
        """True where this call committed the batch, False where an earlier call had, unknown to us."""

        def between() -> None:
            self._watchdog.progress()
            self._crash.reach("link-between-parts")

        async def once() -> bool:
            try:
                await commit.commit(
                    self._store,
                    self._hold.epoch,
                    batch.changes,
                    record=self._ids[batch.changes.last],
                    stands_at=self._offset,
                    now=datetime.now(UTC),
                    between=between,
                    ends=ends,
                )
            except AlreadyCommitted:
                return False
            return True

        return await self._patiently(once)

    async def _set_aside(self, record: Record, refused: StoreRefused) -> None:
        """Moves the cursor over a record that the graph refuses; it waits in quarantine as its source event."""
        offset, content = record
        batch = empty_batch(self._gallery, self._model_id, offset)
        reason = Unprocessable(f"the graph refused the record: {refused.message}", code="refused_by_graph")
        if isinstance(content, SearchAsked):
            batch.answers.refuse(content.search_id, reason.message)
        elif isinstance(content, Decided | Migrated):  # an act stands in the graph already, what lacks can be made anew
            log.error("link: the graph refused what follows of record %s: %s", offset, refused.message)
        else:
            batch.changes.quarantined.append(rows.quarantined(content.origin, reason))
        await self._write(batch)

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` returns, tried for as long as Neo4j is away: waiting is right, giving up loses the batch."""

        async def once() -> T:
            return await work()

        return await AsyncRetrying(
            retry=retry_if_exception_type(StoreUnavailable), wait=wait_fixed(RETRY_S), before_sleep=self._say
        )(once)

    def _say(self, state: RetryCallState) -> None:
        log.warning("link waits: %s", state.outcome.exception() if state.outcome else "")
        self._watchdog.progress()


def parse(message: Message) -> GalleryRecord:
    """A record of the gallery log. LogGap where it can't be read: then link must not go on over it."""
    kind = message.header("ce_type")
    model = TYPES.get(kind)
    if model is None:
        raise LogGap(f"the gallery log's record {message.offset} is of an unknown type or a newer version")
    try:
        return model.model_validate_json(message.value or b"")
    except ValidationError:
        raise LogGap(f"the gallery log's record {message.offset} can't be read") from None
