"""The calibration that comes with the program, and a deployment's own beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from graph.domain.calibration import NOT_CALIBRATED, TYPICAL, Population
from graph.domain.errors import Invalid
from streams.faces.models import MODEL_ID
from streams.gallery.calibration import PACKAGED, calibration_of, load_calibrations


def written(folder: Path, **changed: Any) -> Path:
    """The packaged file with some facts of its calibration changed."""
    told = json.loads(PACKAGED.read_bytes())
    told["calibrations"][0] |= changed
    file = folder / "own.json"
    file.write_text(json.dumps(told))
    return file


def test_the_packaged_file_calibrates_the_default_model_on_adults() -> None:
    calibration = calibration_of(load_calibrations(), MODEL_ID)

    assert calibration.population is Population.ADULTS
    assert calibration.false_accepts == ((0.357, 1e-3), (0.414, 1e-4), (0.463, 1e-5), (0.528, 1e-6))
    assert calibration.for_pair(0.357, 0.7, 0.6) == 0.421, "two poor pictures need more"
    assert calibration.for_pair(0.357, 0.7, 0.999) == 0.357
    assert calibration.for_pair(0.357, 0.7, 0.999, 0.1) == 0.457, "and more by what their flaws are"
    assert calibration.log_ratio(0.4, 0.7, 0.999) > calibration.log_ratio(0.4, 0.99, 0.999)


def test_a_file_of_ones_own_stands_above_the_packaged_one_and_leaves_other_models_alone(tmp_path: Path) -> None:
    own = written(tmp_path, population="children")
    assert load_calibrations(own)[MODEL_ID].population is Population.CHILDREN

    other = written(tmp_path, model_id="another-model")
    assert set(load_calibrations(other)) == {MODEL_ID, "another-model"}


def test_of_a_model_that_nobody_measured_every_band_says_so() -> None:
    calibration = calibration_of(load_calibrations(), "another-model")

    assert calibration.model_id == "another-model"
    assert calibration.band(0.45, TYPICAL, TYPICAL) == f"moderately strong support; {NOT_CALIBRATED}"
    assert calibration.flaws is None, "its vectors have other directions"


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
        ({"flaws": {"ways": [[1.0, 0.0], [0.9, 0.1]], "usual": [0.0, 0.0], "allowed": 0.0}}, "right angles"),
        ({"flaws": {"ways": [[1.0, 0.0]], "usual": [], "allowed": 0.0}}, "usual place"),
        ({"weak_pairs": [{"quality": 9.5, "often": 0.4, "seldom": 0.5}]}, "from 0 to 1"),
    ],
)
def test_a_file_that_is_not_usable_is_refused_by_name(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid, match=said) as refused:
        load_calibrations(written(tmp_path, **changed))
    assert "own.json" in refused.value.message


def test_a_missing_file_one_that_is_no_json_and_a_model_told_twice_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"own\.json can't be read"):
        load_calibrations(tmp_path / "own.json")
    (tmp_path / "own.json").write_text("no json")
    with pytest.raises(Invalid, match="not usable"):
        load_calibrations(tmp_path / "own.json")
    told = json.loads(PACKAGED.read_bytes())
    (tmp_path / "own.json").write_text(json.dumps({**told, "format": 1}))
    with pytest.raises(Invalid, match="measure again"):
        load_calibrations(tmp_path / "own.json")
    (tmp_path / "own.json").write_text(json.dumps({**told, "calibrations": told["calibrations"] * 2}))
    with pytest.raises(Invalid, match="twice"):
        load_calibrations(tmp_path / "own.json")
