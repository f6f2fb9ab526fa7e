"""A picture is searched in the sizes, tiles and contrast that it needs, and its faces are confirmed."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from graph.domain.box import iou
from streams.faces.detect import Detector
from streams.faces.find import CONTEXT_SIDE, DISPLAY_SIDE, FaceFinder, FoundFace
from streams.faces.geometry import Pixels
from streams.faces.looks import LARGE_PIXELS, TILE_MARGIN, TILE_SIDE, exposures, sizes_of, tiles
from streams.faces.models import ModelFiles
from streams.media.decode import Picture
from tests.support.factories_pictures import astronaut


@pytest.fixture(scope="module")
def detector(models: ModelFiles) -> Detector:
    return Detector(models.detector)


@pytest.fixture(scope="module")
def person() -> Pixels:
    return np.ascontiguousarray(np.asarray(astronaut())[:, :, ::-1])


def found_in(finder: FaceFinder, bgr: Pixels) -> list[FoundFace]:
    return finder.find(Picture(bgr, bgr.shape[1], bgr.shape[0], "image/png", 1, None), "ab" * 32)


@pytest.mark.parametrize("shape", [(1, 1), (3000, 4000), (1500, 12_000), (32_000, 1080), (2689, 1345)])
def test_tiles_are_bounded_and_every_point_belongs_to_one(shape: tuple[int, int]) -> None:
    parts = list(tiles(np.zeros((*shape, 3), np.uint8)))

    assert all(max(part.pixels.shape[:2]) <= TILE_SIDE for part in parts)
    for y in range(0, shape[0], 211):
        for x in range(0, shape[1], 211):
            [owner] = [
                part for part in parts if part.first[0] <= x < part.last[0] and part.first[1] <= y < part.last[1]
            ]
            height, width = owner.pixels.shape[:2]
            assert x - owner.x >= min(x, TILE_MARGIN - 1) and y - owner.y >= min(y, TILE_MARGIN - 1)
            assert owner.x + width - x >= min(shape[1] - x, TILE_MARGIN - 1)
            assert owner.y + height - y >= min(shape[0] - y, TILE_MARGIN - 1)


def test_a_large_picture_is_searched_with_half_its_pixels_and_a_long_one_like_a_square_one() -> None:
    for shape in ((3000, 4000), (6000, 8000), (1500, 12_000), (32_000, 1080)):
        _, large = sizes_of(np.zeros((*shape, 3), np.uint8)).upright
        pixels, all_pixels = large.shape[0] * large.shape[1], shape[0] * shape[1]
        assert 0.24 * all_pixels <= pixels <= 1.01 * min(LARGE_PIXELS, 0.5 * all_pixels)


def test_a_small_face_is_found_once_wherever_tiles_meet(detector: Detector, person: Pixels) -> None:
    side = 96
    face = cv2.resize(person, (side, side), interpolation=cv2.INTER_AREA)
    picture = np.full((1080, 16_000, 3), 90, np.uint8)
    places = list(range(100, 15_800, 620))
    for x in places:
        picture[400 : 400 + side, x : x + side] = face

    found = sorted(detector.detect(picture), key=lambda one: one.box[0])

    assert [round((one.box[0] - 100) / 620) for one in found] == list(range(len(places)))


@pytest.mark.parametrize(("low", "high"), [(0, 10), (1, 16), (120, 135), (230, 250)])
def test_a_dark_or_flat_picture_gives_the_face_and_the_vector_of_the_good_one(
    finder: FaceFinder, person: Pixels, low: int, high: int
) -> None:
    [good] = found_in(finder, person)

    [found] = found_in(finder, np.round(low + person / 255.0 * (high - low)).astype(np.uint8))

    assert iou(found.box, good.box) > 0.7
    assert float(found.vector @ good.vector) > 0.8


def test_a_dark_face_that_is_hard_to_compare_is_so_because_it_is_dark(finder: FaceFinder, person: Pixels) -> None:
    blurred = cv2.GaussianBlur(person, (0, 0), 5)

    [found] = found_in(finder, np.round(blurred / 255.0 * 12).astype(np.uint8))

    assert "it is too dark" in str(found.quality_because)


def test_a_picture_of_usual_contrast_is_searched_as_it_is(person: Pixels) -> None:
    [only] = exposures(person)

    assert only.bgr is person
    assert [exposures(np.full((40, 40, 3), grey, np.uint8))[0].high for grey in (0, 90, 255)] == [255] * 3


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_the_crop_stands_upright_in_the_pictures_own_pixels(finder: FaceFinder, person: Pixels, quarters: int) -> None:
    [upright] = found_in(finder, person)
    [found] = found_in(finder, np.ascontiguousarray(np.rot90(person, quarters)))

    crops = [
        np.asarray(Image.open(io.BytesIO(face.display_crop)).convert("L"), np.float32) for face in (upright, found)
    ]
    assert abs(crops[0].shape[0] - crops[1].shape[0]) < 0.3 * crops[0].shape[0]
    shown = cv2.resize(crops[1], crops[0].shape[::-1])
    off = [float(np.abs(np.rot90(shown, turn) - crops[0]).mean()) for turn in range(4)]
    assert off.index(min(off)) == 0


def test_crop_and_view_of_a_huge_face_are_reduced(finder: FaceFinder, person: Pixels) -> None:
    huge = cv2.resize(person[0:300, 80:380], (3000, 3000), interpolation=cv2.INTER_LINEAR)

    [found] = found_in(finder, np.asarray(huge, np.uint8))

    assert Image.open(io.BytesIO(found.display_crop)).size == (DISPLAY_SIDE, DISPLAY_SIDE)
    assert max(Image.open(io.BytesIO(found.context_view)).size) == CONTEXT_SIDE


def test_what_no_close_up_confirms_is_no_face(detector: Detector) -> None:
    """Ovals on skin: the detector sees faces in them at its own threshold."""
    chance = np.random.default_rng(7)
    for _ in range(40):
        picture = np.full((80, 80, 3), chance.integers(0, 255, 3), np.uint8)
        for _ in range(6):
            centre, axes = chance.integers(0, 80, 2).tolist(), chance.integers(4, 30, 2).tolist()
            colour = chance.integers(0, 255, 3).tolist()
            cv2.ellipse(picture, centre, axes, float(chance.integers(180)), 0, 360, colour, -1)
        assert detector.detect(picture) == []
