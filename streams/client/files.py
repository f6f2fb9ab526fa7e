"""The files to ingest: those of a folder, or of a ZIP archive, which is read entry by entry and never unpacked to disk.

An archive is as hostile as the pictures in it: its names are shown and never opened as paths, links are refused, and
nothing is read beyond the size that a media file may have.
"""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

from graph.domain.errors import Invalid
from graph.domain.text import printable
from streams.client.folders import Tell, files_below
from streams.client.journal import LocalFile

ENTRIES_MAX: Final = 1_000_000
GROWTH_MAX: Final = 1100
"""Deflate cannot shrink data by more than a factor of 1032: a larger factor is forged."""


class Files(Protocol):
    """Files by name. A file that can't be examined or read raises OSError, whose `strerror` says why."""

    def names(self, tell: Tell) -> list[str]:
        """Every file, by its path with `/` between the parts."""
        ...

    def stat(self, name: str) -> LocalFile:
        """The file as it is now."""
        ...

    def read(self, file: LocalFile, max_bytes: int) -> bytes | None:
        """Its bytes; None where there are more than `max_bytes`."""
        ...


class Folder:
    """The files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self, tell: Tell) -> list[str]:
        return files_below(self._folder, tell)

    def stat(self, name: str) -> LocalFile:
        facts = (self._folder / name).stat()
        return LocalFile(str(self._folder), name, facts.st_size, facts.st_mtime_ns)

    def read(self, file: LocalFile, max_bytes: int) -> bytes | None:
        path = self._folder / file.file
        if not path.is_file():
            raise OSError(0, "no regular file")
        return None if file.size > max_bytes else path.read_bytes()


class Archive:
    """The files in a ZIP archive, one in memory at a time. Raises Invalid where it can't be read or is a bomb."""

    def __init__(self, path: Path) -> None:
        self._path = path
        facts = path.stat()
        self._mtime_ns = facts.st_mtime_ns
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise Invalid(f"{printable(path.name)} is no ZIP archive that can be read") from error
        entries = [entry for entry in self._zip.infolist() if not entry.is_dir()]
        if len(entries) > ENTRIES_MAX:
            raise Invalid(f"{printable(path.name)} has more than {ENTRIES_MAX} files")
        if sum(entry.compress_size for entry in entries) > facts.st_size:
            raise Invalid(f"{printable(path.name)}: its files lie over one another, as in a bomb")
        self._entries: dict[str, zipfile.ZipInfo] = {}
        self._twice: set[str] = set()
        for entry in entries:
            if self._entries.setdefault(entry.filename, entry) is not entry:
                self._twice.add(entry.filename)

    def names(self, tell: Tell) -> list[str]:
        return sorted(self._entries)

    def stat(self, name: str) -> LocalFile:
        entry = self._entries[name]
        mode = entry.external_attr >> 16
        faults = {
            "its name leads out of the archive": _leads_out(name),
            "its name stands more than once in the archive": name in self._twice,
            "a link, which is not followed": stat.S_ISLNK(mode),
            "no regular file": stat.S_IFMT(mode) not in (0, stat.S_IFREG),
            "encrypted": bool(entry.flag_bits & 1),
            "grows beyond belief when it is unpacked": entry.file_size > GROWTH_MAX * (entry.compress_size + 1),
        }
        for fault, is_present in faults.items():
            if is_present:
                raise OSError(0, fault)
        return LocalFile(str(self._path), name, entry.file_size, self._mtime_ns)

    def read(self, file: LocalFile, max_bytes: int) -> bytes | None:
        if file.size > max_bytes:
            return None
        try:
            with self._zip.open(self._entries[file.file]) as packed:
                # The size that an entry declares may be forged.
                data = packed.read(max_bytes + 1)
        except Exception as error:
            # Broad: each kind of compression has its own errors, and the other files are still to be sent.
            raise OSError(0, "damaged, or packed in a way that is not read here") from error
        return None if len(data) > max_bytes else data


def open_files(path: Path) -> Files:
    """The files of a folder or a ZIP archive; Invalid where there is neither."""
    if path.is_dir():
        return Folder(path.absolute())
    if path.is_file() and zipfile.is_zipfile(path):
        return Archive(path.absolute())
    raise Invalid(f"there is no folder and no ZIP archive {printable(str(path))}")


def _leads_out(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or name[1:2] == ":" or not path.parts
