"""The relay: publishes the graph's outbox in order and indexes the quarantine, in link's process."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from graph.actions.events import Event
from graph.actions.link import outbox
from graph.actions.link.outbox import OutboxRow
from graph.actions.operate import quarantine as actions
from graph.domain.errors import (
    MediaStoreUnavailable,
    NotFound,
    OtherModel,
    RedthreadError,
    StoreUnavailable,
    Unprocessable,
)
from graph.domain.ids import digest
from graph.files import MediaStore
from graph.store.session import Row, Store
from streams import topics
from streams.kafka.sending import Headers, headers_of, send_sure
from streams.log_hold import LogHold
from streams.process import EXIT_FENCED, CrashPoint, Watchdog, describe_failure, end_process
from streams.records import quarantine
from streams.records.gallery import SourceEvent
from streams.records.incoming import CE_MARK, CE_MEDIA, CE_PROBE
from streams.records.message import Message, sources_by_topic
from streams.records.reading import from_base64

log = logging.getLogger(__name__)

BATCH: Final = 500
IDLE_S: Final = 0.5
"""Until the outbox is looked at again for what another process has put there; of this one's own writes it is told."""
REPLAY_EVERY_S: Final = 5.0

TO_GALLERY: Final = frozenset({"search", "search_ended", "victims", "pairs", "label", "erasure", "model"})

CE_NOTICE: Final = "redthread.notice.v1"
CE_SEARCH: Final = "redthread.gallery.search.v1"
CE_SEARCH_ENDED: Final = "redthread.gallery.search-ended.v1"
CE_VICTIMS: Final = "redthread.gallery.victims.v1"
CE_ROOT: Final = "redthread.audit.root.v1"
CE_ERASED: Final = "redthread.gallery.erasure.v1"
CE_PAIRS: Final = "redthread.gallery.pairs.v1"
CE_LABEL: Final = "redthread.gallery.label.v1"
CE_MODEL: Final = "redthread.gallery.model.v1"


