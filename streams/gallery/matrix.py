"""All vectors in one block of memory, compared exactly."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

BLOCK: Final = 8192
"""Rows of a block, compared at a time: its scores stay in the processor's cache."""
QUERIES: Final = 512
"""Queries compared with a block at a time: 16 MB of scores, however many faces a batch brings."""
SIDE_BY_SIDE: Final = 4
"""Blocks from which on they are compared in threads: below, handing them over costs more than it saves."""
SLACK: Final = 1e-4
"""What a float32 dot product of two vectors, of length 1 at the most and up to 1,024 dimensions, may be off by (6e-5),
with room: everything above floor - SLACK is scored again in float64, so the result equals brute force in float64."""
DIGITS: Final = 9
"""Decimals that a score keeps: sums of float64 in another order agree to these."""


@dataclass(frozen=True, slots=True)
class Near:
    """A stored vector at or above the floor: its row and its score."""

    row: int
    score: float


def exact(queries: Vectors, stored: Vectors) -> NDArray[np.float64]:
    """Scores of paired rows, (n, d) and (n, d) to (n,), in float64 and rounded."""
    products = queries.astype(np.float64) * stored.astype(np.float64)
    scores: NDArray[np.float64] = products.sum(axis=1)
    return scores.round(DIGITS)


def all_scores(some: Vectors, others: Vectors) -> NDArray[np.float64]:
    """Scores of each with each, (n, d) and (m, d) to (n, m), in float64 and rounded."""
    scores: NDArray[np.float64] = some.astype(np.float64) @ others.astype(np.float64).T
    return scores.round(DIGITS)


def above(queries: Vectors, stored: Vectors, floor: float) -> list[list[Near]]:
    """For each of the (q, d) queries the rows of the (n, d) stored vectors with a score >= floor.

    No vector is longer than 1. Equal to a comparison in float64 with every row; in the order of the rows.
    """
    found: list[list[Near]] = [[] for _ in range(len(queries))]
    which, row = np.nonzero(queries @ stored.T >= floor - SLACK)
    if len(row):
        scores = exact(queries[which], stored[row])
        for query, near, score in zip(which.tolist(), row.tolist(), scores.tolist(), strict=True):
            if score >= floor:
                found[query].append(Near(near, score))
    return found


class Matrix:
    """A growing (n, dimensions) float32 matrix in blocks that never move, so that a row can be looked at for ever.

    A removed row stays, as zeros that resemble nothing. `dimensions` are those of the first vector, None before.
    """

    def __init__(self) -> None:
        self.dimensions: int | None = None
        self._blocks: list[Vectors] = []
        self._count = 0
        self._pool = ThreadPoolExecutor(os.cpu_count(), "compare")

    def __len__(self) -> int:
        return self._count

    def append(self, vectors: Vectors) -> range:
        """The rows that the (n, dimensions) vectors now have."""
        start = self._count
        dimensions = self.dimensions = self.dimensions or vectors.shape[1]
        for vector in vectors:
            block, row = divmod(self._count, BLOCK)
            if block == len(self._blocks):
                self._blocks.append(np.zeros((BLOCK, dimensions), np.float32))
            self._blocks[block][row] = vector
            self._count += 1
        return range(start, self._count)

    def row(self, row: int) -> Vectors:
        """The (dimensions,) vector of a row, not a copy."""
        return self._blocks[row // BLOCK][row % BLOCK]

    def put(self, row: int, vector: Vectors) -> None:
        """Replaces the vector of a row."""
        self._blocks[row // BLOCK][row % BLOCK] = vector

    def remove(self, row: int) -> None:
        self._blocks[row // BLOCK][row % BLOCK] = 0

    def above(self, queries: Vectors, floor: float) -> list[list[Near]]:
        """See `above`; `floor` must be positive, since rows that were removed are zeros."""
        found: list[list[Near]] = [[] for _ in range(len(queries))]
        for start in range(0, len(queries), QUERIES):
            some = queries[start : start + QUERIES]
            compare = partial(above, some, floor=floor)
            blocks = self._used()
            by_block = self._pool.map(compare, blocks) if len(blocks) >= SIDE_BY_SIDE else map(compare, blocks)
            for number, nears in enumerate(by_block):
                for index, near in enumerate(nears):
                    found[start + index] += [Near(number * BLOCK + item.row, item.score) for item in near]
        return found

    def _used(self) -> list[Vectors]:
        """The blocks, the last one without the rows that are still free."""
        return [block[: self._count - number * BLOCK] for number, block in enumerate(self._blocks)]
