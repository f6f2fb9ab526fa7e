"""What `redthread ingest` has sent."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from graph.space import Space
from streams.client.free_space import FreeSpace
from streams.client.journal import NAME, LocalFile, open_journal

BEFORE = """
CREATE TABLE sent (
    row INTEGER PRIMARY KEY, target TEXT NOT NULL, folder TEXT NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL, notices_from INTEGER NOT NULL,
    place TEXT, outcome TEXT, reason TEXT
);
CREATE UNIQUE INDEX sent_once ON sent (target, file, sha256);
INSERT INTO sent VALUES (7, 't', '/f', 'a.jpg', 3, 4, 'abc', 5, 'topic/0/1', 'faces_found', '');
"""
"""As the release before events had an id of their own made it."""


def test_a_journal_of_an_older_release_is_continued(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / NAME)) as database:
        database.executescript(BEFORE)
    file, room = LocalFile("/f", "a.jpg", 3, 4), FreeSpace(Space(()), print, threading.Event())

    with open_journal(tmp_path, "t", room) as journal:
        sent = journal.find(file)
        assert sent is not None
        assert (sent.place, sent.outcome, sent.event_id, sent.quarantine_id) == ("topic/0/1", "faces_found", "", "")
        row, event_id = journal.begin(file, "abc", 9)
        journal.noticed(row, "quarantined", "gone", "q")
    with open_journal(tmp_path, "t", room) as journal:
        sent = journal.find(file)

    assert sent is not None
    assert (sent.row, sent.event_id, sent.outcome, sent.quarantine_id) == (7, event_id, "quarantined", "q")
