"""The calibration that comes with the program, and a deployment's own beside it."""

import json
from pathlib import Path
from typing import Any

import pytest

from graph.domain.calibration import NOT_CALIBRATED, Population
from graph.domain.errors import Invalid
from infra.cli.doctor import findings
from infra.settings import Settings
from streams.faces.models import MODEL_ID
from streams.gallery.calibration import (
    PACKAGED,
    as_text,
    calibration_of,
    from_text,
    legacy_calibration,
    load_calibrations,
)
from tests.support.commands import redthread

SKEWED: dict[str, Any] = {
    "mean": [0.0, 0.0],
    "map": [[1.0, 0.0], [0.0, 1.0]],
    "crowd": {
        "directions": [[1.0, 0.0], [0.9, 0.1]],
        "base": 0.0,
        "along": [0.0, 0.0],
        "squared": [0.0, 0.0],
        "rest": 0.0,
    },
}
ROUND: dict[str, Any] = {**SKEWED, "crowd": {**SKEWED["crowd"], "directions": [[1.0, 0.0], [0.0, 1.0]]}}
FORMAT_3: dict[str, Any] = {
    "format": 3,
    "calibrations": [
        {
            "model_id": MODEL_ID,
            "population": "children",
            "data_set": "some",
            "measured_on": "2026-11-20",
            "measured_by": "a test",
            "false_accepts": [[0.357, 0.001], [0.414, 0.0001], [0.463, 1e-05], [0.528, 1e-06]],
            "weak_pairs": [{"quality": 0.6, "often": 0.4, "seldom": 0.5}],
            "evidence": [[0.25, 0.0], [0.35, 1.2]],
            "per_worse": -0.35,
            "cap": 3.5,
            "flaws": {"ways": [[1.0, 0.0]], "usual": [0.0], "allowed": 0.1},
        }
    ],
}


def written(folder: Path, **changed: Any) -> Path:
    """The packaged file with some facts of its calibration changed."""
    content = json.loads(PACKAGED.read_bytes())
    content["calibrations"][0] |= changed
    file = folder / "own.json"
    file.write_text(json.dumps(content))
    return file


def test_the_packaged_file_calibrates_the_default_model_on_adults_and_children() -> None:
    calibration = calibration_of(load_calibrations(), MODEL_ID)

    assert calibration.population is Population.BOTH
    assert [share for _, share in calibration.false_accepts[:2]] == [1e-3, 1e-4]
    assert calibration.floor < calibration.false_accepts[0][0] < calibration.group < 1
    assert calibration.score is not None
    assert calibration.score.crowd is not None


def test_a_calibration_is_the_same_after_it_stood_in_the_log() -> None:
    calibration = calibration_of(load_calibrations(), MODEL_ID)

    assert from_text(as_text(calibration)) == calibration
    assert from_text(as_text(calibration)).score_id == calibration.score_id
    with pytest.raises(Invalid, match="can't be read"):
        from_text("{}")


def test_a_file_of_the_release_before_is_read_as_one_without_a_map(tmp_path: Path) -> None:
    file = tmp_path / "own.json"
    file.write_text(json.dumps(FORMAT_3))

    calibration = load_calibrations(file)[MODEL_ID]

    assert calibration.score is None
    assert (calibration.floor, calibration.group) == (0.357, 0.528)
    assert legacy_calibration(MODEL_ID, load_calibrations(file)) == calibration
    assert legacy_calibration(MODEL_ID, load_calibrations()).false_accepts == calibration.false_accepts


def test_a_file_of_the_release_before_hides_no_lead_though_it_was_measured_on_children(tmp_path: Path) -> None:
    """Its first threshold is where leads began: with 0.536 a fifth of the pictures with a right link lost it."""
    (content,) = FORMAT_3["calibrations"]
    children = {**content, "false_accepts": [[0.536, 0.001], [0.6, 0.0001]]}
    file = tmp_path / "own.json"
    file.write_text(json.dumps({"calibrations": [children], "format": 3}, separators=(",", ":")))

    calibration = load_calibrations(file)[MODEL_ID]

    assert (calibration.floor, calibration.threshold(1)) == (0.357, 0.536)


