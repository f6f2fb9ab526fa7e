"""Boxes and cuts, checked by hand-made cases."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.faces.geometry import Box, Square, clip, cut, enlarge, part


@given(
    st.tuples(st.floats(-500, 500), st.floats(-500, 500), st.floats(0, 900), st.floats(0, 900)),
    st.integers(1, 300),
    st.integers(1, 300),
)
def test_a_clipped_box_lies_in_the_picture_and_has_an_area(box: Box, width: int, height: int) -> None:
    x, y, w, h = clip(box, width, height)

    assert 0 <= x < x + w <= width
    assert 0 <= y < y + h <= height


def test_clipping_keeps_a_box_that_lies_inside() -> None:
    assert clip((10.4, 20.6, 30.0, 40.0), 100, 100) == (10, 21, 30, 40)


def test_enlarging_keeps_the_centre_and_takes_the_longer_side() -> None:
    assert enlarge((10, 20, 30, 50), 2) == Square(-25, -5, 100)


def test_a_cut_far_larger_than_its_picture_stays_in_place() -> None:
    picture = np.full((3000, 2000, 3), 200, np.uint8)

    pixels, region = cut(picture, Square(-2000, -1000, 6000), 100)

    assert region == Square(-2000, -1000, 6000)
    lit = np.argwhere(pixels[:, :, 0] > 100)
    assert np.abs(lit.min(axis=0) - (1000 / 60, 2000 / 60)).max() <= 1
    assert np.abs(lit.max(axis=0) - (4000 / 60, 4000 / 60)).max() <= 2


@given(st.integers(-60, 90), st.integers(-60, 90), st.integers(1, 80))
def test_a_cut_shows_the_region_and_black_where_it_leaves_the_picture(x: int, y: int, side: int) -> None:
    picture = np.random.default_rng(1).integers(1, 255, (50, 70, 3), np.uint8)
    wide = np.zeros((300, 300, 3), np.uint8)
    wide[100:150, 100:170] = picture

    pixels, region = cut(picture, Square(x, y, side), side)

    assert region == Square(x, y, side)
    assert np.array_equal(pixels, wide[100 + y : 100 + y + side, 100 + x : 100 + x + side])


def test_a_part_shows_the_pictures_own_pixels_as_far_as_it_has_them_and_is_never_enlarged() -> None:
    picture = np.random.default_rng(3).integers(0, 255, (60, 90, 3), np.uint8)

    assert np.array_equal(part(picture, Square(20, 10, 30), 1600), picture[10:40, 20:50])
    assert np.array_equal(part(picture, Square(-15, 40, 30), 1600), picture[40:60, 0:15])
    assert part(picture, Square(-900, -900, 2000), 45).shape == (30, 45, 3)
