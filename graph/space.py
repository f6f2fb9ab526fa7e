"""Free space of the folders that are written: nothing new is accepted while one of them has too little."""

import errno
import shutil
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from graph.domain.errors import NoSpace

MIB = 1024**2
LOW_SHARE, LOW_MOST_BYTES = 8, 1024 * MIB
"""Too little is less than an eighth of a disk, at most 1 GiB: work in progress, a checkpoint and new log files of the
servers fit into it many times."""
ENOUGH = 1.25
"""Factor on the limit above which there is enough again, so that small changes do not toggle the state."""
CHECK_EVERY_S = 1.0
"""Seconds for which a measurement is reused."""
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
BELOW_DATA = ("", "kafka", "neo4j", "logs", "store")
"""Folders of the data folder that may be volumes of their own."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """A folder with too little free space; `free` and the `enough` that it needs are in bytes."""

    folder: Path
    free: int
    enough: int

    def __str__(self) -> str:
        return f"{self.free // MIB} MiB free in {self.folder}, {self.enough // MIB} are needed"


class Space:
    """The free space of some folders; missing folders are ignored.

    `low_mib` is the limit in MiB; 0: a share of each folder's disk. Thread-safe.
    """

    def __init__(self, folders: Iterable[Path], low_mib: int = 0) -> None:
        self._folders = tuple(folders)
        self._low_mib = low_mib
        self._known: Shortage | None = None
        self._measured = float("-inf")
        self._lock = threading.Lock()

    @classmethod
    def of(cls, data: Path, store_url: str, low_mib: int = 0) -> Self:
        """Of the data folder, its subfolders that may be volumes, and the media store if that is a local folder."""
        folders = [data.absolute() / name for name in BELOW_DATA]
        place = urlsplit(store_url)
        if place.scheme in ("", "file"):
            folders.append(Path(unquote(place.path)))
        return cls(dict.fromkeys(folders), low_mib)

    def low(self, folder: Path) -> int:
        """The limit of the folder in bytes."""
        return self._low_mib * MIB or min(shutil.disk_usage(folder).total // LOW_SHARE, LOW_MOST_BYTES)

    def shortage(self) -> Shortage | None:
        """A folder that has too little, or None; at most a second old. It may block: call it in a thread."""
        with self._lock:
            if time.monotonic() - self._measured >= CHECK_EVERY_S:
                self._known = next(filter(None, map(self._measure, self._folders)), None)
                self._measured = time.monotonic()
            return self._known

    def check(self) -> None:
        """Raises NoSpace while a folder has too little."""
        if self.shortage() is not None:
            raise NoSpace("There is too little free space to take anything in: try again once there is more.")

    def _measure(self, folder: Path) -> Shortage | None:
        try:
            free, low = shutil.disk_usage(folder).free, self.low(folder)
        except OSError:
            return None
        enough = int(low * ENOUGH)
        return Shortage(folder, free, enough) if free < (enough if self._known is not None else low) else None
