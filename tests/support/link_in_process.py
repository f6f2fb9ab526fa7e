"""Link and its relay inside the test process: records become batches, and batches are committed to the real graph.

For tests of what records mean. The gallery log and the topics that the relay writes are lists, so no worker process
starts and no broker is needed. Crashes, replays by Kafka, fencing and poison records need processes: see
`tests.support.harness`.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from graph.actions.link.cursor import Cursor
from graph.files import MediaStore
from graph.store.session import Store
from streams import topics
from streams.faces.packs import chosen_model
from streams.gallery.calibration import load_calibrations
from streams.kafka.app import LINK_BATCH
from streams.kafka.sending import gallery_headers
from streams.link import worker as link_module
from streams.link.worker import LinkWorker
from streams.log_hold import LogHold
from streams.process import CrashPoint, Watchdog
from streams.records.gallery import FacesEmbedded, GalleryRecord
from streams.records.message import Message
from streams.relay import outbox as relay_module
from streams.relay.outbox import OutboxPublisher
from streams.relay.quarantine import QuarantineIndex
from tests.support.graph_contents import GraphContents
from tests.support.harness import new_store, until

LOG_ID = "a log in memory"


class LinkEnded(AssertionError):
    """The link process would have ended with this exit code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"link ended with {code}: {reason}")
        self.code = code
        self.reason = reason


class LinkInProcess(GraphContents):
    """One installation without processes; `topics` holds the records of every topic by its name.

    `linked` starts link on the first call; `restart` replaces it by a new one that loads the gallery from the graph.
    """

    def __init__(
        self, store: Store, data: Path, *, model_pack: Path | None, calibration: Path | None, first_try_s: float
    ) -> None:
        self.store = store
        self.data = data
        self.files = MediaStore((data / "store").as_uri())
        self.topics: defaultdict[str, list[Message]] = defaultdict(list)
        self.model_pack = model_pack
        self._calibration = calibration
        self._first_try_s = first_try_s
        self._loop = asyncio.get_running_loop()
        self._tasks: list[asyncio.Task[None]] = []
        self._log_grew, self._quarantine_grew = asyncio.Event(), asyncio.Event()
        self._indexed = 0
        self._hold = LogHold()
        self._link: LinkWorker | None = None

    # --- the gallery log, as link sees it ---

    def log_id(self) -> str:
        return LOG_ID

    def check(self, cursor: Cursor) -> None:
        """The log in memory is always the one that the graph was written from."""

    # --- topics ---

    def write(self, records: Iterable[GalleryRecord] | FacesEmbedded) -> int:
        """Appends records, or one record, to the gallery log as embed does; returns the offset of the last one."""
        offset = -1
        for record in [records] if isinstance(records, FacesEmbedded) else records:
            key = str(getattr(record, "media_id", "") or getattr(record, "search_id", "") or "key")
            value = record.model_dump_json().encode()
            offset = self.append(topics.GALLERY, key.encode(), value, gallery_headers(record, key))
        return offset

    def append(self, topic: str, key: bytes | None, value: bytes | None, headers: Any) -> int:
        """Appends one record to a topic; returns its offset."""
        records = self.topics[topic]
        records.append(Message(topic, 0, len(records), key, value, list(headers), 0))
        for grew in (self._log_grew, self._quarantine_grew):
            self._loop.call_soon_threadsafe(grew.set)  # model migration appends from a thread
        return len(records) - 1

    def read(self, topic: str) -> list[Message]:
        return list(self.topics[topic])

    def notices(self, source: str = "local") -> list[dict[str, Any]]:
        return [json.loads(message.value or b"null") for message in self.topics[topics.notices(source)]]

    def topic(self, name: str, **_: Any) -> _Topic:
        """What the relay sends to: a topic of its Faust app."""
        return _Topic(self, name)

    # --- link ---

    async def linked(self) -> None:
        """Returns when link has committed every record of the log and the relay has published every outbox row."""
        if self._link is None:
            await self.restart()
        link = self._link
        assert link is not None

        async def settled() -> bool:
            for task in self._tasks:
                if task.done():
                    task.result()
            # The log first: a batch that ends between the two reads has its outbox rows by then.
            if link.applied < len(self.topics[topics.GALLERY]) or self._indexed < len(self.topics[topics.QUARANTINE]):
                return False
            (row,) = await self.rows("RETURN COUNT { MATCH (:Outbox) } AS waiting")
            return row["waiting"] == 0

        self._hold.committed.set()
        await until(settled, "link has committed all records and the relay has published all rows")

    async def restart(self, *, model_pack: Path | None = None, sources: Sequence[str] = ("local",)) -> None:
        """Starts link and its relay as a new process does; one that runs is stopped first."""
        await self.stop()
        self.model_pack = model_pack or self.model_pack
        hold, watchdog, crash = LogHold(), Watchdog(None), CrashPoint("")
        self._hold = hold
        self._link = LinkWorker(
            self.store,
            hold,
            watchdog,
            crash,
            chosen_model(self.model_pack),
            self,  # type: ignore[arg-type]
            load_calibrations(self._calibration),
        )
        publisher = OutboxPublisher(self, self.store, self.files, hold, watchdog, crash, sources)
        quarantine = QuarantineIndex(
            store=self.store, hold=hold, watchdog=watchdog, sources=sources, first_try_s=self._first_try_s
        )
        self._link._assigned.set()
        await self._link.take_over()
        self._tasks = [
            asyncio.create_task(self._read_log(self._link)),
            asyncio.create_task(self._read_quarantine(quarantine)),
            asyncio.create_task(publisher.publish_for_ever()),
            asyncio.create_task(quarantine.replay_for_ever()),
        ]

    async def stop(self) -> None:
        """Stops link and its relay between two batches."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError, LinkEnded):
                await task
        self._tasks, self._link = [], None

    async def _read_log(self, link: LinkWorker) -> None:
        while True:
            self._log_grew.clear()
            while new := self.topics[topics.GALLERY][link.applied : link.applied + LINK_BATCH]:
                await link.handle(new)
            await self._log_grew.wait()

    async def _read_quarantine(self, quarantine: QuarantineIndex) -> None:
        while True:
            self._quarantine_grew.clear()
            while new := self.topics[topics.QUARANTINE][self._indexed :]:
                await quarantine.index(new)
                self._indexed += len(new)
            await self._quarantine_grew.wait()


class _Topic:
    """A topic that stores what is sent to it."""

    def __init__(self, site: LinkInProcess, name: str) -> None:
        self._site = site
        self._name = name

    async def send(self, *, key: bytes | None, value: bytes | None, headers: Any) -> asyncio.Future[None]:
        self._site.append(self._name, key, value, headers)
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sent.set_result(None)
        return sent


@asynccontextmanager
async def link_in_process(
    store: Store,
    data: Path,
    *,
    model_pack: Path | None = None,
    calibration: Path | None = None,
    first_try_s: float = 60.0,
) -> AsyncIterator[LinkInProcess]:
    """Link on the empty graph of `store`, with an empty log, and a media store in the folder `data`."""
    new_store(data)
    site = LinkInProcess(store, data, model_pack=model_pack, calibration=calibration, first_try_s=first_try_s)

    def end(code: int, reason: str) -> None:
        raise LinkEnded(code, reason)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(link_module, "end_process", end)
        patch.setattr(relay_module, "end_process", end)
        patch.setattr(link_module, "PACE_S", 0.0)
        try:
            yield site
        finally:
            await site.stop()
