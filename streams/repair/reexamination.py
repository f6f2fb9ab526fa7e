"""Has stored media examined again by the embed workers, and quarantined events replayed, behind all new material."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from graph.actions.operate import quarantine
from graph.actions.operate import reexamine as actions
from graph.domain.errors import Conflict, NotFound
from graph.paging import chunks
from graph.store.session import Store

BEHIND: Final = 200
"""Events of case systems that may be pending: with more of them the new material goes first."""
POLL_S: Final = 0.2
NOTIFY_EVERY_S: Final = 30.0

Notify = Callable[[str], None]
"""Shows the operator a message."""
Progress = Callable[[int], None]
"""Takes the number of media or events that are done."""


async def survey(store: Store, detector_id: str) -> Counter[str]:
    """How many media wait for the detector, by what it may change of them; reads all of them."""
    found: Counter[str] = Counter()
    async for page in actions.waiting(store, detector_id):
        for media in page:
            found["media"] += 1
            for name in ("no_face", "too_poor", "more_pages", "small_crops", "failed"):
                found[name] += bool(getattr(media, name))
    return found


async def outdated(store: Store, detector_id: str) -> str | None:
    """A sentence on the media that wait for the detector, with the command for them; None if none does."""
    number = await actions.count_waiting(store, detector_id)
    if not number:
        return None
    return f"{number} media were examined by an older detector: `redthread reexamine --dry-run` shows what it may add"


@dataclass(frozen=True, slots=True)
class Reexamination:
    """Work that yields to new events of the `sources`; the operator is notified while it waits."""

    store: Store
    sources: Sequence[str]
    notify: Notify

    async def examine(self, detector_id: str, *, again: bool, progress: Progress) -> None:
        """Has every waiting media examined by the detector.

        Media that could not be examined before are left out, unless `again`. Safe to stop at any time: media that the
        detector has examined wait no longer.
        """
        done = 0
        async for page in actions.waiting(self.store, detector_id):
            names = [item.media_id for item in page if again or not item.failed]
            if names:
                await self._until_not_behind()
                await actions.ask(self.store, [item for item in page if item.media_id in names])

                async def is_settled(names: Sequence[str] = names) -> bool:
                    return await actions.count_settled(self.store, names, detector_id) == len(names)

                await self._until(is_settled, "waiting for embed and link: do they run, and with this release?")
            done += len(page)
            progress(done)

    async def replay(self, codes: Sequence[str], *, actor: str, progress: Progress) -> int:
        """Replays, once each, the events in quarantine for one of these reasons; returns how many are there again."""
        events = await actions.quarantined_for(self.store, codes)
        done = 0
        for some in chunks(events, actions.PAGE):
            await self._until_not_behind()
            for quarantine_id in some:
                with suppress(Conflict, NotFound):  # somebody else has replayed it meanwhile
                    await quarantine.replay(self.store, quarantine_id, actor=actor, now=datetime.now(UTC))

            async def is_settled(some: Sequence[str] = some) -> bool:
                return await actions.on_their_way(self.store, some) == 0

            await self._until(is_settled, "waiting for embed and link: do they run?")
            done += len(some)
            progress(done)
        entries = await quarantine.entries(self.store, events)
        return sum(entry.status == "waiting" for entry in entries.values())

    async def _until_not_behind(self) -> None:
        async def is_level() -> bool:
            return await actions.events_behind(self.store, self.sources) <= BEHIND

        await self._until(is_level, "waiting: new events of case systems go first")

    async def _until(self, holds: Callable[[], Awaitable[bool]], waiting: str) -> None:
        polls = 0
        while not await holds():
            await asyncio.sleep(POLL_S)
            polls += 1
            if polls % round(NOTIFY_EVERY_S / POLL_S) == 0:
                self.notify(waiting)