class Relay:
    """Publishes only while this process holds the current epoch; a crash repeats records and skips none."""

    def __init__(
        self,
        app: Any,
        store: Store,
        files: MediaStore,
        hold: LogHold,
        watchdog: Watchdog,
        crash: CrashPoint,
        *,
        sources: Iterable[str],
        first_try_s: float,
    ) -> None:
        self._app = app
        self._store = store
        self._files = files
        self._hold = hold
        sources = list(sources)
        self._owner = sources_by_topic({source: () for source in sources})
        self._known = {topic.name for topic in topics.table(sources)}
        self._told_of: set[str] = set()
        self._deletions_wait = False
        self._watchdog = watchdog
        self._crash = crash
        self._first_try_s = first_try_s
        self._topics: dict[str, Any] = {}

    async def publish_for_ever(self) -> None:
        """Empties the outbox whenever something stands in it."""
        await self._hold.ready.wait()
        # Before anything younger of the same source: all of it, else its order would be lost.
        await self._guarded(lambda: outbox.put_back(self._store, sorted(self._known)), until_done=True)
        while True:
            self._hold.committed.clear()  # before the look: what is committed after it must not wait
            if await self._guarded(self._publish) < BATCH:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._hold.committed.wait(), IDLE_S)

    async def replay_for_ever(self) -> None:
        """Replays what waits for a host that may answer again."""
        await self._hold.ready.wait()
        while True:
            await self._guarded(
                lambda: actions.replay_due(self._store, now=datetime.now(UTC), test_s=self._first_try_s)
            )
            await asyncio.sleep(min(REPLAY_EVERY_S, self._first_try_s))

    async def index(self, messages: list[Message]) -> None:
        """Makes a batch of quarantine records known; never raises, never gives up."""
        rows = [self._row(message) for message in messages]
        await self._guarded(
            lambda: actions.index(self._store, rows, now=datetime.now(UTC), first_try_s=self._first_try_s),
            until_done=True,
        )
        self._hold.committed.set()
        self._watchdog.progress()

    async def _guarded(self, work: Callable[[], Awaitable[Any]], *, until_done: bool = False) -> int:
        while True:
            try:
                return await work() or 0
            except asyncio.CancelledError:
                raise
            except StoreUnavailable as away:
                log.warning("relay waits: %s", away.message)
                self._watchdog.progress()
            except Exception as defect:  # noqa: BLE001
                # Whatever it is: an error that leaves here would end the relay, and nobody would be told anything.
                log.error("relay: unexpected, trying again: %s", describe_failure(defect))
            await asyncio.sleep(1)
            if not until_done:
                return 0

    async def _publish(self) -> int:
        epoch, rows = await outbox.pending(self._store, BATCH)
        if epoch != self._hold.epoch:
            end_process(EXIT_FENCED, "another link process has taken the gallery log over")
        if await self._waits_for_store(rows):
            # All else goes on: a deletion that comes later spares what came back since.
            _, rows = await outbox.pending(self._store, BATCH, without=[outbox.DELETE])
        if not rows:
            return 0
        nowhere = {row.seq: topic for row in rows if (topic := topic_of_source(row)) and topic not in self._known}
        self._say(nowhere.values())
        sendable = [row for row in rows if row.seq not in nowhere]
        refused = await asyncio.gather(*(self._send_all(in_order) for in_order in side_by_side(sendable)))
        for row in (row for of_key in refused for row in of_key):
            await self._send(row, alone=True)
        self._crash.reach("relay-after-send")
        await outbox.published(self._store, sendable, withheld=nowhere, now=datetime.now(UTC))
        return len(rows)

    async def _waits_for_store(self, rows: Sequence[OutboxRow]) -> bool:
        """Whether some of the rows delete stored files, and the media store is away; that is said once."""
        waits = any(row.kind == outbox.DELETE for row in rows) and not await asyncio.to_thread(self._files.is_there)
        if waits and not self._deletions_wait:
            log.error("the media store is away: deletions wait until it is back")
        self._deletions_wait = waits
        return waits

    def _say(self, names: Iterable[str]) -> None:
        for name in sorted(set(names) - self._told_of):
            self._told_of.add(name)
            log.error("ALARM records for %s wait: its source is not in REDTHREAD_SOURCES", name)

    async def _send_all(self, rows: Sequence[OutboxRow]) -> list[OutboxRow]:
        """The rows that were refused; they may have been too large only together with others of their batch."""
        return [row for row in rows if not await self._send(row)]

    async def _send(self, row: OutboxRow, *, alone: bool = False) -> bool:
        """Whether the row is done; one that is refused `alone` is told and done as well."""
        if row.kind == outbox.DELETE:
            await self._delete(row.key)
            return True
        body = json.loads(row.body)
        crops = body.get("unless_stored")
        if crops and await asyncio.to_thread(self._are_stored, crops):
            return True
        topic, key, value, headers = outgoing(row.kind, row.key, row.source, body)
        try:
            await send_sure(self._topic(topic), key, value, headers)
        except Unprocessable as reason:
            if not alone:
                return False
            log.error("outbox %s (%s) is not taken: %s", row.seq, row.kind, reason.message)
            # Of all kinds only a replay can be too large: its topic may take less than it did when the event came.
            if row.kind == "replay":
                event = Event.of(body["event"], body.get("ce_id") or "", body["submitted_at"])
                await actions.refuse_replay(self._store, event, reason, now=datetime.now(UTC))
        return True

    def _are_stored(self, crops: Sequence[str]) -> bool:
        """Whether all of these crops are stored, as far as can be told: deletions that were due before are done."""
        try:
            return bool([self._files.read_crop(crop) for crop in crops])
        except (NotFound, MediaStoreUnavailable):
            return False

    async def _delete(self, name: str) -> None:
        """Deletes stored files of what an erasure took, unless it came back into the graph since."""
        media_id, _, face_id = name.partition("/")
        if await outbox.is_in_graph(self._store, media_id, face_id):
            return
        if face_id:
            await asyncio.to_thread(self._files.delete_face, media_id, face_id)
        else:
            await asyncio.to_thread(self._files.delete_media, media_id)

    def _row(self, message: Message) -> Row:
        """The row of a quarantine record; one that somebody else put there tells no source and can't be replayed."""
        row = quarantine.read(message.key, message.value, [(name, value or b"") for name, value in message.headers])
        if row["topic"] == topics.PROBES:
            row["source"] = ""
            row["asked"] = (message.key or b"").decode("utf-8", "replace")
        elif self._owner.get(str(row["topic"])) != row["source"]:
            row["source"] = ""
            row["truncated"] = True
        return row

    def _topic(self, name: str) -> Any:
        if name not in self._topics:
            self._topics[name] = self._app.topic(name, value_serializer="raw", key_serializer="raw")
        return self._topics[name]


