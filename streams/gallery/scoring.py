"""Maps stored face vectors to the scored vectors that are compared. Pure."""

from typing import Final

import numpy as np
import numpy.typing as npt

from graph.domain.errors import Invalid
from graph.domain.score import ScoreMap
from streams.gallery.matrix import Vectors

Floats = npt.NDArray[np.float64]

DIGITS: Final = 7
"""Decimals of a scored vector: float64 sums agree to these whatever their order, so that a face gets the same vector
after every restart."""


class Scorer:
    """Applies one calibration's score map; without a map, stored vectors are compared as they are."""

    def __init__(self, score: ScoreMap | None) -> None:
        self._score = score
        if score is None:
            return
        self._mean, self._map = np.array(score.mean, np.float64), np.array(score.map, np.float64)
        crowd = score.crowd
        self._directions = np.array(crowd.directions if crowd else np.zeros((0, len(score.mean))), np.float64)
        self._along = np.array(crowd.along if crowd else (), np.float64)
        self._squared = np.array(crowd.squared if crowd else (), np.float64)

    @property
    def dimensions(self) -> int | None:
        """The dimensions of a stored vector; None: any."""
        return None if self._score is None else len(self._mean)

    def scored(self, vector: Vectors) -> Vectors:
        """The float32 scored vector (d,) of a stored unit vector (d,). Raises Invalid for other dimensions."""
        if self._score is None:
            return vector
        self.check(len(vector))
        return self.all_scored(vector[None])[0]

    def all_scored(self, vectors: Vectors) -> Vectors:
        """The scored vectors of stored vectors, both (n, d)."""
        if self._score is None:
            return vectors
        moved = vectors.astype(np.float64) - self._mean
        mapped = moved @ self._map
        norm = np.maximum(np.linalg.norm(mapped, axis=1), np.finfo(np.float32).tiny)
        return (mapped * (self._length(moved) / norm)[:, None]).round(DIGITS).astype(np.float32)

    def check(self, dimensions: int) -> None:
        """Raises Invalid if vectors have other dimensions than the map."""
        if self.dimensions not in {None, dimensions}:
            raise Invalid(
                f"the calibration can't be right: its `score` is of {self.dimensions} numbers and a face vector of "
                f"{dimensions}",
                code="bad_calibration",
            )

    def _length(self, moved: Floats) -> Floats:
        """The lengths (n,) of the scored vectors, 0 to 1: short where many strangers are similar."""
        if self._score is None or (crowd := self._score.crowd) is None:
            return np.ones(len(moved))
        along = moved @ self._directions.T
        rest = np.linalg.norm(moved - along @ self._directions, axis=1)
        crowded = crowd.base + along @ self._along + along**2 @ self._squared
        crowded += crowd.rest * np.log(np.maximum(rest, np.finfo(np.float32).tiny))
        return np.exp(-np.maximum(crowded, 0.0))
