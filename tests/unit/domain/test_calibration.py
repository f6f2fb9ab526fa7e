"""What a cosine says, by the quality of both pictures and by how many faces were compared."""

from __future__ import annotations

from dataclasses import replace
from math import log10
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.calibration import FALSE_PER_FACE, PROVISIONAL, SURE, TYPICAL, Calibration, Population, WeakPairs
from graph.domain.errors import Invalid

MEASURED = Calibration(
    "a-model",
    Population.ADULTS,
    ((0.357, 1e-3), (0.414, 1e-4), (0.463, 1e-5), (0.528, 1e-6)),
    (WeakPairs(0.5, 0.454, 0.541), WeakPairs(0.8, 0.406, 0.489), WeakPairs(0.98, 0.357, 0.414)),
    ((0.25, 0.0), (0.4, 1.8), (0.5, 2.9), (0.55, 3.5)),
    -0.2,
    3.5,
)
BAD_BAD = ((0.8, (0.357, 3.2e-3), (0.414, 8e-4)), (0.5, (0.357, 8.7e-3), (0.414, 2.6e-3)))
"""How often two different people reach these cosines who are both of this quality, as MEASURED has it."""

cosines = st.floats(-1, 1)
qualities = st.floats(0, 1)
sizes = st.integers(0, 50_000_000)


@pytest.mark.parametrize(
    ("compared", "threshold"),
    [(0, 0.357), (1, 0.357), (500, 0.357), (5000, 0.414), (50_000, 0.463), (500_000, 0.528)],
)
def test_the_threshold_follows_the_number_of_compared_faces(compared: int, threshold: float) -> None:
    assert MEASURED.threshold(compared) == threshold


def test_between_measured_points_the_threshold_lies_on_a_line_in_the_logarithm() -> None:
    assert MEASURED.threshold(round(500 * 10**0.5)) == pytest.approx((0.357 + 0.414) / 2, abs=2e-4)


def test_one_power_of_ten_beyond_what_was_measured_the_threshold_rises_no_further() -> None:
    assert MEASURED.threshold(5_000_000) == pytest.approx(0.593)
    assert MEASURED.threshold(500_000_000) == MEASURED.threshold(5_000_000)


@given(sizes, sizes)
def test_a_larger_register_never_has_a_lower_threshold_and_none_lies_below_the_floor(a: int, b: int) -> None:
    assert MEASURED.floor <= MEASURED.threshold(min(a, b)) <= MEASURED.threshold(max(a, b))


@pytest.mark.parametrize(("quality", "one", "other"), BAD_BAD)
@pytest.mark.parametrize("compared", [500, 1500, 5000])
def test_two_poor_pictures_of_different_people_are_no_more_often_a_candidate_than_two_good_ones(
    quality: float, one: tuple[float, float], other: tuple[float, float], compared: int
) -> None:
    needed = MEASURED.for_pair(MEASURED.threshold(compared), quality, quality)

    normal = NormalDist()
    z_one, z_other = (normal.inv_cdf(1 - share) for _, share in (one, other))
    reached = 1 - normal.cdf(z_one + (z_other - z_one) * (needed - one[0]) / (other[0] - one[0]))
    assert reached <= 1.15 * FALSE_PER_FACE / compared
    assert needed > MEASURED.threshold(compared)


@given(sizes, qualities, qualities, qualities)
def test_what_a_pair_needs_is_symmetric_never_less_than_the_threshold_and_falls_with_either_quality(
    compared: int, a: float, b: float, better: float
) -> None:
    threshold = MEASURED.threshold(compared)
    needed = MEASURED.for_pair(threshold, a, b)

    assert needed == MEASURED.for_pair(threshold, b, a) >= threshold
    assert MEASURED.for_pair(threshold, max(a, better), b) <= needed
    assert MEASURED.for_pair(threshold, max(a, 0.98), b) == threshold, "a poor picture beside a good one is no danger"


@given(sizes, qualities, qualities, st.floats(0, 1), st.floats(0, 1))
def test_flaws_in_common_make_a_pair_need_more_but_never_more_than_no_two_people_reach(
    compared: int, a: float, b: float, shared: float, more: float
) -> None:
    threshold = MEASURED.threshold(compared)
    needed = MEASURED.for_pair(threshold, a, b, shared)

    assert needed == MEASURED.for_pair(threshold, b, a, shared)
    assert MEASURED.for_pair(threshold, a, b) <= needed <= max(SURE, threshold) or needed == SURE
    assert MEASURED.for_pair(threshold, a, b, max(shared, more)) >= needed
    assert MEASURED.for_pair(threshold, 1, 1, 0.1) == pytest.approx(min(threshold + 0.1, SURE))


