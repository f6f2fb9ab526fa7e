"""Sub-folders become cases, whatever they are called, and no file is lost without a word."""

import os
import unicodedata
from pathlib import Path

import pytest

from graph.domain.errors import Invalid
from graph.domain.ids import case_id_fault, is_case_id
from streams.client.folders import case_id_of, read_cases


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def test_each_sub_folder_is_a_case_and_files_lie_at_any_depth(tmp_path: Path) -> None:
    put(tmp_path, "b/1.jpg", "a/deep/er/2.txt", "a/1.jpg", "loose.jpg")
    told: list[str] = []
    found = read_cases(tmp_path, told.append)
    assert [(file.case, file.case_id, file.file) for file in found] == [
        ("a", "local:a", "1.jpg"),
        ("a", "local:a", "deep/er/2.txt"),
        ("b", "local:b", "1.jpg"),
    ]
    assert len(told) == 1 and "(1)" in told[0]


def test_a_link_is_told_of_and_not_followed_and_what_systems_leave_behind_is_no_picture(tmp_path: Path) -> None:
    put(tmp_path, "a/1.jpg", "a/.DS_Store")
    (tmp_path / "a" / "around").symlink_to(tmp_path)
    told: list[str] = []
    assert [file.file for file in read_cases(tmp_path, told.append)] == ["1.jpg"]
    assert told == ["left out: around: a link, which is not followed"]


@pytest.mark.parametrize(
    "name", ["2026-001", "Zoë Ω", "x\ny", "a" * 200, " b", "c ", os.fsdecode(b"\xff"), "a:b", "Zoe\u0308"]
)
def test_every_folder_name_gets_a_legal_case_id(name: str) -> None:
    case_id = case_id_of(name)
    assert is_case_id(case_id) and not case_id_fault(case_id)
    assert case_id.encode("utf-8").isascii() or unicodedata.normalize("NFC", name) in case_id
    assert case_id == case_id_of(name)


def test_changed_names_remain_distinct() -> None:
    names = ["x\ny", "x\ty", "x_y", "a" * 200, "a" * 201]
    assert len({case_id_of(name) for name in names}) == len(names)


@pytest.mark.parametrize("made", ["nothing", "empty", "only files", "empty sub-folder"])
def test_a_folder_without_cases_is_refused_in_one_line(tmp_path: Path, made: str) -> None:
    folder = tmp_path / "pictures"
    if made != "nothing":
        folder.mkdir()
    if made == "only files":
        put(folder, "1.jpg")
    if made == "empty sub-folder":
        (folder / "a").mkdir()
    with pytest.raises(Invalid) as refused:
        read_cases(folder, lambda _: None)
    assert "\n" not in refused.value.message
