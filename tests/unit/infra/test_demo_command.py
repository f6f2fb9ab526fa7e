"""What `redthread demo` runs its job with: on the samples, and on a folder of one's own."""

from pathlib import Path
from typing import Any

import pytest

from infra.cli import demo
from infra.demo.samples import DISTRICTS, SHOTS
from tests.support.commands import redthread


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The arguments of each job, which is not run."""
    found: list[dict[str, Any]] = []

    async def record(options: Any, files: Any, terms: Any, clock: Any, **rest: Any) -> None:
        found.append({"options": options, "files": files, "terms": terms, **rest})

    monkeypatch.setattr(demo, "_job", record)
    return found


def test_the_samples_are_submitted_with_their_districts_and_served_until_stopped(jobs: list[dict[str, Any]]) -> None:
    assert redthread("demo", "--embed", 2).returncode == 0

    [job] = jobs
    assert {(file.case, file.file) for file in job["files"]} == {(shot.case, shot.file) for shot in SHOTS}
    assert job["terms"].districts == DISTRICTS
    assert (job["serve"], job["as_json"], job["options"].embed) == (True, False, 2)


def test_a_folder_of_one_s_own_is_submitted_and_is_the_only_place_that_pictures_are_read_from(
    jobs: list[dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "mine" / "case one").mkdir(parents=True)
    (tmp_path / "mine" / "case one" / "a.jpg").write_bytes(b"a")

    assert redthread("demo", "--folder", tmp_path / "mine", "--exit", "--json").returncode == 0

    [job] = jobs
    assert [(file.case, file.file) for file in job["files"]] == [("case one", "a.jpg")]
    assert job["terms"] == demo.FOLDER_TERMS
    assert job["options"].media_roots == ((tmp_path / "mine").as_uri() + "/",)
    assert (job["serve"], job["as_json"]) == (False, True)