@given(cosines, cosines, qualities, qualities, st.floats(0, 1))
def test_evidence_falls_with_the_flaws_in_common_and_rises_with_the_cosine_all_the_same(
    cosine: float, other: float, a: float, b: float, shared: float
) -> None:
    ratio = MEASURED.log_ratio(cosine, a, b, shared)

    assert -MEASURED.cap <= ratio <= MEASURED.log_ratio(cosine, a, b)
    assert MEASURED.log_ratio(max(cosine, other), a, b, shared) >= ratio
    assert cosine < SURE or ratio == MEASURED.log_ratio(cosine, a, b)


@given(cosines, cosines, qualities, qualities)
def test_evidence_is_symmetric_capped_and_rises_with_the_cosine(
    cosine: float, other: float, a: float, b: float
) -> None:
    ratio = MEASURED.log_ratio(cosine, a, b)

    assert ratio == MEASURED.log_ratio(cosine, b, a)
    assert -MEASURED.cap <= ratio <= MEASURED.cap
    assert (MEASURED.log_ratio(max(cosine, other), a, b)) >= ratio


def test_the_same_cosine_says_more_where_one_picture_is_poor() -> None:
    good, one_poor, both_poor = (MEASURED.log_ratio(0.4, *pair) for pair in ((0.99, 0.99), (0.99, 0.7), (0.7, 0.7)))

    assert good < MEASURED.log_ratio(0.4, 0.99, TYPICAL) == pytest.approx(1.8)
    assert good < both_poor <= one_poor


@given(qualities, qualities)
def test_no_ratio_says_more_than_as_few_strangers_reach(a: float, b: float) -> None:
    """A score with ratio R is reached by at most 1 in R pairs of different people, two poor pictures' too."""
    raised = [(MEASURED.for_pair(threshold, a, b), share) for threshold, share in MEASURED.false_accepts[:2]]

    for needed, share in raised:
        assert MEASURED.log_ratio(needed, a, b) <= -log10(share) + 0.002  # thresholds are rounded


@pytest.mark.parametrize(
    ("cosine", "words"),
    [(0.2, "little or no support"), (0.3, "weak support"), (0.357, "moderate support"),
     (0.45, "moderately strong support"), (0.55, "strong support"), (0.9, "strong support")],
)  # fmt: skip
def test_a_band_says_it_in_words_and_that_no_children_were_measured(cosine: float, words: str) -> None:
    assert MEASURED.band(cosine, TYPICAL, TYPICAL) == f"{words}; {PROVISIONAL}"


def test_the_caveat_ends_only_where_children_were_measured() -> None:
    for population in (Population.CHILDREN, Population.BOTH):
        assert replace(MEASURED, population=population).band(0.45, TYPICAL, TYPICAL) == "moderately strong support"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"false_accepts": ((0.357, 1e-3),)}, "two points"),
        ({"false_accepts": ((0.414, 1e-3), (0.357, 1e-4))}, "must rise"),
        ({"false_accepts": ((0.357, 1e-4), (0.414, 1e-3))}, "must fall"),
        ({"false_accepts": ((0.357, 1e-3), (0.414, 0.0))}, "between 0 and 1"),
        ({"false_accepts": ((-0.1, 1e-3), (0.414, 1e-4))}, "positive"),
        ({"weak_pairs": (WeakPairs(0.9, 0.5, 0.6), WeakPairs(0.8, 0.4, 0.5))}, "must rise"),
        ({"weak_pairs": (WeakPairs(0.9, 0.5, 0.4),)}, "exceed"),
        ({"weak_pairs": (WeakPairs(0.9, 0.3, 0.4),)}, "never makes a pair easier"),
        ({"weak_pairs": (WeakPairs(12, 0.5, 0.6),)}, "from 0 to 1"),
        ({"evidence": ((0.3, 0.0),)}, "two points"),
        ({"evidence": ((0.3, 1.0), (0.4, 0.5))}, "must rise with the cosine"),
        ({"per_worse": -3.0}, "between -1 and 1"),
        ({"cap": 0.0}, "positive"),
        ({"cap": 9.0}, "at the most"),
    ],
)
def test_what_cant_be_right_is_refused_with_the_reason(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        replace(MEASURED, **wrong)


def test_without_weak_pairs_every_pair_is_as_good_as_any() -> None:
    plain = replace(MEASURED, weak_pairs=())

    assert plain.for_pair(0.45, 0, 0) == 0.45
