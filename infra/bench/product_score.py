"""How alike the product says that two faces are, for benches: the one place that follows a change of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graph.domain.calibration import SURE, Calibration
from infra.bench.accuracy_people import Vectors
from infra.bench.accuracy_rates import Floats
from streams.gallery.flaws import SharedFlaws
from streams.gallery.matrix import cosines
from streams.gallery.templates import SCORES_HIGHER, mean


@dataclass(frozen=True, slots=True)
class Faces:
    """Unit vectors (n, d) and the stored quality (n,) of faces that are good enough to compare."""

    vectors: Vectors
    quality: Floats

    def of(self, chosen: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Faces:
        return Faces(self.vectors[chosen], self.quality[chosen])

    @property
    def mean(self) -> Faces:
        """One face: the mean that a victim with these faces has."""
        return Faces(mean(self.vectors)[None], self.quality.max(keepdims=True))


class ProductScore:
    """The product's score and its limits under one calibration."""

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration
        self._flaws = SharedFlaws(calibration.flaws)
        self._measured = [row.quality for row in calibration.weak_pairs] or [0.0]

    @property
    def floor(self) -> float:
        """The score below which nothing is kept."""
        return self._calibration.floor

    def scores(self, some: Faces, others: Faces) -> Floats:
        """The score (n, m) of each with each."""
        return cosines(some.vectors, others.vectors)

    def scores_to_mean(self, some: Faces, others: Faces) -> Floats:
        """The score (n,) of each with the mean of others, comparable with that of two single faces."""
        return cosines(some.vectors, others.mean.vectors)[:, 0] - SCORES_HIGHER

    def candidates(self, some: Faces, others: Faces, compared: int) -> npt.NDArray[np.bool_]:
        """Which pairs (n, m) are candidates among so many compared faces."""
        threshold = self._calibration.threshold(compared)
        at = [self._calibration.for_pair(threshold, quality, quality) for quality in self._measured]
        raised = np.interp(np.maximum(some.quality[:, None], others.quality[None]), self._measured, at)
        along = self._flaws.along(some.vectors)[:, None], self._flaws.along(others.vectors)[None]
        needed = np.maximum(np.minimum(raised + self._flaws.shared(*along), SURE), threshold)
        return self.scores(some, others) >= needed

    def likeness(self, some: Vectors, others: Vectors) -> Floats:
        """By what (n, m) groups within a case are made, of unit vectors (n, d) and (m, d)."""
        return self._flaws.likeness(some, others)
