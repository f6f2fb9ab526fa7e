"""Files are whole and on the disk once they are written, whatever ends the process or the machine."""

import os
import stat
import threading
from pathlib import Path

import pytest

from graph.atomic import SHARED, make_folders, whole_file, write_whole
from graph.space import Space
from streams.client import journal as ingest_journal
from streams.client.free_space import FreeSpace


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What was synced, by the path that it had then."""
    found: list[Path] = []
    fsync = os.fsync

    def noting(descriptor: int) -> None:
        found.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    return found


def test_a_file_and_every_folder_that_is_made_for_it_outlast_a_power_cut(tmp_path: Path, synced: list[Path]) -> None:
    """`stack.json` was empty after a cut: renamed before its bytes were on the disk."""
    target = tmp_path / "new" / "deep" / "file"

    write_whole(target, "text")

    assert target.read_text() == "text"
    draft = synced.pop(2)
    assert (draft.parent, draft.name.startswith(".file.")) == (target.parent, True)
    # The entry of `new` is in the folder that was there, the file's own in `deep`, which is synced after the rename.
    assert synced == [tmp_path, tmp_path / "new", target.parent]
    assert [stat.S_IMODE(path.stat().st_mode) for path in (target, target.parent)] == [0o600, 0o700]


def test_what_can_be_made_again_costs_no_sync(tmp_path: Path, synced: list[Path]) -> None:
    write_whole(tmp_path / "new" / "file", b"bytes", durable=False)

    assert not synced


def test_a_file_that_is_not_finished_leaves_the_old_one_and_no_draft(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", "old", mode=SHARED)

    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "file") as file:
        file.write(b"half")
        raise KeyboardInterrupt

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "old")]


def test_a_path_from_an_open_folder_is_written_there_wherever_the_folder_is_moved(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    store = os.open(tmp_path / "store", os.O_RDONLY)
    (tmp_path / "store").rename(tmp_path / "moved")

    write_whole(Path("a/b/file"), b"bytes", at=store)

    os.close(store)
    assert (tmp_path / "moved" / "a" / "b" / "file").read_bytes() == b"bytes"


def test_folders_that_are_there_are_left_as_they_are(tmp_path: Path, synced: list[Path]) -> None:
    make_folders(tmp_path)

    assert not synced


def test_the_journal_of_ingest_is_on_the_disk_at_every_commit(tmp_path: Path) -> None:
    with ingest_journal.open_journal(tmp_path, "target", FreeSpace(Space(()), print, threading.Event())) as journal:
        assert journal._database.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
