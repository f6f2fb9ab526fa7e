"""What `redthread ingest` has sent."""

import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from graph.space import Space
from streams.client.free_space import FreeSpace
from streams.client.journal import NAME, LocalFile, open_journal

OLDEST = """
CREATE TABLE sent (
    row INTEGER PRIMARY KEY, target TEXT NOT NULL, folder TEXT NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL, notices_from INTEGER NOT NULL,
    place TEXT, outcome TEXT, reason TEXT
);
CREATE UNIQUE INDEX sent_once ON sent (target, file, sha256);
INSERT INTO sent VALUES (7, 't', '/f', 'a.jpg', 3, 4, 'abc', 5, 'topic/0/1', 'faces_found', '');
"""
"""As the releases before events had an id of their own made it."""
OLD = """
CREATE TABLE sent (
    row INTEGER PRIMARY KEY, target TEXT NOT NULL, folder TEXT NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL, notices_from INTEGER NOT NULL,
    place TEXT, outcome TEXT, reason TEXT, event_id TEXT, quarantine_id TEXT
);
CREATE UNIQUE INDEX sent_once ON sent (target, file, sha256);
INSERT INTO sent VALUES (7, 't', '/f', 'a.jpg', 3, 4, 'abc', 5, 'topic/0/1', 'faces_found', '', NULL, NULL);
"""
"""As the releases before a file's inode was noted made it."""
FILE = LocalFile("/f", "a.jpg", 3, 4, 5, 2**64 - 1)


def space() -> FreeSpace:
    return FreeSpace(Space(()), print, threading.Event())


@pytest.mark.parametrize("before", [OLDEST, OLD])
def test_a_journal_of_an_older_release_is_continued_once_the_bytes_are_known_to_be_the_same(
    tmp_path: Path, before: str
) -> None:
    with closing(sqlite3.connect(tmp_path / NAME)) as database:
        database.executescript(before)

    with open_journal(tmp_path, "t", space()) as journal:
        assert journal.find(FILE) is None and journal.has_path(FILE)
        sent = journal.find_content(FILE, "abc")
        assert sent is not None
        assert (sent.place, sent.outcome, sent.event_id, sent.quarantine_id) == ("topic/0/1", "faces_found", "", "")
        journal.seen(sent.row, FILE)
        assert journal.find(FILE) == sent
        row, event_id = journal.begin(FILE, "abc", 9)
        journal.noticed(row, "quarantined", "gone", "q")
    with open_journal(tmp_path, "t", space()) as journal:
        sent = journal.find(FILE)

    assert sent is not None
    assert (sent.row, sent.event_id, sent.outcome, sent.quarantine_id) == (7, event_id, "quarantined", "q")


@pytest.mark.parametrize("change", [{"size": 4}, {"mtime_ns": 5}, {"ctime_ns": 6}, {"inode": 7}, {"folder": "/g"}])
def test_a_file_that_may_have_changed_is_not_taken_for_the_one_that_was_sent(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    with open_journal(tmp_path, "t", space()) as journal:
        row, _ = journal.begin(FILE, "abc", 9)
        now = replace(FILE, **change)
        assert journal.find(FILE) is not None
        assert journal.find(now) is None and journal.has_path(now)
        other, _ = journal.begin(now, "def", 9)
        assert other != row
