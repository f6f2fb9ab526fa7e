"""The journal of `redthread ingest`, from which a second run resumes: an SQLite file in the data folder.

File names are stored here, readable by the folder's owner only, and never in Kafka.
"""

import os
import sqlite3
import uuid
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from graph.domain.ids import digest
from streams.client.free_space import FreeSpace

NAME = "ingest.sqlite3"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS sent (
    row INTEGER PRIMARY KEY,
    target TEXT NOT NULL,          -- digest of Kafka cluster, case and terms
    folder TEXT NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    notices_from INTEGER NOT NULL, -- offset in the notices topic after which its notice is
    place TEXT,                    -- topic/partition/offset, once Kafka has acknowledged the event
    outcome TEXT, reason TEXT,     -- of its notice
    event_id TEXT,                 -- ce_id of the event: another event may get its place after Kafka lost records
    quarantine_id TEXT,            -- its entry in the graph, where it is in quarantine
    ctime_ns INTEGER, inode INTEGER
);
CREATE UNIQUE INDEX IF NOT EXISTS sent_once ON sent (target, file, sha256);
"""
_ADDED = {"event_id": "TEXT", "quarantine_id": "TEXT", "ctime_ns": "INTEGER", "inode": "INTEGER"}
"""Columns that the journal of an older release lacks."""
_FACTS = ("folder", "file", "size", "mtime_ns", "ctime_ns", "inode")
"""Columns of a file's state when it was sent."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file at the time it was listed; `folder` is the archive's path for a file in an archive.

    Times and inode are the archive's, too. Whoever changes a file may set its size and `mtime_ns` as they were, but
    not `ctime_ns`.
    """

    folder: str
    file: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Sent:
    """An event of the journal; `place` and `outcome` are empty until they are known.

    `event_id` is empty for an event of an older release.
    """

    row: int
    file: str
    sha256: str
    notices_from: int
    place: str
    outcome: str
    reason: str
    event_id: str
    quarantine_id: str


def target_of(*parts: object) -> str:
    """The identity of a run; another scope, purpose or Kafka is another target."""
    return digest(*parts)


class Journal:
    """The journal of one target. Other processes see what was written after `save`."""

    def __init__(self, database: sqlite3.Connection, target: str, space: FreeSpace) -> None:
        self._database = database
        self._target = target
        self._space = space

    def find(self, file: LocalFile) -> Sent | None:
        """The event sent for this file, which cannot have changed since."""
        return self._one(" AND ".join(f"{name} = ?" for name in _FACTS), *_facts(file))

    def has_path(self, file: LocalFile) -> bool:
        """Whether an event was sent for a file of this path: its bytes decide whether it is the same."""
        return self._one("file = ?", _text(file.file)) is not None

    def find_content(self, file: LocalFile, sha256: str) -> Sent | None:
        """The event sent for the same path and bytes: the folder was moved, or the file copied back."""
        return self._one("file = ? AND sha256 = ?", _text(file.file), sha256)

    def seen(self, row: int, file: LocalFile) -> None:
        """Remembers that the file now has the bytes that were sent under this row."""
        self._do(f"UPDATE sent SET {', '.join(f'{name} = ?' for name in _FACTS)} WHERE row = ?", *_facts(file), row)

    def begin(self, file: LocalFile, sha256: str, notices_from: int) -> tuple[int, str]:
        """The row and the id of an event that is about to be sent, or sent again under a new id."""
        event_id = uuid.uuid4().hex
        known = self.find_content(file, sha256)
        if known is not None:
            self._do("UPDATE sent SET notices_from = ?, event_id = ? WHERE row = ?", notices_from, event_id, known.row)
            self.seen(known.row, file)
            return known.row, event_id
        values = (self._target, sha256, notices_from, event_id, *_facts(file))
        columns = ", ".join(["target", "sha256", "notices_from", "event_id", *_FACTS])
        row = self._do(f"INSERT INTO sent ({columns}) VALUES ({', '.join('?' * len(values))})", *values)
        assert row is not None
        return row, event_id

    def acknowledged(self, row: int, place: str) -> None:
        self._do("UPDATE sent SET place = ? WHERE row = ?", place, row)

    def noticed(self, row: int, outcome: str, reason: str, quarantine_id: str = "") -> None:
        statement = "UPDATE sent SET outcome = ?, reason = ?, quarantine_id = ? WHERE row = ?"
        self._do(statement, outcome, reason, quarantine_id, row)

    def save(self) -> None:
        """Writes everything so far to the disk."""
        self._space.write(self._database.commit)

    def _do(self, statement: str, *values: object) -> int | None:
        with closing(self._space.write(partial(self._database.execute, statement, values))) as done:
            return done.lastrowid

    def _one(self, where: str, *values: object) -> Sent | None:
        texts = ("place", "outcome", "reason", "event_id", "quarantine_id")
        columns = ", ".join(["row", "file", "sha256", "notices_from", *(f"coalesce({name}, '')" for name in texts)])
        query = f"SELECT {columns} FROM sent WHERE target = ? AND {where}"
        with closing(self._database.execute(query, (self._target, *values))) as found:
            row = found.fetchone()
        return Sent(*row) if row is not None else None


@contextmanager
def open_journal(data: Path, target: str, space: FreeSpace) -> Generator[Journal]:
    """The journal in a data folder, created where absent; saved at the end."""
    path = data / NAME
    os.close(space.write(lambda: os.open(path, os.O_CREAT | os.O_RDWR, 0o600)))
    with closing(sqlite3.connect(path, timeout=30)) as database:
        # FULL: each commit reaches the disk; WAL alone may lose the last ones.
        for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"):
            space.write(partial(database.execute, statement))
        space.write(lambda: database.executescript(_SCHEMA))
        with closing(database.execute("SELECT name FROM pragma_table_info('sent')")) as found:
            known = {name for (name,) in found}
        for name, kind in _ADDED.items():
            if name not in known:
                space.write(partial(database.execute, f"ALTER TABLE sent ADD COLUMN {name} {kind}"))
        try:
            yield Journal(database, target, space)
        finally:
            space.write(database.commit)


def files_by_sha256(data: Path) -> dict[str, str]:
    """The paths of the files ingested from this data folder, by SHA-256."""
    path = data / NAME
    if not path.exists():
        return {}
    with closing(sqlite3.connect(path, timeout=30)) as database:
        rows = database.execute("SELECT sha256, folder || '/' || file FROM sent ORDER BY row DESC").fetchall()
    return dict(rows)


def _facts(file: LocalFile) -> tuple[object, ...]:
    # SQLite's integers are signed; some file systems use all 64 bits of an inode.
    inode = file.inode & (2**63 - 1)
    return _text(file.folder), _text(file.file), file.size, file.mtime_ns, file.ctime_ns, inode


def _text(path: str) -> str:
    """A path as SQLite accepts it: bytes that are not UTF-8 are escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
