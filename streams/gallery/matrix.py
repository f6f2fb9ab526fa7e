"""All vectors in blocks of memory, compared exactly.

A search computes fast and roughly first: products of 8-bit codes where that pays, else of float32. Knowing what these
may be off by, it keeps every row that can be among the best of a query, and scores those few in float64.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.gallery.int8 import CodedQueries, Codes, pays

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]
Queries = NDArray[np.int64]
"""Indices of queries."""
Scores = NDArray[np.float64]
Allowed = Callable[[Queries, Rows], NDArray[np.bool_]]
"""Of pairs of a query and a row, whether the row may answer the query. Called from several threads."""

BLOCK: Final = 16_384
"""Rows of a block of memory."""
TILE: Final = 524_288
"""Scores computed at a time: 2 MB, which is still in the processor's cache when they are filtered."""
QUERIES: Final = 512
"""Queries compared at a time."""
SIDE_BY_SIDE: Final = 4
"""Tiles from which on they are compared in threads: below, handing them over costs more than it saves."""
WIDTH: Final = 8192
"""Numbers that numpy compares in one go, about: with rows as short as the queries are few it takes twice as long."""
FEW: Final = 1 / 16
"""Share of all pairs up to which those that codes leave are scored one by one."""
WAITING: Final = 4096
"""Candidates that may gather, at least, before the best are picked."""
PAIRS: Final = 1024
"""Pairs scored in float64 at a time: 1 MB at 128 dimensions."""
SCORED_SIDE_BY_SIDE: Final = 16
"""Pieces of so many pairs from which on they are scored in threads."""
SLACK: Final = 1e-4
"""What a float32 dot product of two vectors, of length 1 at the most and up to 1,024 dimensions, may be off by (6e-5),
with room: everything above floor - SLACK is scored again in float64, so the result equals brute force in float64."""
DIGITS: Final = 9
"""Decimals that a score keeps: sums of float64 in another order agree to these."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Stored vectors that resemble a query: their `rows` (n,), ascending, and `scores` (n,), exact.

    They are all the allowed rows with a score >= `down_to`.
    """

    rows: Rows
    scores: Scores
    down_to: float


def exact(queries: Vectors, stored: Vectors) -> Scores:
    """Scores of paired rows, (n, d) and (n, d) to (n,), in float64 and rounded."""
    scores: Scores = np.vecdot(queries.astype(np.float64), stored.astype(np.float64))
    return scores.round(DIGITS)


def all_scores(some: Vectors, others: Vectors) -> Scores:
    """Scores of each with each, (n, d) and (m, d) to (n, m), in float64 and rounded."""
    scores: Scores = some.astype(np.float64) @ others.astype(np.float64).T
    return scores.round(DIGITS)


@dataclass(slots=True)
class _Block:
    """Vectors of rows, (BLOCK, dimensions), and their codes once all of them are there."""

    vectors: Vectors
    codes: Codes | None = None


@dataclass(frozen=True, slots=True)
class _Tile:
    """Rows that are compared at a time, (n,), by codes if there are any, else by vectors: (n, dimensions)."""

    rows: Rows
    vectors: Vectors
    codes: Codes | None = None


