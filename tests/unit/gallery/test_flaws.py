"""What two faces have in common because both pictures are poor is told apart from what makes them one person's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.calibration import SURE
from graph.domain.errors import Invalid
from graph.domain.flaws import Flaws
from streams.gallery.flaws import SharedFlaws

WAYS = np.linalg.qr(np.random.default_rng(5).standard_normal((16, 2)))[0].T
FLAWS = SharedFlaws(Flaws(tuple(map(tuple, WAYS.tolist())), (0.1, -0.2), 0.02))
GOOD = (0.1, -0.2)
seeds = st.integers(0, 2**32 - 1)


def face(seed: int, along: tuple[float, float]) -> np.ndarray:
    """A drawn unit vector that lies so far along the two directions."""
    drawn = np.random.default_rng(seed).standard_normal(16)
    drawn -= WAYS.T @ (WAYS @ drawn)
    made = WAYS.T @ np.array(along) + np.sqrt(1 - np.dot(along, along)) * drawn / np.linalg.norm(drawn)
    return made.astype(np.float32)


@given(seeds, seeds)
def test_it_is_told_of_the_flaws_alone_whoever_the_faces_show(one: int, other: int) -> None:
    poor = (0.5, -0.2)

    assert FLAWS.along(face(one, poor)) == pytest.approx([0.4, 0.0], abs=1e-6)
    assert FLAWS.of_pair(face(one, poor), face(other, poor)) == pytest.approx(0.4 * 0.4 - 0.02, abs=1e-6)


@given(seeds, seeds, st.floats(-0.6, 0.6), st.floats(-0.6, 0.6))
def test_it_is_symmetric_and_nothing_beside_a_good_picture_or_one_with_the_opposite_flaw(
    one: int, other: int, a: float, b: float
) -> None:
    left, right = face(one, (a, b)), face(other, (b, a))

    assert FLAWS.of_pair(left, right) == FLAWS.of_pair(right, left) >= 0
    assert FLAWS.of_pair(left, face(other, GOOD)) == 0
    assert FLAWS.of_pair(face(one, (0.1 + a / 2, -0.2)), face(other, (0.1 - a / 2, -0.2))) == 0


def test_a_likeness_is_the_cosine_less_what_is_shared_but_for_one_picture_saved_twice() -> None:
    some = np.stack([face(seed, (0.5, -0.2)) for seed in range(4)])

    told = FLAWS.likeness(some, some[1:])

    for row, one in enumerate(some):
        for column, other in enumerate(some[1:]):
            cosine = float(one.astype(np.float64) @ other)
            expected = cosine if cosine >= SURE else cosine - FLAWS.of_pair(one, other)
            assert told[row, column] == pytest.approx(expected, abs=1e-6)
    assert told.max() == pytest.approx(1) and told.min() < 0.2


def test_where_nobody_measured_any_nothing_is_shared() -> None:
    none = SharedFlaws(None)

    assert none.of_pair(face(1, (0.5, 0.1)), face(2, (0.5, 0.1))) == 0
    assert none.likeness(face(1, GOOD)[None], face(1, GOOD)[None]) == pytest.approx(1)


def test_vectors_of_another_length_are_refused_with_both() -> None:
    with pytest.raises(Invalid, match=r"16 numbers and a face vector 512"):
        FLAWS.along(np.zeros(512, np.float32))
