"""Indexes the quarantine topic in the graph, where people see it, and replays events whose host may answer again."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from graph.actions.operate import quarantine as actions
from graph.store.session import Row, Store
from streams import topics
from streams.log_hold import LogHold
from streams.process import Watchdog
from streams.records import quarantine
from streams.records.message import Message, sources_by_topic
from streams.retry import retried

REPLAY_EVERY_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineIndex:
    """Writes quarantine records to the graph. `first_try_s`: seconds until an event for a silent host is replayed."""

    store: Store
    hold: LogHold
    watchdog: Watchdog
    sources: Collection[str]
    first_try_s: float

    async def index(self, messages: list[Message]) -> None:
        """Writes a batch of quarantine records; repeats it until it succeeds, and never raises."""
        rows = [self._row(message) for message in messages]
        await retried(
            lambda: actions.index(self.store, rows, now=datetime.now(UTC), first_try_s=self.first_try_s),
            self.watchdog.progress,
            defects=True,
        )
        self.hold.committed.set()
        self.watchdog.progress()

    async def replay_for_ever(self) -> None:
        """Replays the events that are due, and all events of a host once it answers."""
        await self.hold.ready.wait()
        while True:
            await retried(
                lambda: actions.replay_due(self.store, now=datetime.now(UTC), test_s=self.first_try_s),
                self.watchdog.progress,
                defects=True,
            )
            await asyncio.sleep(min(REPLAY_EVERY_S, self.first_try_s))

    def _row(self, message: Message) -> Row:
        """The row of a quarantine record; a record of another producer gets no source and cannot be replayed."""
        row = quarantine.read(message.key, message.value, [(name, value or b"") for name, value in message.headers])
        if row["topic"] == topics.PROBES:
            row["source"] = ""
            row["asked"] = (message.key or b"").decode("utf-8", "replace")
        elif sources_by_topic(self.sources).get(str(row["topic"])) != row["source"]:
            row["source"] = ""
            row["truncated"] = True
        return row
