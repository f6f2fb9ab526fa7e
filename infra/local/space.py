"""Watches the free space of the folders that a system writes, and holds back what would fill them.

Below the mark others can publish next to nothing, while our own processes go on with what is there: embed waits, the
API refuses uploads, `ingest` waits, each by its own look at the same mark. A reserve, a file that is only space, is
given up when space runs out all the same: with it link and the servers finish what they began. It is made again later.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from graph.space import LOOK_S, MIB, Space

RESERVE = "reserve"
"""The file's name."""
RESERVED = ("", "kafka", "neo4j")
"""The data folder and those below it that may be volumes of their own: each disk has a reserve."""
RESERVE_SHARE = 4
"""The reserve is one part in so many of the mark."""
REMAKE = 2
"""Times the mark that must be free before the reserve is made, so that making it does not reach the mark."""

Limit = Callable[[bool], Awaitable[None]]


class SpaceWatch:
    """Watches until cancelled; `limit` holds producers back or lets them go on, and is tried again until it works."""

    def __init__(self, space: Space, data: Path, announce: Callable[[str], None], limit: Limit | None = None) -> None:
        self.limit = limit
        """Set once Kafka runs, where it is ours to limit."""
        self._space = space
        self._data = data
        self._announce = announce
        self._limited: bool | None = None
        """What Kafka was told last; at first unknown: an earlier run may have ended while space was low."""
        self._said: bool = False
        self._told: str = ""

    async def run(self) -> None:
        while True:
            try:
                await self._look()
            # Whatever fails: a watch that ended would never let producers go on again.
            except Exception as error:  # noqa: BLE001
                self._say_once(f"the watch of free space fails, and goes on: {type(error).__name__}: {error}")
            await asyncio.sleep(LOOK_S)

    async def _look(self) -> None:
        shortage = await asyncio.to_thread(self._space.shortage)
        for line in await asyncio.to_thread(self._keep_reserves, shortage is not None):
            self._announce(line)
        if (shortage is not None) != self._said:
            self._said = shortage is not None
            self._announce(
                f"too little free space: {shortage}; nothing new is taken in until then"
                if shortage is not None
                else "there is enough free space again: everything goes on"
            )
        if self.limit is not None and self._limited != self._said:
            try:
                async with asyncio.timeout(30):
                    await self.limit(self._said)
            except Exception as error:  # noqa: BLE001  Kafka may be away, as where its disk is full: tried again.
                self._say_once(f"Kafka's limit for producers is not set yet ({type(error).__name__})")
                return
            self._limited = self._said
        self._told = ""

    def _keep_reserves(self, is_low: bool) -> list[str]:
        """Gives a reserve up where nearly nothing is left, or makes it where there is plenty; what to say of it."""
        lines: list[str] = []
        for folder in self._disks():
            reserve = folder / RESERVE
            free, low = shutil.disk_usage(folder).free, self._space.low(folder)
            size = low // RESERVE_SHARE
            if reserve.exists():
                if is_low and free < size:
                    reserve.unlink()
                    lines.append(f"the reserve of {size // MIB} MiB in {folder} is given up")
            elif not is_low and free > low * REMAKE:
                _allocate(reserve, size)
        return lines

    def _disks(self) -> list[Path]:
        """One folder of each disk that the servers write to."""
        found: dict[int, Path] = {}
        for folder in (self._data / name for name in RESERVED):
            with suppress(OSError):
                found.setdefault(folder.stat().st_dev, folder)
        return [*found.values()]

    def _say_once(self, line: str) -> None:
        if line != self._told:
            self._told = line
            self._announce(line)


def _allocate(path: Path, size: int) -> None:
    """Makes a file that takes `size` bytes of its disk, or none."""
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError:
        path.unlink()
        raise
    finally:
        os.close(descriptor)
