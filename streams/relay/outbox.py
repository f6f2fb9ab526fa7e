"""Publishes the graph's outbox to Kafka, in order."""

import asyncio
import json
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import InitVar, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from graph.actions.events import Event
from graph.actions.link import outbox
from graph.actions.link.outbox import OutboxRow
from graph.actions.operate import quarantine as actions
from graph.domain.errors import MediaStoreUnavailable, NotFound, Unprocessable
from graph.files import MediaStore
from graph.store.session import Store
from streams import topics
from streams.kafka.app import raw_topic
from streams.kafka.sending import send_sure
from streams.log_hold import LogHold
from streams.process import EXIT_FENCED, CrashPoint, Watchdog, end_process
from streams.relay.outgoing import in_sending_order, outgoing, topic_of_source
from streams.retry import retried

log = logging.getLogger(__name__)

BATCH: Final = 500
IDLE_S: Final = 0.5
"""Until the outbox is read again for rows of other processes; commits of this process are signalled."""


@dataclass(slots=True)
class OutboxPublisher:
    """Publishes only while this process holds the current epoch; a crash repeats records and skips none."""

    app: Any
    store: Store
    files: MediaStore
    hold: LogHold
    watchdog: Watchdog
    crash: CrashPoint
    sources: InitVar[Iterable[str]]
    known: set[str] = field(init=False)
    """The topics of the sources."""
    _reported: set[str] = field(default_factory=set[str], init=False)
    _deletions_wait: bool = field(default=False, init=False)
    _topics: dict[str, Any] = field(default_factory=dict[str, Any], init=False)

    def __post_init__(self, sources: Iterable[str]) -> None:
        self.known = {topic.name for topic in topics.table(sources)}

    async def publish_for_ever(self) -> None:
        """Empties the outbox whenever it holds rows."""
        await self.hold.ready.wait()
        # All withheld rows of a source, before any younger row of it: else their order would be lost.
        await retried(lambda: outbox.put_back(self.store, sorted(self.known)), self.watchdog.progress, defects=True)
        while True:
            self.hold.committed.clear()  # before reading: rows committed after it must not wait
            if await retried(self._publish, self.watchdog.progress, defects=True) < BATCH:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.hold.committed.wait(), IDLE_S)

    async def _publish(self) -> int:
        epoch, rows = await outbox.pending(self.store, BATCH)
        if epoch != self.hold.epoch:
            end_process(EXIT_FENCED, "another link process has taken the gallery log over")
        if await self._waits_for_store(rows):
            # Other rows are published: a late deletion spares files that are needed again.
            _, rows = await outbox.pending(self.store, BATCH, without=[outbox.DELETE])
        if not rows:
            return 0
        withheld = {row.seq: topic for row in rows if (topic := topic_of_source(row)) and topic not in self.known}
        self._report(withheld.values())
        sendable = [row for row in rows if row.seq not in withheld]
        refused = await asyncio.gather(*(self._send_all(in_order) for in_order in in_sending_order(sendable)))
        for row in (row for of_key in refused for row in of_key):
            await self._send(row, alone=True)
        self.crash.reach("relay-after-send")
        await outbox.published(self.store, sendable, withheld=withheld, now=datetime.now(UTC))
        return len(rows)

    async def _waits_for_store(self, rows: Sequence[OutboxRow]) -> bool:
        """Whether rows delete stored files while the media store is away, which is logged once."""
        waits = any(row.kind == outbox.DELETE for row in rows) and not await asyncio.to_thread(self.files.is_there)
        if waits and not self._deletions_wait:
            log.error("the media store is away: deletions wait until it is back")
        self._deletions_wait = waits
        return waits

    def _report(self, names: Iterable[str]) -> None:
        for name in sorted(set(names) - self._reported):
            self._reported.add(name)
            log.error("ALARM records for %s wait: its source is not in REDTHREAD_SOURCES", name)

    async def _send_all(self, rows: Sequence[OutboxRow]) -> list[OutboxRow]:
        """The refused rows; they may have been too large only together with other rows of their batch."""
        return [row for row in rows if not await self._send(row)]

    async def _send(self, row: OutboxRow, *, alone: bool = False) -> bool:
        """Whether the row is done; one that Kafka refuses `alone` is logged and done as well."""
        if row.kind == outbox.DELETE:
            await self._delete(row.key)
            return True
        body = json.loads(row.body)
        crops = body.get("unless_stored")
        if crops and await asyncio.to_thread(self._are_stored, crops):
            return True
        record = outgoing(row, body)
        try:
            await send_sure(self._topic(record.topic), record.key, record.value, record.headers)
        except Unprocessable as reason:
            if not alone:
                return False
            log.error("outbox %s (%s) is not taken: %s", row.seq, row.kind, reason.message)
            # Only a replay can be too large: its topic may accept less than it did when the event was submitted.
            if row.kind == "replay":
                event = Event.of(body["event"], body.get("ce_id") or "", body["submitted_at"])
                await actions.refuse_replay(self.store, event, reason, now=datetime.now(UTC))
        return True

    def _are_stored(self, crops: Sequence[str]) -> bool:
        """Whether all of these crops are stored; False also where that is unknown. Earlier deletions are done."""
        try:
            return bool([self.files.read_crop(crop) for crop in crops])
        except (NotFound, MediaStoreUnavailable):
            return False

    async def _delete(self, name: str) -> None:
        """Deletes the files of an erased media or face, unless it is in the graph again."""
        media_id, _, face_id = name.partition("/")
        if await outbox.is_in_graph(self.store, media_id, face_id):
            return
        if face_id:
            await asyncio.to_thread(self.files.delete_face, media_id, face_id)
        else:
            await asyncio.to_thread(self.files.delete_media, media_id)

    def _topic(self, name: str) -> Any:
        if name not in self._topics:
            self._topics[name] = raw_topic(self.app, name)
        return self._topics[name]
