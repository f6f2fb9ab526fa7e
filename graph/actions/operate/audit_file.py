"""Files of audit exports and roots: read in bounded memory, written atomically."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from graph.actions.operate import audit_export
from graph.actions.operate.audit_export import Begun
from graph.atomic import whole_file
from graph.domain.audit import GENESIS
from graph.domain.audit_export import HEADER_BYTES, LINE_LIMIT, ChainPosition, ExportRequest, Header, entry_line
from graph.domain.audit_root import Root, read_root
from graph.domain.audit_verify import Finding, verify
from graph.domain.errors import Invalid
from graph.domain.text import printable
from graph.store.session import Store

ROOT_LIMIT = 4096
"""Bytes of the largest file that is read as a root."""


def verify_file(path: Path, roots: list[Root] | None) -> Finding:
    """What the export in a file proves; raises Invalid if the file cannot be read."""
    try:
        with path.open("rb") as file:
            return verify(_lines(file), roots)
    except OSError as error:
        raise Invalid(f"cannot read {printable(str(path))}: {error.strerror}") from error


def read_roots(path: Path) -> list[Root]:
    """The roots in a folder, or the one in a file; raises Invalid if there is none or one cannot be read."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    roots = [_root(file) for file in files]
    if not roots:
        raise Invalid(f"{printable(str(path))} holds no root: each is a file DATE.json")
    return roots


def _root(path: Path) -> Root:
    try:
        with path.open("rb") as file:
            return read_root(file.read(ROOT_LIMIT))
    except OSError as error:
        raise Invalid(f"cannot read {printable(str(path))}: {error.strerror}") from error
    except Invalid as error:
        raise Invalid(f"{printable(str(path))}: {error.message}") from error


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file. A line longer than an entry can be comes in pieces, which `verify` then rejects."""
    while line := file.readline(LINE_LIMIT):
        yield line


async def write_export(store: Store, asked: ExportRequest, path: Path, *, now: datetime) -> None:
    """Writes an export, which the audit records, to a file that only its owner can read; atomically.

    Raises Invalid if the path exists or cannot be written.
    """
    with _new_file(path) as file:
        begun = await audit_export.begin_export(store, asked, now=now)
        await _write(store, asked, begun, file)


@contextmanager
def _new_file(path: Path) -> Generator[BinaryIO]:
    try:
        if path.exists():
            raise Invalid(f"{printable(str(path))} exists: an export never replaces a file")
        with whole_file(path) as file:
            yield file
    except OSError as error:
        raise Invalid(f"cannot write {printable(str(path))}: {error.strerror}") from error


async def _write(store: Store, asked: ExportRequest, begun: Begun, file: BinaryIO) -> None:
    """Leaves room for the header, which is written last because it has the counts."""
    file.write(b" " * HEADER_BYTES + b"\n")
    start: ChainPosition | None = None
    count = shown = 0
    async for page in audit_export.entries(store, begun):
        for entry in page:
            start = start or ChainPosition(begun.after, entry.previous_hash if begun.after else GENESIS)
            shows = begun.shows(entry)
            file.write(entry_line(entry, shown=shows))
            count, shown = count + 1, shown + shows
    file.seek(0)
    file.write(Header(asked, start or ChainPosition(0, GENESIS), begun.head, count, shown).line)
