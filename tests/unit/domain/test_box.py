"""Overlap against plain pixel counting, and which boxes a person may mark a face by."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.box import SMALLEST_MARK_PX, check_mark, iou
from graph.domain.errors import Invalid

_whole = st.integers(0, 20)
_boxes = st.tuples(_whole, _whole, st.integers(1, 20), st.integers(1, 20))


@given(_boxes, _boxes)
def test_iou_is_the_share_of_common_pixels(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> None:
    canvas_a, canvas_b = np.zeros((40, 40), bool), np.zeros((40, 40), bool)
    canvas_a[a[1] : a[1] + a[3], a[0] : a[0] + a[2]] = True
    canvas_b[b[1] : b[1] + b[3], b[0] : b[0] + b[2]] = True

    assert iou(a, b) == pytest.approx((canvas_a & canvas_b).sum() / (canvas_a | canvas_b).sum())


@given(_boxes, _boxes)
def test_iou_is_the_same_from_both_sides_and_one_for_the_same_box(
    a: tuple[int, int, int, int], b: tuple[int, int, int, int]
) -> None:
    assert iou(a, b) == iou(b, a)
    assert iou(a, a) == 1


SMALL = SMALLEST_MARK_PX
INSIDE = [[0, 0, SMALL, SMALL], [0, 0, 100, 50], [100 - SMALL, 50 - SMALL, SMALL, SMALL]]
OUTSIDE = [[-1, 0, 20, 20], [0, -1, 20, 20], [81, 0, 20, 20], [0, 31, 20, 20], [0, 0, 2**62, 2**62], [200, 200, 20, 20]]


def test_a_box_may_reach_to_the_edges_of_the_picture_and_not_beyond() -> None:
    for box in INSIDE:
        check_mark(box, 100, 50)
    for box in OUTSIDE:
        with pytest.raises(Invalid, match="100 x 50 pixels"):
            check_mark(box, 100, 50)


@pytest.mark.parametrize("box", [[0, 0, SMALL - 1, 40], [0, 0, 40, SMALL - 1], [0, 0, 0, 0], [0, 0, -40, -40]])
def test_a_box_in_which_nobody_could_be_recognised_is_refused(box: list[int]) -> None:
    with pytest.raises(Invalid, match=f"at least {SMALL} pixels"):
        check_mark(box, 100, 50)
