"""Archives and folders that are odd in a way which users of similar tools have reported."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.archives import read_all

CASES = Path(__file__).parents[4] / "shared" / "cases"
KINDS = ("archive_", "system_files", "folder_")


def given() -> list[Any]:
    path = CASES / "cases.json"
    if not path.exists():
        return [pytest.param(None, marks=pytest.mark.skip(f"{CASES} is absent"))]
    cases = [case for case in json.loads(path.read_text("utf-8")) if case["kind"].startswith(KINDS)]
    return [pytest.param(case, id=case["file"]) for case in cases]


@pytest.mark.parametrize("case", given())
def test_an_odd_archive_gives_its_pictures_and_names_the_rest(case: dict[str, Any]) -> None:
    read = read_all(CASES / case["file"])

    pictures = {name: data for name, data in read.files.items() if data and data[:3] == b"\xff\xd8\xff"}
    assert set(pictures) == set(read.files), "nothing is sent that would wait in quarantine"
    assert len({hashlib.sha256(data).digest() for data in pictures.values()}) >= case.get("pictures", 1)
    assert set(case.get("exhibits", ())) <= set(pictures)
    if case["kind"] == "archive_encrypted":
        assert read.refused == {"secret.jpg": "encrypted"}
    if case["kind"] == "archive_cut":
        assert "cut off or damaged" in read.refused[Path(case["file"]).name]
    if case["kind"] == "system_files":
        assert read.listing.left_out.total() > 0 and not read.refused
