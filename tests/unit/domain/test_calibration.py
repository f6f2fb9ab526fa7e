"""What a score says, and from which one on two faces are a candidate, by how many faces were compared."""

from dataclasses import replace
from math import log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.calibration import PROVISIONAL, Calibration, Population
from graph.domain.errors import Invalid

MEASURED = Calibration(
    "a-model",
    Population.ADULTS,
    ((0.357, 1e-3), (0.414, 1e-4), (0.463, 1e-5), (0.528, 1e-6)),
    ((0.25, 0.0), (0.4, 1.8), (0.5, 2.9), (0.55, 3.5)),
    3.5,
    0.3,
)
cosines = st.floats(-1, 1)
sizes = st.integers(0, 50_000_000)


@pytest.mark.parametrize(
    ("compared", "threshold"), [(0, 0.357), (1, 0.357), (400, 0.357), (4000, 0.414), (40_000, 0.463), (400_000, 0.528)]
)
def test_the_threshold_follows_the_number_of_compared_faces(compared: int, threshold: float) -> None:
    assert MEASURED.threshold(compared) == threshold


def test_between_measured_points_the_threshold_lies_on_a_line_in_the_logarithm() -> None:
    assert MEASURED.threshold(round(400 * 10**0.5)) == pytest.approx((0.357 + 0.414) / 2, abs=2e-4)


def test_two_powers_of_ten_beyond_what_was_measured_the_threshold_rises_no_further() -> None:
    assert MEASURED.threshold(40_000_000) == pytest.approx(0.658)
    assert MEASURED.threshold(500_000_000) == MEASURED.threshold(40_000_000)


@given(sizes, sizes)
def test_a_larger_register_never_has_a_lower_threshold_and_none_lies_below_the_floor(a: int, b: int) -> None:
    assert MEASURED.floor <= MEASURED.threshold(min(a, b)) <= MEASURED.threshold(max(a, b))


def test_a_group_asks_for_what_one_pair_of_strangers_in_a_million_reaches() -> None:
    assert MEASURED.group == 0.528
    assert replace(MEASURED, false_accepts=((0.5, 1e-3), (0.6, 1e-4))).group == 0.8, "straight on beyond what is known"
    assert replace(MEASURED, false_accepts=((0.5, 1e-3), (0.9, 1e-4))).group == 1.0


def test_another_number_makes_another_score() -> None:
    assert MEASURED.score_id == replace(MEASURED).score_id
    others = [replace(MEASURED, cap=3.0), replace(MEASURED, floor=0.2), replace(MEASURED, model_id="b")]
    assert len({MEASURED.score_id, *(other.score_id for other in others)}) == 4


@given(cosines, cosines)
def test_evidence_is_capped_and_rises_with_the_score(score: float, other: float) -> None:
    assert -MEASURED.cap <= MEASURED.log_ratio(score) <= MEASURED.log_ratio(max(score, other)) <= MEASURED.cap


def test_no_ratio_says_more_than_as_few_strangers_reach() -> None:
    """A score with ratio R is reached by at most 1 in R pairs of different people."""
    for score, share in MEASURED.false_accepts:
        assert replace(MEASURED, evidence=((0.0, 0.0), (0.1, 6.0))).log_ratio(score) <= -log10(share) + 1e-9


@pytest.mark.parametrize(
    ("cosine", "words"),
    [
        (0.2, "little or no support"),
        (0.3, "weak support"),
        (0.357, "moderate support"),
        (0.45, "moderately strong support"),
        (0.55, "strong support"),
        (0.9, "strong support"),
    ],
)
def test_a_band_says_it_in_words_and_that_no_children_were_measured(cosine: float, words: str) -> None:
    assert MEASURED.band(cosine) == f"{words}; {PROVISIONAL}"


def test_the_caveat_ends_only_where_children_were_measured() -> None:
    for population in (Population.CHILDREN, Population.BOTH):
        assert replace(MEASURED, population=population).band(0.45) == "moderately strong support"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"false_accepts": ((0.357, 1e-3),)}, "two points"),
        ({"false_accepts": ((0.414, 1e-3), (0.357, 1e-4))}, "must rise"),
        ({"false_accepts": ((0.357, 1e-4), (0.414, 1e-3))}, "must fall"),
        ({"false_accepts": ((0.357, 1e-3), (0.414, 0.0))}, "between 0 and 1"),
        ({"false_accepts": ((-0.1, 1e-3), (0.414, 1e-4))}, "no threshold may lie below"),
        ({"evidence": ((0.3, 0.0),)}, "two points"),
        ({"evidence": ((0.3, 1.0), (0.4, 0.5))}, "must rise with the score"),
        ({"floor": 0.4}, "no threshold may lie below"),
        ({"floor": 0.0}, "positive"),
        ({"cap": 0.0}, "positive"),
        ({"cap": 9.0}, "at the most"),
    ],
)
def test_what_cant_be_right_is_refused_with_the_reason(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        replace(MEASURED, **wrong)
