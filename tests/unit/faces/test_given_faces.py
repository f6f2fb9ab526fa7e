"""Each sample case that is about seeing a face ends as the cases' list says it must."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streams.faces.find import FaceFinder, FoundFace
from streams.faces.models import MODEL_ID
from streams.gallery.calibration import calibration_of, load_calibrations
from streams.gallery.scoring import Scorer
from streams.media.decode import Decoder

CASES = Path(__file__).resolve().parents[4] / "shared" / "cases"
_KINDS = (
    *("crop_upright", "dark_or_flat", "rough_small_look", "close_up", "small_in_large", "long_or_wide"),
    "covered_or_cut",
)
_NEAR = 40
"""Pixels between the middle of a face and where it lies, where the case gives no other distance."""

Case = dict[str, Any]

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason=f"the sample cases are absent: {CASES}")


def _cases(*kinds: str) -> list[Any]:
    listed: list[Case] = json.loads((CASES / "cases.json").read_text()) if CASES.is_dir() else []
    return [pytest.param(case, id=case["file"]) for case in listed if case["kind"] in kinds]


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    decoder = Decoder()
    yield decoder
    decoder.close()


def _faces(file: Path, decoder: Decoder, finder: FaceFinder) -> list[FoundFace]:
    return finder.find(decoder.decode(file.read_bytes(), None), "ab" * 32)


@pytest.mark.parametrize("case", _cases(*_KINDS))
def test_the_face_is_found_as_its_case_says(case: Case, decoder: Decoder, finder: FaceFinder) -> None:
    faces = _faces(CASES / case["file"], decoder, finder)

    assert len(faces) == case.get("faces", 1)
    [face, *_] = faces
    x, y, w, h = face.box
    at = case.get("face_at", (x + w / 2, y + h / 2))
    assert max(abs(x + w / 2 - at[0]), abs(y + h / 2 - at[1])) <= case.get("near", _NEAR)
    assert w >= case.get("min_width", 0)
    if "not too poor" in case["must"]:
        assert face.too_poor_because is None


@pytest.mark.parametrize("case", [case for case in _cases("same_person_twice") if "single" in case.values[0]])
def test_each_face_of_one_person_in_one_picture_is_found(case: Case, decoder: Decoder, finder: FaceFinder) -> None:
    [alone] = _faces(CASES / case["single"], decoder, finder)

    together = _faces(CASES / case["file"], decoder, finder)

    assert len(together) == (4 if "collage" in case["file"] else 2)
    assert all(float(face.vector @ alone.vector) > 0.5 for face in together)


@pytest.mark.parametrize("case", _cases("crop_upright"))
def test_the_crop_of_a_turned_face_is_upright(case: Case, decoder: Decoder, finder: FaceFinder) -> None:
    [face] = _faces(CASES / case["file"], decoder, finder)

    crop = decoder.decode(face.display_crop, None)
    [shown] = finder.find(crop, "ab" * 32)

    assert shown.landmarks is not None
    left, right, _, *mouth = shown.landmarks
    assert left[0] < right[0]
    assert max(left[1], right[1]) < min(corner[1] for corner in mouth)
    assert float(shown.vector @ face.vector) > 0.9


@pytest.mark.parametrize("case", _cases("strangers_alike"))
def test_strangers_spoiled_alike_are_no_more_candidates_than_in_good_pictures(
    case: Case, decoder: Decoder, finder: FaceFinder
) -> None:
    files = sorted((CASES / case["file"]).rglob("*.jpg"))
    main = [max(_faces(file, decoder, finder), key=lambda face: face.box[2], default=None) for file in files]
    able = [face.vector for face in main if face is not None and face.too_poor_because is None]

    calibration = calibration_of(load_calibrations(None), MODEL_ID)
    scorer = Scorer(calibration.score)
    scored = [scorer.scored(vector) for vector in able]
    above = [float(np.dot(a, b)) >= calibration.threshold(len(files)) for a, b in itertools.combinations(scored, 2)]

    assert len(files) == case["people"]
    assert sum(above) <= 1
