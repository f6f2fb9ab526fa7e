"""Directions of flaws that can't be right are refused."""

from __future__ import annotations

import math

import pytest

from graph.domain.errors import Invalid
from graph.domain.flaws import Flaws


@pytest.mark.parametrize(
    ("ways", "usual", "allowed", "said"),
    [
        ((), (), 0.0, "one direction or more"),
        (((1.0, 0.0), (0.0,)), (0.0, 0.0), 0.0, "of one length"),
        (((1.0, 0.0),), (0.0, 0.0), 0.0, "usual place"),
        (((2.0, 0.0),), (0.0,), 0.0, "length 1"),
        (((math.nan, 0.0),), (0.0,), 0.0, "length 1"),
        (((1.0, 0.0), (0.8, 0.6)), (0.0, 0.0), 0.0, "right angles"),
        (((1.0, 0.0),), (9.0,), 0.0, "so far along"),
        (((1.0, 0.0),), (0.0,), -0.1, "between 0 and 1"),
    ],
)
def test_what_cant_be_right_is_refused_with_the_reason(
    ways: tuple[tuple[float, ...], ...], usual: tuple[float, ...], allowed: float, said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        Flaws(ways, usual, allowed)


def test_a_direction_may_be_written_with_few_decimals() -> None:
    assert Flaws(((0.7071, 0.7071), (0.7071, -0.7071)), (0.1, 0.2), 0.02).allowed == 0.02
