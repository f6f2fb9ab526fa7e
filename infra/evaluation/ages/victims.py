"""Search for a victim with pictures at several ages: methods to score a picture by all of them. Pure."""

from collections.abc import Callable
from typing import Final

import numpy as np

from infra.evaluation.accuracy.people import Codes
from infra.evaluation.accuracy.rates import Floats, Metrics, threshold_at
from infra.evaluation.ages.people import ADULTS, AGE_BANDS, Aged, rate
from infra.evaluation.product_score import Faces, ProductScore

AT_LEAST: Final = 4
"""Pictures from 0 to 18 years of a person who is searched for, the one that is to be found among them."""
GONE: Final = (0, 3, 6)
"""Years around the picture to find in which the victim has no other picture."""
FALSE: Final = 0.001

Method = Callable[[ProductScore, Faces, Faces, Codes], Floats]


def _best(score: ProductScore, asked: Faces, victim: Faces, _: Codes) -> Floats:
    return score.scores(asked, victim).max(axis=1)


def _mean(score: ProductScore, asked: Faces, victim: Faces, _: Codes) -> Floats:
    return score.scores_to_mean(asked, victim) if len(victim.vectors) > 1 else score.scores(asked, victim)[:, 0]


def _better(score: ProductScore, asked: Faces, victim: Faces, ages: Codes) -> Floats:
    return np.maximum(_best(score, asked, victim, ages), _mean(score, asked, victim, ages))


def _mean_by_age(score: ProductScore, asked: Faces, victim: Faces, ages: Codes) -> Floats:
    bands = [(ages >= low) & (ages <= high) for low, high in AGE_BANDS]
    return np.max([_mean(score, asked, victim.of(band), ages[band]) for band in bands if band.any()], axis=0)


def _better_by_age(score: ProductScore, asked: Faces, victim: Faces, ages: Codes) -> Floats:
    return np.maximum(_best(score, asked, victim, ages), _mean_by_age(score, asked, victim, ages))


METHODS: Final[dict[str, Method]] = {
    "best picture": _best,
    "mean": _mean,
    "better of both": _better,
    "mean by age": _mean_by_age,
    "better of best and mean by age": _better_by_age,
}


def measure_victims(aged: Aged, person: Codes, everyone: Faces, score: ProductScore, seed: int) -> list[Metrics]:
    """By the years around the picture to find in which the victim has none, and by method: the share of such pictures
    that rank first among all strangers, and that are accepted where one stranger in a thousand is."""
    known = [one for one in np.unique(aged.person) if len(_young(aged, one)) >= AT_LEAST]
    rows: list[Metrics] = []
    for gone in GONE:
        targets = [each for one in known for each in _targets(aged, one, gone)]
        who: Codes = np.array([aged.person[target] for target, _ in targets], np.int64)
        found: dict[str, Metrics] = {}
        for name, method in METHODS.items() if targets else ():
            rows_of = [
                (target, method(score, everyone, aged.faces.of(others), aged.age[others])) for target, others in targets
            ]
            strangers = [scores[person != aged.person[target]] for target, scores in rows_of]
            own = np.array([scores[target] for target, scores in rows_of])
            first = np.array([score_of > against.max() for score_of, against in zip(own, strangers, strict=True)])
            accepted = own >= threshold_at(np.concatenate(strangers), FALSE)
            found[name] = {"rank1": rate(first, who, seed), "tar_at_far": rate(accepted, who, seed)}
        rows.append({"years_gone": gone, "people": len(set(who.tolist())), "pictures": len(targets), "ways": found})
    return rows


def _young(aged: Aged, one: int) -> Codes:
    return np.flatnonzero((aged.person == one) & (aged.age <= ADULTS[0]))


def _targets(aged: Aged, one: int, gone: int) -> list[tuple[int, Codes]]:
    """Each picture of the person that is to be found, and the pictures of the victim: two at the least."""
    mine = _young(aged, one)
    pairs = [(int(at), mine[(np.abs(aged.age[mine] - aged.age[at]) >= gone) & (mine != at)]) for at in mine]
    return [(target, others) for target, others in pairs if len(others) > 1]
