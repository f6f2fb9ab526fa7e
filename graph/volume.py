"""A folder of files that may lie on a volume of its own, and whether that volume is there.

A marker in the folder names it. Where a volume is not mounted, its mount point is an empty folder: what is missing
there is not lost, and what would be written there would vanish under the volume once it is back.
"""

from __future__ import annotations

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
    """The folder as it was met first: its marker, and the devices of the folders above it that are not its own."""

    marker: bytes
    above: frozenset[int]


class Volume:
    """The files below `root`, by relative keys: whole or absent, mode 0600 in folders of mode 0700.

    Whatever is mounted or unmounted during a call, it reads and writes in the marked folder or raises
    MediaStoreUnavailable. Keys are not checked here.
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
        """Whether any file lies below the root, marked or not."""
        return any(files for _, _, files in os.walk(self._root))

    def make(self) -> None:
        """The folder is there and marked."""
        make_folders(self._root)
        if not (self._root / MARKER).exists():
            write_whole(self._root / MARKER, uuid.uuid4().hex)

    def read(self, key: str) -> bytes:
        """The file's bytes; FileNotFoundError where a folder that is there has no such file."""
        with self._opened() as folder, os.fdopen(os.open(key, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder), "rb") as file:
            return file.read()

    def size(self, key: str) -> int:
        """The file's length in bytes; FileNotFoundError where a folder that is there has no such file."""
        with self._opened() as folder:
            return os.stat(key, dir_fd=folder).st_size

    def write(self, key: str, data: bytes, *, durable: bool) -> None:
        """Makes `data` the file, on the disk where `durable`, with every folder that is made for it."""
        with self._opened() as folder:
            write_whole(Path(key), data, durable=durable, at=folder)

    def delete(self, key: str) -> None:
        """The file or folder is gone, with all that is below it; FileNotFoundError where there is none."""
        with self._opened() as folder:
            try:
                os.unlink(key, dir_fd=folder)
            except IsADirectoryError:
                shutil.rmtree(key, dir_fd=folder)

    @contextmanager
    def _opened(self) -> Generator[int]:
        """The marked folder, open: calls that start from this descriptor meet it and no other."""
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
            # A copy of the store, with the marker, from before it got a volume: it would be hidden by the volume.
            raise _away("what is in its place lies on the volume of a folder above it")

    def _devices_above(self) -> set[int]:
        found: set[int] = set()
        for folder in self._root.parents:
            with suppress(OSError):
                found.add(folder.stat().st_dev)
        return found


def _away(why: str | None) -> MediaStoreUnavailable:
    return MediaStoreUnavailable(f"The media store is away ({why}): mount its volume; nothing is lost until then.")