class Matrix:
    """A growing (n, dimensions) float32 matrix in blocks that never move, so that a row can be looked at for ever.

    No vector is longer than 1. A removed row stays, as zeros that resemble nothing: floors are positive.
    `dimensions` are those of the first vector, None before.
    """

    def __init__(self) -> None:
        self.dimensions: int | None = None
        self._blocks: list[_Block] = []
        self._count = 0
        self._threads = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._threads, "compare")

    def __len__(self) -> int:
        return self._count

    def append(self, vectors: Vectors) -> range:
        """The rows that the (n, dimensions) vectors now have."""
        start = self._count
        dimensions = self.dimensions = self.dimensions or vectors.shape[1]
        while len(vectors):
            block, row = divmod(self._count, BLOCK)
            if block == len(self._blocks):
                self._blocks.append(_Block(np.zeros((BLOCK, dimensions), np.float32)))
            fitting, vectors = vectors[: BLOCK - row], vectors[BLOCK - row :]
            self._blocks[block].vectors[row : row + len(fitting)] = fitting
            self._count += len(fitting)
            if self._count % BLOCK == 0 and pays(dimensions):
                self._blocks[block].codes = Codes.of(self._blocks[block].vectors)
        return range(start, self._count)

    def row(self, row: int) -> Vectors:
        """The (dimensions,) vector of a row, not a copy."""
        return self._blocks[row // BLOCK].vectors[row % BLOCK]

    def take(self, rows: Rows) -> Vectors:
        """Copies of the vectors of the (n,) rows, (n, dimensions)."""
        taken = np.empty((len(rows), self.dimensions or 0), np.float32)
        order = np.argsort(rows)
        blocks = rows[order] // BLOCK
        starts = np.flatnonzero(np.diff(blocks, prepend=-1))
        for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(rows)], strict=False):
            places = order[start:end]
            taken[places] = self._blocks[int(blocks[start])].vectors[rows[places] % BLOCK]
        return taken

    def put(self, row: int, vector: Vectors) -> None:
        """Replaces the vector of a row."""
        block, row = self._blocks[row // BLOCK], row % BLOCK
        block.vectors[row] = vector
        if block.codes is not None:
            if block.codes.reach(vector):
                block.codes.put(slice(row, row + 1), vector[None])
            else:
                block.codes = Codes.of(block.vectors)

    def remove(self, row: int) -> None:
        self.put(row, np.zeros_like(self.row(row)))

    def above(self, queries: Vectors, floor: float) -> list[Neighbours]:
        """For each of the (q, dimensions) queries all rows with a score >= floor."""
        return self._search(queries, floor)

    def among(self, queries: Vectors, rows: Rows, floor: float) -> list[Neighbours]:
        """For each of the (q, dimensions) queries those of the (n,) rows, ascending and distinct, that score >= floor.

        Reads no other rows.
        """
        return self._search(queries, floor, rows)

    def nearest(self, queries: Vectors, floor: float, most: int, allowed: Allowed) -> list[Neighbours]:
        """For each of the (q, dimensions) queries the best allowed rows with a score >= floor.

        They are all of them (then `down_to` is the floor) or at least `most`, with every row that ties with the worst.
        """
        return self._search(queries, floor, None, most, allowed)

    def _search(
        self,
        queries: Vectors,
        floor: float,
        rows: Rows | None = None,
        most: int | None = None,
        allowed: Allowed | None = None,
    ) -> list[Neighbours]:
        found: list[Neighbours] = []
        for start in range(0, len(queries), QUERIES):
            some = queries[start : start + QUERIES]
            candidates = _Candidates(some, floor, most, allowed, start)
            height = min(BLOCK, 1 << (TILE // len(some)).bit_length() - 1)
            count = self._count if rows is None else len(rows)
            # a map, unlike a generator, may be advanced by several threads
            tiles = map(partial(self._tile, rows, height), range(0, count, height))
            if count <= SIDE_BY_SIDE * height:
                candidates.compare(tiles, min(height, count))
            else:
                for thread in [self._pool.submit(candidates.compare, tiles, height) for _ in range(self._threads)]:
                    thread.result()
            found += candidates.best(self._scores)
        return found

    def _tile(self, rows: Rows | None, height: int, start: int) -> _Tile:
        """The `height` rows from `start` on, or of `rows` those from that index on."""
        if rows is not None:
            some = rows[start : start + height]
            return _Tile(some, self.take(some))
        end = min(start + height, self._count)
        block = self._blocks[start // BLOCK]
        some = slice(start % BLOCK, start % BLOCK + end - start)
        codes = block.codes and replace(block.codes, values=block.codes.values[some])
        return _Tile(np.arange(start, end), block.vectors[some], codes)

    def _scores(self, queries: Vectors, which: Queries, rows: Rows) -> Scores:
        """Exact scores of pairs of a query and a row, (n,) and (n,), the rows ascending."""

        def score(some: slice) -> Scores:
            return exact(queries[which[some]], self.take(rows[some]))

        pieces = [slice(start, start + PAIRS) for start in range(0, len(rows), PAIRS)]
        scores = self._pool.map(score, pieces) if len(pieces) >= SCORED_SIDE_BY_SIDE else map(score, pieces)
        return np.concatenate([np.empty(0), *scores])


class _Candidates:
    """Rows that may be among the best of (q, dimensions) queries, collected by several threads.

    `_down_to` (q,) is what they must score in float64: first the floor, then SLACK less than the float32 score of the
    `most`th best row so far, which `most` rows therefore reach. Rows with a float32 score SLACK below it do not.
    """

    def __init__(self, queries: Vectors, floor: float, most: int | None, allowed: Allowed | None, first: int) -> None:
        self._queries = queries
        self._most = most
        self._allowed = allowed
        self._first = first
        self._down_to = np.full(len(queries), floor)
        self._found: list[tuple[Queries, Rows, Vectors]] = []
        self._count = 0
        self._limit = WAITING
        self._lock = Lock()

    @cached_property
    def _codes(self) -> CodedQueries:
        return CodedQueries(self._queries)

    def compare(self, tiles: Iterator[_Tile], height: int) -> None:
        """Collects from the tiles, of `height` rows at the most; other threads may take from the same iterator."""
        size = len(self._queries) * height
        scores, products, high = np.empty(size, np.float32), np.empty(size, np.int32), np.empty(size, np.bool_)
        for tile in tiles:
            if tile.codes is None or not self._compare_codes(tile, tile.codes, products, high):
                self._compare_vectors(tile, scores, high)

    def _compare_vectors(self, tile: _Tile, scores: Vectors, high: NDArray[np.bool_]) -> None:
        """Collects what float32 products leave; computes in the two flat arrays, as large as the largest tile needs."""
        shape = len(self._queries), len(tile.rows)
        size = shape[0] * shape[1]
        products = np.matmul(self._queries, tile.vectors.T, out=scores[:size].reshape(shape))
        np.greater_equal(products, self._lowest()[:, None], out=high[:size].reshape(shape))
        found = np.flatnonzero(high[:size])
        which, at = np.divmod(found, len(tile.rows))
        self._add(which, tile.rows[at], scores[found])

    def _compare_codes(self, tile: _Tile, codes: Codes, products: NDArray[np.int32], high: NDArray[np.bool_]) -> bool:
        """Collects what products of codes leave, or returns False where it is so much that float32 is faster."""
        queries = len(self._queries)
        size = queries * len(tile.rows)
        self._codes.products(codes, products[:size].reshape(-1, queries))
        lowest = self._codes.lowest(codes, self._down_to - SLACK)
        wide = max(1, WIDTH // queries) * queries
        whole = size - size % wide
        np.greater_equal(
            products[:whole].reshape(-1, wide), np.tile(lowest, wide // queries), out=high[:whole].reshape(-1, wide)
        )
        np.greater_equal(products[whole:size].reshape(-1, queries), lowest, out=high[whole:size].reshape(-1, queries))
        found = np.flatnonzero(high[:size])
        if len(found) > size * FEW:
            return False
        at, which = np.divmod(found, queries)
        scores = np.vecdot(self._queries[which], tile.vectors[at])
        near = np.flatnonzero(scores >= self._lowest()[which])
        self._add(which[near], tile.rows[at[near]], scores[near])
        return True

    def _lowest(self) -> Vectors:
        lowest: Vectors = (self._down_to - SLACK).astype(np.float32)
        return lowest

    def _add(self, which: Queries, rows: Rows, scores: Vectors) -> None:
        if self._allowed is not None:
            may = np.flatnonzero(self._allowed(which + self._first, rows))
            which, rows, scores = which[may], rows[may], scores[may]
        with self._lock:
            self._found.append((which, rows, scores))
            self._count += len(rows)
            if self._most is not None and self._count > self._limit:
                self._reduce(self._most)

    def _reduce(self, most: int) -> None:
        """Raises what rows must score, and drops those that do not."""
        which, rows, scores = (np.concatenate(column) for column in zip(*self._found, strict=True))
        order = np.argsort(4.0 * which - scores)
        which, rows, scores = which[order], rows[order], scores[order]
        queries = np.arange(len(self._queries))
        last = np.searchsorted(which, queries) + most - 1
        full = queries[last < np.searchsorted(which, queries, "right")]
        self._down_to[full] = np.maximum(self._down_to[full], scores[last[full]] - SLACK)
        keep = np.flatnonzero(scores >= self._lowest()[which])
        self._found = [(which[keep], rows[keep], scores[keep])]
        self._count = len(keep)
        self._limit = max(2 * self._count, WAITING)

    def best(self, score: Callable[[Vectors, Queries, Rows], Scores]) -> list[Neighbours]:
        """What is left for each query once all tiles are compared; `score` gives the exact scores of pairs."""
        if self._most is not None and self._found:
            self._reduce(self._most)
        empty = np.empty(0, np.int64)
        which = np.concatenate([empty, *(found[0] for found in self._found)])
        rows = np.concatenate([empty, *(found[1] for found in self._found)])
        order = np.argsort(rows)
        which, rows = which[order], rows[order]
        scores = score(self._queries, which, rows)
        high = np.flatnonzero(scores >= self._down_to[which])
        high = high[np.argsort(which[high], kind="stable")]
        which, rows, scores = which[high], rows[high], scores[high]
        ends = np.searchsorted(which, np.arange(len(self._queries)), "right").tolist()
        return [
            Neighbours(rows[start:end], scores[start:end], down_to)
            for start, end, down_to in zip([0, *ends], ends, self._down_to.tolist(), strict=False)
        ]
