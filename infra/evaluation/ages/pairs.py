"""Pairs of faces at known ages: true and false accepts by age and by the years between. Pure."""

from typing import Final

import numpy as np

from infra.evaluation.accuracy.rates import Floats, Metrics, accepted, threshold_at
from infra.evaluation.ages.people import ADULTS, AGE_BANDS, GAPS, NEAR, Aged, Chosen, band_name, over_people
from infra.evaluation.product_score import ProductScore

FALSE: Final = ("0.01", "0.001")
CHILDREN: Final = 12
SMALL: Final = 8
"""Age of the older of two strangers up to which both are small children."""


class Pairs:
    """All pairs of two of the faces: `score` (p,), `younger` and `older` age (p,), whether they are one person's."""

    def __init__(self, aged: Aged, score: ProductScore) -> None:
        self.a, self.b = np.triu_indices(len(aged.age), 1)
        self.person = aged.person
        self.score: Floats = score.scores(aged.faces, aged.faces)[self.a, self.b]
        self.same: Chosen = aged.person[self.a] == aged.person[self.b]
        self.younger = np.minimum(aged.age[self.a], aged.age[self.b])
        self.older = np.maximum(aged.age[self.a], aged.age[self.b])
        self.gap = self.older - self.younger

    def weights(self, times: Floats) -> Floats:
        """How often each pair counts (p,) where each person counts `times`."""
        one, other = times[self.person[self.a]], times[self.person[self.b]]
        return np.where(self.same, one, one * other)


def measure_pairs(aged: Aged, score: ProductScore, seed: int) -> Metrics:
    """`pairs`: by band of ages that both faces are of, the share of strangers at or above the floor, and of pairs of
    one person at most NEAR years apart those accepted where one stranger of that band in a hundred, in a thousand is.

    `one_threshold`: where one stranger of all in a thousand is accepted, the share of true pairs of children, at most
    NEAR years apart, and how much more often strangers who are both small are accepted than adults. `by_gap`: the share
    of one person's pairs at or above the floor, by the age of the younger picture and the years between.
    """
    pairs = Pairs(aged, score)
    return {
        "pairs": [_in_band(pairs, band, score.floor, seed) for band in AGE_BANDS],
        "one_threshold": _one_threshold(pairs, seed),
        "by_gap": [
            {"younger": band_name(band), "gap": band_name(gap), **_found(pairs, band, gap, score.floor, seed)}
            for band in AGE_BANDS
            for gap in GAPS
        ],
    }


def _in_band(pairs: Pairs, band: tuple[int, int], floor: float, seed: int) -> Metrics:
    both = (pairs.younger >= band[0]) & (pairs.older <= band[1])
    strangers, mates = both & ~pairs.same, both & pairs.same & (pairs.gap <= NEAR)

    def above_floor(weights: Floats) -> float:
        return accepted(pairs.score[strangers], floor, weights[strangers])

    def tar(weights: Floats, far: str) -> float:
        limit = threshold_at(pairs.score[strangers], float(far), weights[strangers])
        return accepted(pairs.score[mates], limit, weights[mates])

    once = np.ones(len(pairs.score))
    return {
        "ages": band_name(band),
        "strangers": int(strangers.sum()),
        "mates": int(mates.sum()),
        "strangers_above_floor": above_floor(once),
        "thresholds": {far: threshold_at(pairs.score[strangers], float(far)) for far in FALSE},
        "tar_at_far": {far: tar(once, far) for far in FALSE},
        "intervals": {
            "strangers_above_floor": over_people(pairs.person, lambda t: above_floor(pairs.weights(t)), seed),
            "tar_at_far": {
                far: over_people(pairs.person, lambda t, far=far: tar(pairs.weights(t), far), seed) for far in FALSE
            },
        },
    }


def _one_threshold(pairs: Pairs, seed: int) -> Metrics:
    mates = pairs.same & (pairs.older <= CHILDREN) & (pairs.gap <= NEAR)
    small = ~pairs.same & (pairs.older <= SMALL)
    adults = ~pairs.same & (pairs.younger >= ADULTS[0])

    def measured(weights: Floats) -> Metrics:
        limit = threshold_at(pairs.score[~pairs.same], float(FALSE[1]), weights[~pairs.same])
        of = {"children": mates, "small_strangers": small, "adult_strangers": adults}
        return {name: accepted(pairs.score[some], limit, weights[some]) for name, some in of.items()}

    once = measured(np.ones(len(pairs.score)))
    found = {
        name: over_people(pairs.person, lambda t, name=name: measured(pairs.weights(t))[name], seed) for name in once
    }
    return {"false_accepts": float(FALSE[1]), "mates": int(mates.sum()), **once, "intervals": found}


def _found(pairs: Pairs, band: tuple[int, int], gap: tuple[int, int], floor: float, seed: int) -> Metrics:
    mates = pairs.same & (pairs.younger >= band[0]) & (pairs.younger <= band[1])
    mates &= (pairs.gap >= gap[0]) & (pairs.gap <= gap[1])

    def above_floor(weights: Floats) -> float:
        return accepted(pairs.score[mates], floor, weights[mates])

    return {
        "mates": int(mates.sum()),
        "above_floor": above_floor(np.ones(len(pairs.score))),
        "interval": over_people(pairs.person, lambda t: above_floor(pairs.weights(t)), seed),
    }
