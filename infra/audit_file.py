"""Exports and roots of the audit as files: read in bounded memory, written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from graph.domain.audit_export import LINE_LIMIT, Finding, verify
from graph.domain.audit_root import Root, read_root
from graph.domain.errors import Invalid
from infra.folders import printable

ROOT_LIMIT = 4096
"""Bytes of the largest file that is read as a root."""


def verify_file(path: Path, roots: list[Root] | None) -> Finding:
    """What the export in a file proves; Invalid where the file can't be read."""
    try:
        with path.open("rb") as file:
            return verify(_lines(file), roots)
    except OSError as error:
        raise Invalid(f"cannot read {printable(str(path))}: {error.strerror}") from error


def read_roots(path: Path) -> list[Root]:
    """The roots in a folder, or the one in a file; Invalid where there is none or one can't be read."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    roots = [_root(file) for file in files]
    if not roots:
        raise Invalid(f"{printable(str(path))} holds no root: each is a file DATE.json")
    return roots


def _root(path: Path) -> Root:
    try:
        with path.open("rb") as file:
            root = read_root(file.read(ROOT_LIMIT))
    except OSError as error:
        raise Invalid(f"cannot read {printable(str(path))}: {error.strerror}") from error
    except Invalid as error:
        raise Invalid(f"{printable(str(path))}: {error.message}") from error
    return root


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file, none longer than an entry can be: what is longer comes in pieces, and is found so."""
    while line := file.readline(LINE_LIMIT):
        yield line
