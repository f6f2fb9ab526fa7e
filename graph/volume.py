"""A folder of files that may be the mount point of a volume, and whether that volume is mounted.

A marker file identifies the folder. Without its volume, the mount point is an empty folder: files missing there are not
lost, and files written there would be hidden once the volume is mounted again.
"""

import os
import shutil
import uuid
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from graph.atomic import make_folders, write_whole
from graph.domain.errors import MediaStoreUnavailable

MARKER: Final = ".redthread-store"


@dataclass(frozen=True, slots=True)
class _Seen:
    """The folder at its first use: its marker, and the devices of its parent folders other than its own."""

    marker: bytes
    above: frozenset[int]


class Volume:
    """The files below `root`, by relative keys: written atomically, mode 0600 in folders of mode 0700.

    Each call reads and writes in the marked folder, or raises MediaStoreUnavailable, even if volumes are mounted or
    unmounted during the call. Keys are not checked here.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._seen: _Seen | None = None

    def is_there(self) -> bool:
        """Whether the marked folder can be opened now."""
        try:
            with self._opened():
                return True
        except MediaStoreUnavailable:
            return False

    def holds_files(self) -> bool:
        """Whether there is any file below the root, marked or not."""
        return any(files for _, _, files in os.walk(self._root))

    def make(self) -> None:
        """Creates the folder and its marker, if they are missing."""
        make_folders(self._root)
        if not (self._root / MARKER).exists():
            write_whole(self._root / MARKER, uuid.uuid4().hex)

    def read(self, key: str) -> bytes:
        """The file's bytes; raises FileNotFoundError if the folder is mounted and has no such file."""
        with self._opened() as folder, os.fdopen(os.open(key, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder), "rb") as file:
            return file.read()

    def size(self, key: str) -> int:
        """The file's length in bytes; raises FileNotFoundError if the folder is mounted and has no such file."""
        with self._opened() as folder:
            return os.stat(key, dir_fd=folder).st_size

    def write(self, key: str, data: bytes, *, durable: bool) -> None:
        """Writes `data` atomically, and durably with all new folders if `durable`."""
        with self._opened() as folder:
            write_whole(Path(key), data, durable=durable, at=folder)

    def delete(self, key: str) -> None:
        """Deletes the file, or the folder with its content; raises FileNotFoundError if there is none."""
        with self._opened() as folder:
            try:
                os.unlink(key, dir_fd=folder)
            except IsADirectoryError:
                shutil.rmtree(key, dir_fd=folder)

    @contextmanager
    def _opened(self) -> Generator[int]:
        """The descriptor of the marked folder: calls relative to it cannot reach another folder."""
        try:
            folder = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as failure:
            raise _away(failure.strerror) from failure
        try:
            self._check(folder)
            yield folder
        finally:
            os.close(folder)

    def _check(self, folder: int) -> None:
        try:
            with os.fdopen(os.open(MARKER, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder), "rb") as file:
                marker = file.read(1000)
        except OSError as failure:
            raise _away(f"its marker cannot be read: {failure.strerror}") from failure
        device = os.fstat(folder).st_dev
        if self._seen is None:
            self._seen = _Seen(marker, frozenset(self._devices_above() - {device}))
        elif marker != self._seen.marker:
            raise _away("another volume is in its place")
        elif device in self._seen.above:
            # A copy of the store with the marker, from before it had a volume, which hides it while mounted.
            raise _away("what is in its place lies on the volume of a folder above it")

    def _devices_above(self) -> set[int]:
        found: set[int] = set()
        for folder in self._root.parents:
            with suppress(OSError):
                found.add(folder.stat().st_dev)
        return found


def _away(why: str | None) -> MediaStoreUnavailable:
    return MediaStoreUnavailable(f"The media store is away ({why}): mount its volume; nothing is lost until then.")
