"""All vectors in one block of memory, compared exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

BLOCK: Final = 8192
"""Rows compared at a time: the block's scores stay in the processor's cache."""
SLACK: Final = 1e-4
"""What a float32 dot product of two 128-d unit vectors may be off by, with room: everything above floor - SLACK is
scored again in float64, so the result equals brute force in float64."""
DIGITS: Final = 9
"""Decimals that a score keeps: sums of float64 in another order agree to these."""


@dataclass(frozen=True, slots=True)
class Near:
    """A stored vector at or above the floor: its row and its cosine."""

    row: int
    score: float


def exact(queries: Vectors, stored: Vectors) -> NDArray[np.float64]:
    """Cosines of paired rows, (n, d) and (n, d) to (n,), in float64 and rounded."""
    return np.round(np.einsum("ij,ij->i", queries.astype(np.float64), stored.astype(np.float64)), DIGITS)


def above(queries: Vectors, stored: Vectors, floor: float) -> list[list[Near]]:
    """For each of the (q, d) queries the rows of the (n, d) stored unit vectors with cosine >= floor.

    Equal to a comparison in float64 with every row; in the order of the rows.
    """
    found: list[list[Near]] = [[] for _ in range(len(queries))]
    for start in range(0, len(stored), BLOCK):
        block = stored[start : start + BLOCK]
        which, row = np.nonzero(queries @ block.T >= floor - SLACK)
        if not len(row):
            continue
        scores = exact(queries[which], block[row])
        for query, near, score in zip(which.tolist(), row.tolist(), scores.tolist(), strict=True):
            if score >= floor:
                found[query].append(Near(start + near, score))
    return found


class Matrix:
    """A growing (n, dimensions) float32 matrix; a removed row stays, as zeros that resemble nothing."""

    def __init__(self, dimensions: int = 128) -> None:
        self._rows: Vectors = np.zeros((1024, dimensions), np.float32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, vectors: Vectors) -> range:
        """The rows that the (n, dimensions) vectors now have."""
        start, self._count = self._count, self._count + len(vectors)
        if self._count > len(self._rows):
            grown = np.zeros((max(self._count, 2 * len(self._rows)), self._rows.shape[1]), np.float32)
            grown[:start] = self._rows[:start]
            self._rows = grown
        self._rows[start : self._count] = vectors
        return range(start, self._count)

    def remove(self, row: int) -> None:
        self._rows[row] = 0

    def vectors(self, rows: list[int]) -> Vectors:
        """Copies of these rows, (n, dimensions)."""
        return self._rows[rows]

    def above(self, queries: Vectors, floor: float) -> list[list[Near]]:
        """See `above`; `floor` must be positive."""
        return above(queries, self._rows[: self._count], floor)
