"""What the norm says about a face."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.faces.quality import is_weak, quality, too_poor_because


@given(st.floats(-1, 40), st.floats(-1, 40))
def test_quality_lies_between_0_and_1_and_never_falls_with_the_norm(a: float, b: float) -> None:
    assert 0 <= quality(a) <= 1
    assert (a <= b) <= (quality(a) <= quality(b))


@pytest.mark.parametrize(("norm", "expected"), [(0, 0), (7.5, 0.18), (9, 0.55), (10.5, 0.89), (30, 0.989)])
def test_quality_follows_the_measured_table(norm: float, expected: float) -> None:
    assert quality(norm) == pytest.approx(expected)


def test_below_9_a_face_is_too_poor_and_a_sentence_says_why() -> None:
    assert too_poor_because(9.0, 100) is None
    assert "blurred" in (too_poor_because(8.99, 100) or "")
    assert "only 14 pixels" in (too_poor_because(8.0, 14.2) or "")


def test_below_10_a_face_is_weak() -> None:
    assert is_weak(9.99)
    assert not is_weak(10.0)
