"""Each odd picture of the sample cases is decoded and its face found, as the cases' list says it must be."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.faces.find import FaceFinder, FoundFace
from streams.faces.models import ModelsUnavailable, ensure_models
from streams.media.decode import Decoder, Picture

_CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
_KINDS = (
    *("orientation_with_transparency", "16_bit_range", "16_bit_layout", "float_tiff", "later_frames"),
    *("thumbnail_first", "all_transparent", "named_as_film", "cut_off", "wrong_crc", "junk_before", "long_text"),
    *("other_formats", "taken_at"),
)
_NEAR = 60
"""Pixels between the middle of a face and where it lies, where the case gives no other distance."""

Case = dict[str, Any]
Seen = tuple[list[tuple[Picture, list[FoundFace]]], int]

pytestmark = pytest.mark.skipif(not _CASES.is_dir(), reason=f"the sample cases are absent: {_CASES}")


def _cases() -> list[Any]:
    listed: list[Case] = json.loads((_CASES / "cases.json").read_text()) if _CASES.is_dir() else []
    return [pytest.param(case, id=case["file"]) for case in listed if case["kind"] in _KINDS]


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    try:
        return FaceFinder(ensure_models(Path(os.environ.get("REDTHREAD_MODELS") or cache / "redthread" / "models")))
    except ModelsUnavailable as absent:
        pytest.skip(absent.message)


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    decoder = Decoder()
    yield decoder
    decoder.close()


def _seen(case: Case, decoder: Decoder, finder: FaceFinder) -> Seen:
    """Each picture of the case's file with its faces, and how many pictures were examined."""
    declared = "video/mp4" if case["kind"] == "named_as_film" else None
    pages = decoder.pages((_CASES / case["file"]).read_bytes(), declared)
    return [(page, finder.find(page, "ab" * 32)) for page in pages.pictures], pages.examined


@pytest.mark.parametrize("case", _cases())
def test_the_picture_is_seen_as_its_case_says(case: Case, decoder: Decoder, finder: FaceFinder) -> None:
    seen, examined = _seen(case, decoder, finder)
    picture, _ = seen[0]

    faces = [face for _, found in seen for face in found]
    assert (examined, picture.frames) == (case.get("pages", 1), case.get("pages", 1))
    assert [picture.width, picture.height] == case.get("size", [picture.width, picture.height])
    assert picture.captured_at == case.get("captured_at", picture.captured_at)
    assert len([face for face in faces if face.too_poor_because is None]) == case.get("faces", 1)
    if "partial" in case["must"]:
        assert picture.partial_percent is not None and 50 < picture.partial_percent < 100
    else:
        assert picture.partial_percent is None
    if "face_at" in case:
        x, y, w, h = next(face.box for face in faces if face.too_poor_because is None)
        off = max(abs(x + w / 2 - case["face_at"][0]), abs(y + h / 2 - case["face_at"][1]))
        assert off <= case.get("near", _NEAR)