def test_a_file_of_ones_own_stands_above_the_packaged_one_and_leaves_other_models_alone(tmp_path: Path) -> None:
    own = written(tmp_path, population="children")
    assert load_calibrations(own)[MODEL_ID].population is Population.CHILDREN

    other = written(tmp_path, model_id="another-model")
    assert set(load_calibrations(other)) == {MODEL_ID, "another-model"}


def test_of_a_model_that_nobody_measured_every_band_says_so() -> None:
    calibration = calibration_of(load_calibrations(), "another-model")

    assert calibration.model_id == "another-model"
    assert calibration.band(0.45) == f"moderately strong support; {NOT_CALIBRATED}"
    assert calibration.score is None, "its vectors have other directions"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"population": "everybody"}, "population"),
        ({"measured_on": "yesterday"}, "measured_on"),
        ({"cap": "much"}, "cap"),
        ({"cap": float("inf")}, "not usable"),
        ({"more": 1}, "more"),
        ({"data_set": ""}, "data_set"),
        ({"cap": 99.0}, "cap"),
        ({"floor": 0.9}, "no threshold may lie below"),
        ({"score": {"mean": [0.0, 0.0], "map": [[1.0, 0.0]], "crowd": None}}, "as many rows"),
        ({"score": {"mean": [0.0], "map": [[0.0]], "crowd": None}}, "nothing but zeros"),
        ({"score": {"mean": [0.0], "map": [[1e200]], "crowd": None}}, "too large"),
        ({"score": {"mean": [1e308], "map": [[1.0]], "crowd": None}}, "too large"),
        ({"score": {**ROUND, "crowd": {**ROUND["crowd"], "base": 1e308}}}, "too large"),
        ({"score": {**ROUND, "crowd": {**ROUND["crowd"], "squared": [-1e308, 1e308]}}}, "too large"),
        ({"false_accepts": [[5.0, 0.001], [6.0, 0.0001]]}, "above 1"),
        ({"score": SKEWED}, "right angles"),
        ({"score": ROUND}, "of 2 numbers, the vectors of .* of 128"),
        ({"score": {**SKEWED, "crowd": {**SKEWED["crowd"], "along": []}}}, "for each direction"),
    ],
)
def test_a_file_that_is_not_usable_is_refused_by_name(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid, match=said) as refused:
        load_calibrations(written(tmp_path, **changed))
    assert "own.json" in refused.value.message


def test_a_missing_file_one_that_is_no_json_and_a_model_listed_twice_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"own\.json can't be read"):
        load_calibrations(tmp_path / "own.json")
    (tmp_path / "own.json").write_text("no json")
    with pytest.raises(Invalid, match="not usable"):
        load_calibrations(tmp_path / "own.json")
    content = json.loads(PACKAGED.read_bytes())
    (tmp_path / "own.json").write_text(json.dumps({**content, "format": 1}))
    with pytest.raises(Invalid, match="measure again"):
        load_calibrations(tmp_path / "own.json")
    (tmp_path / "own.json").write_text(json.dumps({**content, "calibrations": content["calibrations"] * 2}))
    with pytest.raises(Invalid, match="twice"):
        load_calibrations(tmp_path / "own.json")


def test_doctor_and_up_name_a_file_that_is_not_usable_before_anything_starts(tmp_path: Path) -> None:
    """Symptom: `up` said that it is ready, and link ended with the reason again and again; `doctor` said nothing."""
    (tmp_path / "own.json").write_text("{}")

    chosen = Settings(calibration=tmp_path / "own.json", stack="external", data=tmp_path / "data")
    [finding] = [each for each in findings(chosen) if each.subject == "calibration"]
    assert "own.json is not usable" in finding.found
    assert finding.remedy

    ports = ("--api-port", 0, "--kafka-port", 0, "--neo4j-port", 0)
    own = {"REDTHREAD_CALIBRATION": str(tmp_path / "own.json")}
    done = redthread("up", "--data", tmp_path / "data", *ports, env=own)
    assert done.returncode
    assert "own.json is not usable" in done.stderr
    assert "starting Kafka" not in done.stdout + done.stderr
