"""Each picture is measured once, and warmed up with never: a known picture costs the system less."""

from pathlib import Path

import pytest

from graph.domain.errors import Invalid
from tests.bench.pipeline import Measured, Round, rounds_of


def folder(path: Path, pictures: int) -> Path:
    for number in range(pictures):
        (path / f"person-{number % 7}").mkdir(exist_ok=True)
        (path / f"person-{number % 7}" / f"{number}.jpg").write_bytes(b"x")
    return path


def test_no_picture_is_in_two_rounds_or_in_the_warm_up(tmp_path: Path) -> None:
    warm_up, rounds = rounds_of(folder(tmp_path, 50), repeat=3, seed=1, pictures=0)
    used = [file.path for files in (warm_up, *rounds) for file in files]
    assert len(used) == len(set(used)) == 12 + 3 * 12
    assert {len(files) for files in rounds} == {12}
    assert len({file.case_id for files in rounds for file in files}) > 7  # cases of ours, not the people's folders


def test_too_few_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        rounds_of(folder(tmp_path, 3), repeat=4, seed=1, pictures=0)


def test_the_ratio_is_of_all_rounds_together() -> None:
    rounds = [Round(100, 10.0, 8.0, {"embed": 6.0, "link": 2.0}, 7.0), Round(100, 30.0, 16.0, {"embed": 8.0}, 7.0)]
    found = Measured(rounds, {"detect": 4.0}).as_json()
    assert (found["pipeline_vs_bare"], found["cpu_vs_bare"], found["pipeline_media_per_s"]) == (0.6, 0.875, 5.0)
    assert found["pipeline_cpu_ms_a_media"] == {"embed": 70.0, "link": 10.0}
    assert found["bare_ms_a_media"] == {"detect": 20.0}
