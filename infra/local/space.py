"""Watches the free space of a system's folders, and limits producers while it is low.

Below the mark others can publish almost nothing, while our own processes finish their work: embed waits, the
API refuses uploads and `ingest` waits, each by checking the same mark. A reserve is a file that only takes space. It is
deleted when the disk fills up all the same, so that link and the servers can finish their work, and made again later.
"""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from graph.space import CHECK_EVERY_S, MIB, Space

RESERVE = "reserve"
"""The file's name."""
RESERVED = ("", "kafka", "neo4j")
"""The data folder and the sub-folders that may be volumes of their own: each disk has a reserve."""
RESERVE_SHARE = 4
"""The reserve's size is this fraction of the mark: a quarter."""
REMAKE = 2
"""Multiple of the mark that must be free before the reserve is made, so that making it does not reach the mark."""
LIMIT_S = 30.0


class Limit(Protocol):
    """Limits producers, or frees them."""

    def __call__(self, *, limited: bool) -> Awaitable[None]: ...


class SpaceWatch:
    """Watches until cancelled; `limit` limits producers or frees them, and is retried until it succeeds."""

    def __init__(self, space: Space, data: Path, announce: Callable[[str], None], limit: Limit | None = None) -> None:
        self.limit = limit
        """Set once Kafka runs, where it is ours to limit."""
        self._space = space
        self._data = data
        self._announce = announce
        self._is_low = False
        self._limited: bool | None = None
        """The last successful call of `limit`; at first unknown, since an earlier run may have ended while limited."""
        self._last_failure = ""

    async def run(self) -> None:
        """Checks the space every CHECK_EVERY_S seconds."""
        while True:
            try:
                await self._check()
            # Whatever fails: if the watch ended, producers would stay limited.
            except Exception as error:  # noqa: BLE001
                self._announce_failure(f"the watch of free space fails, and goes on: {type(error).__name__}: {error}")
            await asyncio.sleep(CHECK_EVERY_S)

    async def _check(self) -> None:
        shortage = await asyncio.to_thread(self._space.shortage)
        is_low = shortage is not None
        for line in await asyncio.to_thread(self._update_reserves, is_low):
            self._announce(line)
        if is_low != self._is_low:
            self._is_low = is_low
            self._announce(
                f"too little free space: {shortage}; nothing new is taken in until then"
                if is_low
                else "there is enough free space again: everything goes on"
            )
        if self.limit is not None and self._limited != is_low:
            try:
                async with asyncio.timeout(LIMIT_S):
                    await self.limit(limited=is_low)
            except Exception as error:  # noqa: BLE001  Kafka may be away, as on a full disk: retried.
                self._announce_failure(f"Kafka's limit for producers is not set yet ({type(error).__name__})")
                return
            self._limited = is_low
        self._last_failure = ""

    def _update_reserves(self, is_low: bool) -> list[str]:
        """Deletes a reserve on a nearly full disk, makes one where there is plenty; returns lines to announce."""
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

    def _announce_failure(self, line: str) -> None:
        """Announces a failure that repeats only once."""
        if line != self._last_failure:
            self._last_failure = line
            self._announce(line)


def _allocate(path: Path, size: int) -> None:
    """Makes a file that takes `size` bytes of its disk; on failure there is none."""
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError:
        path.unlink()
        raise
    finally:
        os.close(descriptor)
