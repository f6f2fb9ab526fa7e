"""Free space of the folders that are written: nothing new is taken in while one of them has too little."""

from __future__ import annotations

import errno
import shutil
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from graph.domain.errors import NoSpace

MIB = 1024**2
LOW_SHARE, LOW_MOST_BYTES = 8, 1024 * MIB
"""Too little is one part in so many of a disk, at most 1 GiB: what is under way, a checkpoint and new log files of the
servers fit into it many times."""
ENOUGH = 1.25
"""Times too little from which on there is enough again, so that small changes do not turn it on and off."""
LOOK_S = 1.0
"""Seconds for which an answer holds."""
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
BELOW_DATA = ("", "kafka", "neo4j", "logs", "store")
"""Folders of the data folder that may be volumes of their own."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """A folder with too little free space, and the bytes from which on there is enough."""

    folder: Path
    free: int
    enough: int

    def __str__(self) -> str:
        return f"{self.free // MIB} MiB free in {self.folder}, {self.enough // MIB} are needed"


class Space:
    """The free space of some folders; one that is absent, or away, is left out.

    `low_mib` is what is too little, in MiB; 0: a share of each folder's disk. Safe to ask from several threads.
    """

    def __init__(self, folders: Iterable[Path], low_mib: int = 0) -> None:
        self._folders = tuple(folders)
        self._low_mib = low_mib
        self._known: Shortage | None = None
        self._looked = float("-inf")
        self._lock = threading.Lock()

    @classmethod
    def of(cls, data: Path, store_url: str, low_mib: int = 0) -> Space:
        """Of the data folder and what may be mounted below it, and of the media store where that is a local folder."""
        folders = [data.absolute() / name for name in BELOW_DATA]
        place = urlsplit(store_url)
        if place.scheme in ("", "file"):
            folders.append(Path(unquote(place.path)))
        return cls(dict.fromkeys(folders), low_mib)

    def low(self, folder: Path) -> int:
        """The bytes below which the folder has too little."""
        return self._low_mib * MIB or min(shutil.disk_usage(folder).total // LOW_SHARE, LOW_MOST_BYTES)

    def shortage(self) -> Shortage | None:
        """The folder that has too little now, or None; at most a second old. It may block: call it in a thread."""
        with self._lock:
            if time.monotonic() - self._looked >= LOOK_S:
                self._known = next(filter(None, map(self._look, self._folders)), None)
                self._looked = time.monotonic()
            return self._known

    def check(self) -> None:
        """Raises NoSpace while a folder has too little."""
        if self.shortage() is not None:
            raise NoSpace("There is too little free space to take anything in: try again once there is more.")

    def _look(self, folder: Path) -> Shortage | None:
        try:
            free, low = shutil.disk_usage(folder).free, self.low(folder)
        except OSError:
            return None
        enough = int(low * ENOUGH)
        return Shortage(folder, free, enough) if free < (enough if self._known is not None else low) else None
