"""What `redthread ingest` asks the graph: which media it has, and what waits in quarantine and is tried again."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, TypeVar

from graph.actions.operate import quarantine, reconcile
from graph.actions.operate.quarantine import Entry
from graph.domain.errors import Conflict
from graph.store.session import Store
from streams.settings import Addresses

QUARANTINED: Final = "quarantined"
PASSING_CODES: Final = frozenset(
    {"empty_file", "missing_file", "other_district", "other_source", "refused_by_graph", "source_refused", "too_large",
     "unexpected", "unreadable_file", "url_not_allowed", "wrong_sha256"}
)  # fmt: skip
"""Reasons that lie in files, settings or the program and may have passed. What waits for a silent host or for another
model is tried again by itself; what is wrong with the event or the picture stays wrong."""
LOOK_S: Final = 0.5
PATIENCE_S: Final = 120.0
"""Seconds without any event's end after which the replays are not waited for any more."""
T = TypeVar("T")


class GraphState:
    """What the graph of a running system says of events; on a connection of its own. Blocks: call it in a thread."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses

    def kept(self, case_id: str, media: Sequence[str]) -> set[str]:
        """Those of the media (SHA-256) that are in the case, or were erased."""
        return self._ask(lambda store: reconcile.kept(store, case_id, media)) if media else set()

    def find(self, names: Sequence[str]) -> list[Entry | None]:
        """The entry of each id, None where the graph has none."""
        found = self._ask(lambda store: quarantine.entries(store, names)) if names else {}
        return [found.get(name) for name in names]

    def replay(self, names: Sequence[str], stop: threading.Event) -> list[Entry | None]:
        """Each entry after its event was tried again; as it stands where `stop` was set or nothing moves any more."""
        if not names:
            return []

        async def work(store: Store) -> list[Entry | None]:
            before = await quarantine.entries(store, names)
            for name in names:
                # One that another person replays at this moment comes to the same end.
                with suppress(Conflict):
                    await quarantine.replay(store, name, actor="ingest", now=datetime.now(UTC))
            return await _ended(store, names, before, stop)

        return self._ask(work)

    def _ask(self, work: Callable[[Store], Awaitable[T]]) -> T:
        async def run() -> T:
            known = self._addresses
            async with Store(*known.neo4j) as store:
                return await work(store)

        return asyncio.run(run())


async def _ended(
    store: Store, names: Sequence[str], before: dict[str, Entry], stop: threading.Event
) -> list[Entry | None]:
    moved, left = time.monotonic(), len(names) + 1
    while True:
        now = await quarantine.entries(store, names)
        on_the_way = [name for name in names if name in now and not _has_ended(before[name], now[name])]
        if len(on_the_way) < left:
            moved, left = time.monotonic(), len(on_the_way)
        if not on_the_way or stop.is_set() or time.monotonic() - moved > PATIENCE_S:
            return [now.get(name) for name in names]
        await asyncio.sleep(LOOK_S)


def _has_ended(before: Entry, now: Entry) -> bool:
    return now.status == "resolved" or (now.status == "waiting" and now.attempts > before.attempts)
