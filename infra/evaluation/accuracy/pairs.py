"""Verification: pairs of pictures of one person and of two. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from graph.domain.errors import Invalid
from infra.evaluation.accuracy.people import Codes, Sample, Vectors, cosines, paired
from infra.evaluation.accuracy.rates import (
    RESAMPLES,
    Floats,
    Metrics,
    accepted,
    combined,
    drawn_people,
    interval,
    threshold_at,
)
from infra.evaluation.verification import FOLDS, classified, seeded_pairs

FAR: Final = ("0.01", "0.001")
FAR_OF_ALL: Final = ("0.01", "0.001", "0.0001", "0.00001")
"""False-accept rates over all pairs of two people."""
ROWS_AT_A_TIME: Final = 1000


def check_pairs(people: Sequence[str], seed: int) -> None:
    """Raises Invalid where pictures of these people make too few pairs for the folds."""
    pairs = seeded_pairs({str(picture): person for picture, person in enumerate(people)}, seed, FOLDS)
    if min(len(kind) for kind in pairs) < FOLDS:
        raise Invalid(f"verification needs {FOLDS} pairs of pictures of one person, and of two: there are fewer")


def measure_pairs(sample: Sample, seeds: Sequence[int]) -> tuple[Metrics, Metrics]:
    """Accuracy and TAR at FAR on seeded pairs, means over the seeds, and their intervals under the same keys.

    The protocol is that of `verification`. Intervals: people drawn again with replacement, for each seed, all pooled;
    a pair counts as often as both its people do. `check_pairs` must have passed.
    """
    vectors = sample.vectors("product")
    person_of = {str(picture): str(person) for picture, person in enumerate(sample.person.tolist())}
    means: list[Metrics] = []
    drawn: list[Metrics] = []
    same = different = 0
    for seed in seeds:
        kinds = [_numbered(pairs) for pairs in seeded_pairs(person_of, seed)]
        scores = [paired(vectors, vectors, pairs) for pairs in kinds]
        same, different = len(scores[0]), len(scores[1])
        right, _, _ = classified(*scores)
        means.append(_metrics(scores, right, [np.ones(same), np.ones(different)]))
        chance = np.random.default_rng(seed)
        for _ in range(RESAMPLES):
            times = drawn_people(sample.people, chance)
            one, two = times[sample.person[kinds[0][0]]], times[sample.person[kinds[1][0]]]
            drawn.append(_metrics(scores, right, [one, two * times[sample.person[kinds[1][1]]]]))
    values = combined(means, lambda numbers: float(np.mean(numbers)))
    return {**values, "same": same, "different": different}, combined(drawn, interval)


def _numbered(pairs: Sequence[tuple[str, str]]) -> tuple[Codes, Codes]:
    numbers = np.array([(int(a), int(b)) for a, b in pairs], np.int64).reshape(-1, 2)
    return numbers[:, 0], numbers[:, 1]


def _metrics(scores: Sequence[Floats], right: npt.NDArray[np.bool_], weights: Sequence[Floats]) -> Metrics:
    same, different = scores
    # The share of both kinds stays, however often their people were drawn.
    parts = [(right[: len(same)], weights[0]), (right[len(same) :], weights[1])]
    accuracy = sum(len(part) * accepted(part.astype(np.float64), 1.0, counted) for part, counted in parts) / len(right)
    tar = {far: accepted(same, threshold_at(different, float(far), weights[1]), weights[0]) for far in FAR}
    return {"accuracy": accuracy, "tar_at_far": tar}


@dataclass(frozen=True, slots=True)
class AllPairs:
    """Scores of all pairs of pictures of one person, and of two people."""

    same: Floats
    different: Floats

    def thresholds(self) -> dict[str, float]:
        """By false accept rate; only rates at which at least one pair of two people is accepted."""
        rates = [far for far in FAR_OF_ALL if float(far) * len(self.different) >= 1]
        return {far: threshold_at(self.different, float(far)) for far in rates}

    def as_json(self) -> Metrics:
        limits = self.thresholds()
        return {
            "same": len(self.same),
            "different": len(self.different),
            "tar_at_far": {far: accepted(self.same, limit) for far, limit in limits.items()},
            "thresholds": limits,
        }


def all_pairs(vectors: Vectors, person: Codes) -> AllPairs:
    """The scores of every pair of pictures once."""
    same: list[Floats] = [np.zeros(0)]
    different: list[Floats] = [np.zeros(0)]
    for start in range(0, len(vectors), ROWS_AT_A_TIME):
        rows = slice(start, start + ROWS_AT_A_TIME)
        scores = cosines(vectors[rows], vectors)
        once = np.arange(len(vectors))[None, :] > np.arange(start, start + len(scores))[:, None]
        alike = person[rows, None] == person[None, :]
        same.append(scores[once & alike])
        different.append(scores[once & ~alike])
    return AllPairs(np.concatenate(same), np.concatenate(different))
