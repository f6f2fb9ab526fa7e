"""The files to ingest: those of a folder, and those of the archives in it or of one archive, which are read entry by
entry and never unpacked into folders.

An archive is as hostile as the pictures in it: its names are shown and never opened as paths, links are not followed,
and depth, number and size of what is opened are limited.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Final, Protocol

from graph.domain.errors import Invalid
from graph.domain.text import printable
from streams.client.archives.container import Container, NamesLimit
from streams.client.archives.open import HEAD, kind_of, may_be_archive, opened, opened_within
from streams.client.folders import Folder
from streams.client.journal import LocalFile
from streams.client.system_files import left_by

ENTRIES_MAX: Final = 1_000_000
DEPTH_MAX: Final = 3
"""Archives within one another."""
INNER_MAX: Final = 64 << 30
"""Bytes of archives within archives that are opened in one run."""


@dataclass(slots=True)
class Listing:
    """The files of a folder or an archive, in the order in which they are best read."""

    names: list[str] = field(default_factory=list[str])
    not_sent: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """File and reason."""
    left_out: Counter[str] = field(default_factory=Counter[str])
    """Files that systems leave behind, by system."""
    remarks: list[str] = field(default_factory=list[str])


class Files(Protocol):
    """Files by name. A file that can't be examined or read raises OSError, whose `strerror` says why."""

    def listing(self) -> Listing: ...

    def stat(self, name: str) -> LocalFile:
        """The file as it is now."""
        ...

    def read(self, file: LocalFile, max_bytes: int) -> bytes | None:
        """Its bytes; None where there are more than `max_bytes`."""
        ...


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a file is: its number in each container from the outermost on, and the size that it declares."""

    path: tuple[int, ...]
    size: int


class Tree:
    """The files below a folder or in an archive, and in the archives among them. One thread uses it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = Folder(root) if root.is_dir() else None
        self._open: list[tuple[tuple[int, ...], Container]] = []
        self._places: dict[str, _Place] = {}
        self._numbers: dict[str, Iterator[int]] = {}
        self._inner_left = INNER_MAX
        self._begun: tuple[tuple[int, ...], Iterator[bytes]] = ((), iter(()))
        """The archive that was found last, and its bytes: a solid archive around it is not read again for them."""
        self._names = NamesLimit()
        """Of the names of archives that stand before those of the files in them."""
        if self._folder is not None:
            self._open.append(((), self._folder))
        else:
            self._open.append(((), opened(root.open("rb"), root.name, ENTRIES_MAX)))

    def listing(self) -> Listing:
        """Every file; two of one path are told apart by a number behind it."""
        listing = Listing()
        self._add((), "", listing)
        listing.names = list(self._places)
        return listing

    def stat(self, name: str) -> LocalFile:
        place = self._places[name]
        file = self._folder.facts(place.path[0]) if self._folder is not None else self._root.stat()
        size = file.st_size if self._folder is not None and len(place.path) == 1 else place.size
        return LocalFile(str(self._root), name, size, file.st_mtime_ns, file.st_ctime_ns, file.st_ino)

    def read(self, file: LocalFile, max_bytes: int) -> bytes | None:
        if file.size > max_bytes:
            return None
        *outer, index = self._places[file.file].path
        data = bytearray()
        for chunk in self._container(tuple(outer)).chunks(index):
            data += chunk
            # The size that an entry declares may be forged.
            if len(data) > max_bytes:
                return None
        return bytes(data)

    def _add(self, path: tuple[int, ...], prefix: str, listing: Listing) -> None:
        container = self._container(path)
        shown = prefix.rstrip("/") or self._root.name
        listing.remarks += [f"{shown}: {remark}" for remark in container.remarks]
        if container.fault:
            listing.not_sent.append((shown, container.fault))
        for index, entry in enumerate(container.entries):
            name = prefix + (entry.name or "(without a name)")
            self._names.count(len(prefix))
            if system := left_by(entry.name):
                listing.left_out[system] += 1
            elif entry.fault:
                listing.not_sent.append((name, entry.fault))
            else:
                place = (*path, index)
                if may_be_archive(entry.name) and self._is_archive(place, entry.name):
                    self._add_inner(place, name, listing)
                elif len(self._places) >= ENTRIES_MAX:
                    listing.not_sent.append((name, f"more than {ENTRIES_MAX} files"))
                else:
                    self._places[self._unique(name)] = _Place(place, entry.size)

    def _is_archive(self, place: tuple[int, ...], name: str) -> bool:
        *outer, index = place
        try:
            chunks = self._container(tuple(outer)).chunks(index)
            first = next(chunks, b"")
        except OSError:  # said where the file is read
            return False
        self._begun = place, chain((first,), chunks)
        return bool(kind_of(first[:HEAD], name))

    def _add_inner(self, place: tuple[int, ...], name: str, listing: Listing) -> None:
        if len(place) > DEPTH_MAX + (self._folder is not None) - 1:
            listing.not_sent.append((name, f"an archive that is not opened: {DEPTH_MAX} lie around it"))
            return
        try:
            self._add(place, f"{name}/", listing)
        except OSError as error:
            listing.not_sent.append((name, f"an archive that is not opened: {error.strerror}"))

    def _container(self, path: tuple[int, ...]) -> Container:
        """The container at this path. Those around it stay open, all others are closed."""
        while self._open[-1][0] != path[: len(self._open[-1][0])]:
            self._open.pop()[1].close()
        for depth in range(len(self._open), len(path) + 1):
            around, index = self._open[-1][1], path[depth - 1]
            limit = ENTRIES_MAX - len(self._places)
            if self._folder is not None and depth == 1:
                inner = opened(self._folder.open(index), self._folder.entries[index].name, limit)
            else:
                begun, self._begun = self._begun, ((), iter(()))
                chunks = begun[1] if begun[0] == path[:depth] else around.chunks(index)
                inner, size = opened_within(chunks, around.entries[index].name, limit, self._inner_left)
                self._inner_left -= size
            self._open.append((path[:depth], inner))
        return self._open[-1][1]

    def _unique(self, name: str) -> str:
        if name not in self._places:
            return name
        # Goes on where it was: an archive may have a million files of one name.
        numbers = self._numbers.setdefault(name, count(2))
        return next(other for n in numbers if (other := f"{name} ({n})") not in self._places)

    def close(self) -> None:
        while self._open:
            self._open.pop()[1].close()


def open_files(path: Path) -> Tree:
    """The files of a folder or an archive; Invalid where there is neither."""
    if not path.is_dir() and not path.is_file():
        raise Invalid(f"there is no folder and no archive {printable(str(path))}")
    try:
        return Tree(path.absolute())
    except OSError as error:
        raise Invalid(f"{printable(path.name)}: {error.strerror}") from error
