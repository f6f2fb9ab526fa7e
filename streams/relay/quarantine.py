"""Indexes the quarantine topic in the graph, where people see it, and replays events whose host may answer again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from graph.actions.operate import quarantine as actions
from graph.store.session import Row, Store
from streams import topics
from streams.log_hold import LogHold
from streams.process import Watchdog
from streams.records import quarantine
from streams.records.message import Message, sources_by_topic
from streams.relay.retry import attempt

REPLAY_EVERY_S: Final = 5.0


class QuarantineIndex:
    """Writes quarantine records to the graph. `first_try_s`: seconds until an event for a silent host is replayed."""

    def __init__(
        self, store: Store, hold: LogHold, watchdog: Watchdog, *, sources: Iterable[str], first_try_s: float
    ) -> None:
        self._store = store
        self._hold = hold
        self._watchdog = watchdog
        self._owner = sources_by_topic(sources)
        self._first_try_s = first_try_s

    async def index(self, messages: list[Message]) -> None:
        """Writes a batch of quarantine records; repeats it until it succeeds, and never raises."""
        rows = [self._row(message) for message in messages]
        await attempt(
            lambda: actions.index(self._store, rows, now=datetime.now(UTC), first_try_s=self._first_try_s),
            self._watchdog,
            until_done=True,
        )
        self._hold.committed.set()
        self._watchdog.progress()

    async def replay_for_ever(self) -> None:
        """Replays the events that are due, and all events of a host once it answers."""
        await self._hold.ready.wait()
        while True:
            await attempt(
                lambda: actions.replay_due(self._store, now=datetime.now(UTC), test_s=self._first_try_s),
                self._watchdog,
            )
            await asyncio.sleep(min(REPLAY_EVERY_S, self._first_try_s))

    def _row(self, message: Message) -> Row:
        """The row of a quarantine record; a record of another producer gets no source and cannot be replayed."""
        row = quarantine.read(message.key, message.value, [(name, value or b"") for name, value in message.headers])
        if row["topic"] == topics.PROBES:
            row["source"] = ""
            row["asked"] = (message.key or b"").decode("utf-8", "replace")
        elif self._owner.get(str(row["topic"])) != row["source"]:
            row["source"] = ""
            row["truncated"] = True
        return row
