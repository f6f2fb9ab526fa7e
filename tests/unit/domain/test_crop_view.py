"""Places of eyes and edges in a crop."""

import pytest

from graph.domain.crop_view import CropView, quarter_turns, region_of

UPRIGHT = [40.0, 50.0, 60.0, 50.0, 50.0, 60.0, 42.0, 72.0, 58.0, 72.0]
"""Eyes, nose and mouth corners of a head in the box (30, 30, 40, 50)."""
BOX = (30, 30, 40, 50)


def test_the_eyes_and_the_edges_of_an_upright_head() -> None:
    view = CropView.of(region_of(BOX, 100, 81), UPRIGHT, 100, 81)
    assert view is not None
    # The crop is 80 x 80 from (10, 15): the picture ends at its height of 81, 66 pixels below the crop's top.
    assert view.eyes == ((30 / 80, 35 / 80), (50 / 80, 35 / 80))
    assert view.edges == (0.0, 0.0, 1.0, 66 / 80)


def test_a_head_that_lies_is_stored_upright() -> None:
    # The same head turned clockwise by a quarter about the centre of its box, in a picture that is as large.
    lying = [
        value for x, y in zip(UPRIGHT[::2], UPRIGHT[1::2], strict=True) for value in (50 - (y - 55), 55 + (x - 50))
    ]
    assert quarter_turns(lying) == 1
    view = CropView.of(region_of((25, 35, 50, 40), 100, 100), lying, 100, 100)
    assert view is not None
    assert view.eyes == ((30 / 80, 35 / 80), (50 / 80, 35 / 80))


@pytest.mark.parametrize(
    ("box", "landmarks", "size"),
    [
        ((0, 30, 40, 50), UPRIGHT, (100, 80)),
        ((30, 30, 40, 50), UPRIGHT, (70, 100)),
        (BOX, None, (100, 100)),
        (BOX, [0.0] * 10, (100, 100)),
        (BOX, UPRIGHT, (None, None)),
    ],
)
def test_nothing_is_said_where_it_is_not_known(
    box: tuple[int, int, int, int], landmarks: list[float] | None, size: tuple[int | None, int | None]
) -> None:
    assert CropView.of(region_of(box, *size), landmarks, *size) is None
