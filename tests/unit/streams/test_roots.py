"""A root's file appears whole, is read-only, and is never replaced."""

import os
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from graph.domain.audit_root import Root, last_finished_day, read_root
from streams.relay.audit_roots import write_root

ROOT = Root("2026-11-20", 7, "a" * 64, 7)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_root_is_stored_as_it_is_read_and_its_file_is_read_only(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "anchors"

    assert write_root(folder, ROOT)

    file = folder / "2026-11-20.json"
    assert read_root(file.read_bytes()) == ROOT
    assert file.stat().st_mode & 0o777 == 0o400
    assert names(folder) == ["2026-11-20.json"]
    assert write_root(folder, ROOT)


def test_another_root_of_the_day_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    write_root(tmp_path, ROOT)

    assert not write_root(tmp_path, replace(ROOT, hash="b" * 64))

    assert read_root((tmp_path / "2026-11-20.json").read_bytes()) == ROOT
    assert names(tmp_path) == ["2026-11-20.json"]


def test_a_half_written_file_of_a_crash_does_not_prevent_the_next_one(tmp_path: Path) -> None:
    (tmp_path / f".2026-11-20.{os.getpid()}").write_bytes(b"half")

    assert write_root(tmp_path, ROOT)
    assert names(tmp_path) == ["2026-11-20.json"]


def test_a_day_is_finished_five_minutes_after_midnight_in_utc() -> None:
    assert last_finished_day(datetime(2026, 11, 21, 0, 4, tzinfo=UTC)) == date(2026, 11, 19)
    assert last_finished_day(datetime(2026, 11, 21, 0, 5, tzinfo=UTC)) == date(2026, 11, 20)
