"""How much of what makes two face vectors alike is that their pictures are poor in the same way. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from graph.domain.calibration import SURE
from graph.domain.errors import Invalid
from graph.domain.flaws import Flaws
from streams.gallery.matrix import Vectors, cosines

Floats = npt.NDArray[np.float64]


class SharedFlaws:
    """By the directions of one calibration; without any, nothing is shared."""

    def __init__(self, flaws: Flaws | None) -> None:
        self._ways = np.array(flaws.ways if flaws else np.zeros((0, 0)), np.float64)
        self._usual = np.array(flaws.usual if flaws else (), np.float64)
        self._allowed = flaws.allowed if flaws else 0.0

    def along(self, vectors: Vectors) -> Floats:
        """How far vectors (..., d) of unit length lie from the usual along each direction, (..., k).

        Raises Invalid where they are not as long as the directions.
        """
        if not len(self._ways):
            return np.zeros((*vectors.shape[:-1], 0))
        if vectors.shape[-1] != self._ways.shape[1]:
            raise Invalid(
                f"the calibration can't be right: in `flaws`, a direction has {self._ways.shape[1]} numbers and a face "
                f"vector {vectors.shape[-1]}",
                code="bad_calibration",
            )
        return vectors.astype(np.float64) @ self._ways.T - self._usual

    def shared(self, a: Floats, b: Floats) -> Floats:
        """How much of two faces' cosine their pictures' flaws are, 0 or more, symmetric, of what `along` told of them.

        Pair by pair, as (..., k) broadcast.
        """
        return np.maximum((a * b).sum(axis=-1) - self._allowed, 0.0)

    def of_pair(self, a: Vectors, b: Vectors) -> float:
        """As `shared`, of two vectors (d,)."""
        return float(self.shared(self.along(a), self.along(b)))

    def likeness(self, a: Vectors, b: Vectors) -> Floats:
        """The cosines of vectors (n, d) and (m, d) less what their pictures' flaws are, (n, m)."""
        return less(cosines(a, b), self.shared(self.along(a)[:, None], self.along(b)[None]))


def less(cosine: Floats, shared: Floats) -> Floats:
    """Cosines less what is shared, of the same shape; as they are from SURE on: no two people are as alike by flaws."""
    return np.where(cosine < SURE, cosine - shared, cosine)