def side_by_side(rows: Sequence[OutboxRow]) -> list[list[OutboxRow]]:
    """Rows of the outbox in groups that may be sent at once; those of one group are sent one after the other.

    Sends that begin together may end in any order: so a group is one key's rows, or all that go into the gallery log,
    which is one total order.
    """
    groups: defaultdict[str, list[OutboxRow]] = defaultdict(list)
    for row in rows:
        groups["" if row.kind in TO_GALLERY else f"{row.source} {row.key}"].append(row)
    return list(groups.values())


def topic_of_source(row: OutboxRow) -> str | None:
    """The topic of one source that a row of the outbox goes to; None for what goes to no source's topic."""
    match row.kind:
        case "notice":
            return topics.notices(row.source)
        case "media":
            return topics.media_submitted(row.source)
        case "replay":
            return json.loads(row.body)["topic"]
        case _:
            return None


def outgoing(kind: str, key: str, source: str, body: dict[str, Any]) -> tuple[str, bytes | None, bytes | None, Headers]:
    """Topic, key, value and headers of an outbox row."""
    value = json.dumps(body, separators=(",", ":")).encode()
    match kind:
        case "notice":
            return topics.notices(source), key.encode(), value, headers_of(CE_NOTICE, key, str(body["notice_id"]))
        case "search":
            return topics.GALLERY, key.encode(), value, headers_of(CE_SEARCH, key, key)
        case "search_ended":
            return topics.GALLERY, key.encode(), value, headers_of(CE_SEARCH_ENDED, key, f"{key}-ended")
        case "victims":
            return topics.GALLERY, key.encode(), value, headers_of(CE_VICTIMS, key, digest(key, value))
        case "pairs":
            return topics.GALLERY, key.encode(), value, headers_of(CE_PAIRS, key, digest(key, value))
        case "probe":
            return topics.PROBES, key.encode(), value, headers_of(CE_PROBE, key, key)
        case "mark":
            return topics.PROBES, key.encode(), value, headers_of(CE_MARK, key, key)
        case "root":
            return topics.AUDIT_ROOTS, key.encode(), value, headers_of(CE_ROOT, key, key)
        case "media":
            return topics.media_submitted(source), key.encode(), value, headers_of(CE_MEDIA, key, str(body["ce_id"]))
        case "label":
            return topics.GALLERY, key.encode(), value, headers_of(CE_LABEL, key, str(body["act_id"]))
        case "model":
            return topics.GALLERY, key.encode(), value, headers_of(CE_MODEL, key, digest(key, value))
        case "erasure":
            # It takes what was submitted until it is in the log, by the clock that stands nearest to that. One that a
            # restore repeats keeps its time: what was submitted since then came on purpose.
            origin = body["origin"]
            if not body.pop("as_asked", False):
                origin = {**origin, "submitted_at": max(origin["submitted_at"], time.time_ns() // 1_000_000)}
            value = json.dumps({**body, "origin": origin}, separators=(",", ":")).encode()
            return topics.GALLERY, key.encode(), value, headers_of(CE_ERASED, key, str(origin["event"]))
        case "quarantine":
            facts = {name: body[name] for name in SourceEvent.model_fields}
            reason = RedthreadError(body["reason"], code=body["code"])
            if "host" in body:
                reason = OtherModel(body["reason"], host=body["host"])
            return (topics.QUARANTINE, *quarantine.record(SourceEvent(**facts), reason, body["stage"]))
        case "replay":
            headers: Headers = [(name, from_base64(text) or b"") for name, text in body["headers"]]
            ours = {quarantine.EVENT: body["event"], quarantine.SUBMITTED_AT: str(body["submitted_at"]),
                    quarantine.ATTEMPTS: str(body["attempts"])}  # fmt: skip
            headers += [(name, text.encode()) for name, text in ours.items()]
            return body["topic"], from_base64(body["key"]), from_base64(body["value"]), headers
        case _:
            raise ValueError(f"unknown kind of outbox row: {kind}")
