"""Verification accuracy on pairs of pictures, by the protocol of Labeled Faces in the Wild. Pure.

Source of the protocol: Huang et al., "Labeled Faces in the Wild", University of Massachusetts, TR 07-49, 2007: ten
folds, the threshold that is best on nine of them is applied to the tenth. Here the pairs are a seeded sample.
"""

import random
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

PAIRS, FOLDS = 3000, 10

Floats = npt.NDArray[np.float64]
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Verification:
    """Mean accuracy over the folds, its standard deviation, and the mean of the folds' thresholds."""

    same: int
    different: int
    accuracy: float
    deviation: float
    threshold: float

    def as_json(self) -> dict[str, Any]:
        return {
            "same": self.same,
            "different": self.different,
            "accuracy": round(self.accuracy, 5),
            "deviation": round(self.deviation, 5),
            "threshold": round(self.threshold, 4),
            "folds": FOLDS,
        }


def seeded_pairs(person_of: Mapping[str, str], seed: int, count: int = PAIRS) -> tuple[list[Pair], list[Pair]]:
    """Pairs of pictures of one person, and of two people: `count` each, or all there are, distinct, in seeded order."""
    chance = random.Random(seed)
    by_person: defaultdict[str, list[str]] = defaultdict(list)
    for picture in sorted(person_of):
        by_person[person_of[picture]].append(picture)
    same = [pair for pictures in by_person.values() for pair in combinations(pictures, 2)]
    same = chance.sample(same, min(count, len(same)))
    pictures = sorted(person_of)
    possible = len(pictures) * (len(pictures) - 1) // 2 - sum(
        len(shown) * (len(shown) - 1) // 2 for shown in by_person.values()
    )
    different: set[Pair] = set()
    drawn: list[Pair] = []
    while len(drawn) < min(count, possible):
        a, b = sorted(chance.sample(pictures, 2))
        if person_of[a] != person_of[b] and (a, b) not in different:
            different.add((a, b))
            drawn.append((a, b))
    return same, drawn


def verify(same: Sequence[float], different: Sequence[float]) -> Verification | None:
    """The accuracy over scores of pairs of one person and of two; None where there are too few for ten folds."""
    if min(len(same), len(different)) < FOLDS:
        return None
    right, fold, thresholds = classified(np.array(same, np.float64), np.array(different, np.float64))
    accuracies = [float(right[fold == number].mean()) for number in range(FOLDS)]
    mean, deviation = statistics.mean(accuracies), statistics.pstdev(accuracies)
    return Verification(len(same), len(different), mean, deviation, statistics.mean(thresholds))


def classified(same: Floats, different: Floats) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64], list[float]]:
    """Which pairs are classified correctly, those of one person first; the fold of each; and each fold's threshold.

    A fold's threshold is the best on all other folds. Each kind needs at least FOLDS pairs.
    """
    scores = np.concatenate([same, different])
    truth = np.arange(len(scores)) < len(same)
    # Each kind is dealt to the folds in turn, so that every fold has its share of both.
    fold = np.concatenate([np.arange(len(same)) % FOLDS, np.arange(len(different)) % FOLDS])
    thresholds = [best_threshold(scores[fold != number], truth[fold != number]) for number in range(FOLDS)]
    return (scores >= np.array(thresholds)[fold]) == truth, fold, thresholds


def best_threshold(scores: Floats, truth: npt.NDArray[np.bool_]) -> float:
    """The threshold of `same person` with the fewest errors; the smallest of equals."""
    order = np.argsort(scores, kind="stable")
    ranked, is_same = scores[order], truth[order]
    # With the threshold at rank i: the same-person pairs below it and the others from it on are wrong.
    errors = np.concatenate([[0], np.cumsum(is_same)]) + np.concatenate([np.cumsum(~is_same[::-1])[::-1], [0]])
    candidates = np.concatenate([ranked, [np.nextafter(ranked[-1], np.inf)]])
    # Only a threshold at the first of equal scores separates ranks.
    first = np.concatenate([[True], candidates[1:] > candidates[:-1]])
    allowed = np.flatnonzero(first)
    return float(candidates[allowed[np.argmin(errors[allowed])]])
