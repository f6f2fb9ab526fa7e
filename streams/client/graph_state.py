"""What `redthread ingest` reads in the graph: stored media, and events in quarantine, which it may replay."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, TypeVar

from graph.actions.operate import quarantine, reconcile
from graph.actions.operate.quarantine import Entry
from graph.actions.operate.reconcile import InCase
from graph.domain.errors import Conflict
from graph.store.session import Store
from streams.settings import Addresses

QUARANTINED: Final = "quarantined"
PASSING_CODES: Final = frozenset(
    [
        "empty_file",
        "missing_file",
        "other_district",
        "other_source",
        "refused_by_graph",
        "source_refused",
        "too_large",
        "unexpected",
        "unreadable_file",
        "url_not_allowed",
        "wrong_sha256",
    ]
)
"""Reasons in files, settings or the program, which may have changed since. An event for a silent host or for another
model is replayed by the system; a fault of the event or the picture remains."""
LOOK_S: Final = 0.5
PATIENCE_S: Final = 120.0
"""Seconds without progress after which replayed events are no longer waited for."""
T = TypeVar("T")


class GraphState:
    """The graph of a running system; every method connects anew and blocks: call it in a thread."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses

    def in_case(self, case_id: str, media: Sequence[str]) -> dict[str, InCase]:
        """What the case has of each media (SHA-256)."""
        return self._run(lambda store: reconcile.in_case(store, case_id, media)) if media else {}

    def entries(self, ids: Sequence[str]) -> list[Entry | None]:
        """The quarantine entry of each id, None where there is none."""
        found = self._run(lambda store: quarantine.entries(store, ids)) if ids else {}
        return [found.get(name) for name in ids]

    def replay(self, ids: Sequence[str], stop: threading.Event) -> list[Entry | None]:
        """Replays the entries; returns each after its replay, or unfinished where `stop` was set or nothing moves."""
        if not ids:
            return []

        async def work(store: Store) -> list[Entry | None]:
            before = await quarantine.entries(store, ids)
            for name in ids:
                # Another person's replay of the same event at this moment ends in the same way.
                with suppress(Conflict):
                    await quarantine.replay(store, name, actor="ingest", now=datetime.now(UTC))
            return await _replayed(store, ids, before, stop)

        return self._run(work)

    def _run(self, work: Callable[[Store], Awaitable[T]]) -> T:
        async def run() -> T:
            async with Store(*self._addresses.neo4j) as store:
                return await work(store)

        return asyncio.run(run())


async def _replayed(
    store: Store, ids: Sequence[str], before: Mapping[str, Entry], stop: threading.Event
) -> list[Entry | None]:
    moved, left = time.monotonic(), len(ids) + 1
    while True:
        now = await quarantine.entries(store, ids)
        unfinished = [name for name in ids if name in now and not _is_finished(before[name], now[name])]
        if len(unfinished) < left:
            moved, left = time.monotonic(), len(unfinished)
        if not unfinished or stop.is_set() or time.monotonic() - moved > PATIENCE_S:
            return [now.get(name) for name in ids]
        await asyncio.sleep(LOOK_S)


def _is_finished(before: Entry, now: Entry) -> bool:
    return now.status == "resolved" or (now.status == "waiting" and now.attempts > before.attempts)
