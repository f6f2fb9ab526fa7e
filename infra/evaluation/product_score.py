"""The product's score of two faces, for the evaluation: the only module that depends on its form. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graph.domain.calibration import Calibration
from infra.evaluation.accuracy.people import Vectors
from infra.evaluation.accuracy.rates import Floats
from streams.gallery.matrix import all_scores
from streams.gallery.means import MEAN_PENALTY, mean
from streams.gallery.scoring import Scorer


@dataclass(frozen=True, slots=True)
class Faces:
    """Scored vectors (n, d) of faces that are good enough to compare."""

    vectors: Vectors

    def of(self, chosen: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Faces:
        return Faces(self.vectors[chosen])

    @property
    def mean(self) -> Faces:
        """One face: the mean that a victim with these faces has."""
        return Faces(mean(self.vectors)[None])


class ProductScore:
    """The product's score and its limits under one calibration."""

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration
        self._scorer = Scorer(calibration.score)

    @property
    def floor(self) -> float:
        """The score below which nothing is kept."""
        return self._calibration.floor

    @property
    def group(self) -> float:
        """The score from which on two faces of a case may be one group."""
        return self._calibration.group

    def faces(self, stored: Vectors) -> Faces:
        """The faces of these stored unit vectors (n, d)."""
        return Faces(self._scorer.all_scored(stored))

    def scores(self, some: Faces, others: Faces) -> Floats:
        """The score (n, m) of each with each."""
        return all_scores(some.vectors, others.vectors)

    def scores_to_mean(self, some: Faces, others: Faces) -> Floats:
        """The score (n,) of each with the mean of others, comparable with that of two single faces."""
        return all_scores(some.vectors, others.mean.vectors)[:, 0] - MEAN_PENALTY

    def candidates(self, some: Faces, others: Faces, compared: int) -> npt.NDArray[np.bool_]:
        """Which pairs (n, m) are candidates among so many compared faces."""
        return self.scores(some, others) >= self._calibration.threshold(compared)
