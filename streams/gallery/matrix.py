"""All vectors of a register in blocks of memory, compared exactly.

A search computes approximate scores first: products of 8-bit codes where these are faster, else of float32. It keeps
every row whose score may be high enough given the error bound, and scores these few in float64.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.gallery.int8 import CodedQueries, Codes, is_faster

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]
Queries = NDArray[np.int64]
"""Indices of queries."""
Scores = NDArray[np.float64]
Allowed = Callable[[Queries, Rows], NDArray[np.bool_]]
"""For pairs of a query and a row, whether the row may be returned. Called from several threads."""

BLOCK: Final = 16_384
"""Rows per block of memory."""
TILE: Final = 524_288
"""Scores computed at a time: 2 MB, so that they are still in the processor's cache when filtered."""
QUERIES: Final = 512
"""Queries compared at a time."""
MIN_PARALLEL_TILES: Final = 4
"""Tiles from which on threads save more than they cost."""
WIDTH: Final = 8192
"""Numbers per row of a comparison by numpy: with rows as short as a few queries it takes twice as long."""
MAX_SHARE: Final = 1 / 16
"""Of all pairs: up to this share the candidates that codes leave are scored one by one."""
MIN_CANDIDATES: Final = 4096
"""Candidates collected before the best are selected."""
PAIRS: Final = 1024
"""Pairs scored in float64 at a time: 1 MB at 128 dimensions."""
MIN_PARALLEL_PIECES: Final = 16
"""Pieces of PAIRS from which on they are scored in threads."""
SLACK: Final = 1e-4
"""Above the error (6e-5) of a float32 dot product of two vectors of length 1 at most and up to 1,024 dimensions.
Everything above floor - SLACK is scored again in float64, so the result equals brute force in float64."""
DIGITS: Final = 9
"""Decimals of a score: float64 sums agree to these whatever their order."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Stored vectors similar to a query: `rows` (n,), ascending, and exact `scores` (n,).

    All allowed rows with a score >= `cutoff` are included.
    """

    rows: Rows
    scores: Scores
    cutoff: float


def paired_scores(queries: Vectors, stored: Vectors) -> Scores:
    """Scores (n,) of paired rows (n, d) and (n, d), in float64 and rounded."""
    scores: Scores = np.vecdot(queries.astype(np.float64), stored.astype(np.float64))
    return scores.round(DIGITS)


def all_scores(some: Vectors, others: Vectors) -> Scores:
    """Scores (n, m) of all pairs of rows (n, d) and (m, d), in float64 and rounded."""
    scores: Scores = some.astype(np.float64) @ others.astype(np.float64).T
    return scores.round(DIGITS)


@dataclass(slots=True)
class _Block:
    """Vectors (BLOCK, dimensions), and their codes once the block is full."""

    vectors: Vectors
    codes: Codes | None = None


@dataclass(frozen=True, slots=True)
class _Tile:
    """Rows (n,) compared at a time: by codes if there are any, else by vectors (n, dimensions)."""

    rows: Rows
    vectors: Vectors
    codes: Codes | None = None


class Matrix:
    """A growing (n, dimensions) float32 matrix in blocks that never move, so that views of rows stay valid.

    No vector is longer than 1. A removed row becomes zeros, which score below every floor. `dimensions` is set by the
    first vector.
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
        """Appends (n, dimensions) vectors and returns their rows."""
        start = self._count
        dimensions = self.dimensions = self.dimensions or vectors.shape[1]
        while len(vectors):
            block, row = divmod(self._count, BLOCK)
            if block == len(self._blocks):
                self._blocks.append(_Block(np.zeros((BLOCK, dimensions), np.float32)))
            fitting, vectors = vectors[: BLOCK - row], vectors[BLOCK - row :]
            self._blocks[block].vectors[row : row + len(fitting)] = fitting
            self._count += len(fitting)
            if self._count % BLOCK == 0 and is_faster(dimensions):
                self._blocks[block].codes = Codes.of(self._blocks[block].vectors)
        return range(start, self._count)

    def row(self, row: int) -> Vectors:
        """The (dimensions,) vector of a row, a view."""
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
            if block.codes.covers(vector):
                block.codes.put(slice(row, row + 1), vector[None])
            else:
                block.codes = Codes.of(block.vectors)

    def remove(self, row: int) -> None:
        self.put(row, np.zeros_like(self.row(row)))

    def above(self, queries: Vectors, floor: float) -> list[Neighbours]:
        """For each of the (q, dimensions) queries all rows with a score >= floor."""
        return self._search(queries, floor)

    def among(self, queries: Vectors, rows: Rows, floor: float) -> list[Neighbours]:
        """For each of the (q, dimensions) queries those of the rows (n,), sorted and distinct, that score >= floor."""
        return self._search(queries, floor, rows)

    def nearest(self, queries: Vectors, floor: float, most: int, allowed: Allowed) -> list[Neighbours]:
        """For each of the (q, dimensions) queries the best allowed rows with a score >= floor.

        Either all of them (then `cutoff` is the floor), or at least `most` with every row that ties with the last.
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
            if count <= MIN_PARALLEL_TILES * height:
                candidates.compare(tiles, min(height, count))
            else:
                for thread in [self._pool.submit(candidates.compare, tiles, height) for _ in range(self._threads)]:
                    thread.result()
            found += candidates.best(self._scores)
        return found

    def _tile(self, rows: Rows | None, height: int, start: int) -> _Tile:
        """The `height` rows from `start` on, or those of `rows` from that index on."""
        if rows is not None:
            some = rows[start : start + height]
            return _Tile(some, self.take(some))
        end = min(start + height, self._count)
        block = self._blocks[start // BLOCK]
        some = slice(start % BLOCK, start % BLOCK + end - start)
        codes = block.codes and replace(block.codes, values=block.codes.values[some])
        return _Tile(np.arange(start, end), block.vectors[some], codes)

    def _scores(self, queries: Vectors, which: Queries, rows: Rows) -> Scores:
        """Exact scores of pairs of a query (n,) and a row (n,), the rows ascending."""

        def score(some: slice) -> Scores:
            return paired_scores(queries[which[some]], self.take(rows[some]))

        pieces = [slice(start, start + PAIRS) for start in range(0, len(rows), PAIRS)]
        scores = self._pool.map(score, pieces) if len(pieces) >= MIN_PARALLEL_PIECES else map(score, pieces)
        return np.concatenate([np.empty(0), *scores])


class _Candidates:
    """Rows that may be among the best of (q, dimensions) queries, collected by several threads.

    `_cutoff` (q,) is the float64 score that they must reach: first the floor, then SLACK below the float32 score of the
    `most`th best row so far, which `most` rows therefore reach. A row with a float32 score SLACK below it cannot.
    """

    def __init__(self, queries: Vectors, floor: float, most: int | None, allowed: Allowed | None, first: int) -> None:
        self._queries = queries
        self._most = most
        self._allowed = allowed
        self._first = first
        self._cutoff = np.full(len(queries), floor)
        self._found: list[tuple[Queries, Rows, Vectors]] = []
        self._count = 0
        self._limit = MIN_CANDIDATES
        self._lock = Lock()

    @cached_property
    def _codes(self) -> CodedQueries:
        return CodedQueries(self._queries)

    def compare(self, tiles: Iterator[_Tile], height: int) -> None:
        """Collects from tiles of at most `height` rows; several threads may share the iterator."""
        size = len(self._queries) * height
        scores, products, high = np.empty(size, np.float32), np.empty(size, np.int32), np.empty(size, np.bool_)
        for tile in tiles:
            if tile.codes is None or not self._compare_codes(tile, tile.codes, products, high):
                self._compare_vectors(tile, scores, high)

    def _compare_vectors(self, tile: _Tile, scores: Vectors, high: NDArray[np.bool_]) -> None:
        """Collects candidates by float32 products; `scores` and `high` are flat buffers for the largest tile."""
        shape = len(self._queries), len(tile.rows)
        size = shape[0] * shape[1]
        products = np.matmul(self._queries, tile.vectors.T, out=scores[:size].reshape(shape))
        np.greater_equal(products, self._lowest()[:, None], out=high[:size].reshape(shape))
        found = np.flatnonzero(high[:size])
        which, at = np.divmod(found, len(tile.rows))
        self._add(which, tile.rows[at], scores[found])

    def _compare_codes(self, tile: _Tile, codes: Codes, products: NDArray[np.int32], high: NDArray[np.bool_]) -> bool:
        """Collects candidates by products of codes; False if these leave so many that float32 is faster."""
        queries = len(self._queries)
        size = queries * len(tile.rows)
        self._codes.products(codes, products[:size].reshape(-1, queries))
        lowest = self._codes.lowest(codes, self._cutoff - SLACK)
        wide = max(1, WIDTH // queries) * queries
        whole = size - size % wide
        np.greater_equal(
            products[:whole].reshape(-1, wide), np.tile(lowest, wide // queries), out=high[:whole].reshape(-1, wide)
        )
        np.greater_equal(products[whole:size].reshape(-1, queries), lowest, out=high[whole:size].reshape(-1, queries))
        found = np.flatnonzero(high[:size])
        if len(found) > size * MAX_SHARE:
            return False
        at, which = np.divmod(found, queries)
        scores = np.vecdot(self._queries[which], tile.vectors[at])
        near = np.flatnonzero(scores >= self._lowest()[which])
        self._add(which[near], tile.rows[at[near]], scores[near])
        return True

    def _lowest(self) -> Vectors:
        lowest: Vectors = (self._cutoff - SLACK).astype(np.float32)
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
        """Raises the cutoffs and drops the rows below them."""
        which, rows, scores = (np.concatenate(column) for column in zip(*self._found, strict=True))
        order = np.argsort(4.0 * which - scores)
        which, rows, scores = which[order], rows[order], scores[order]
        queries = np.arange(len(self._queries))
        last = np.searchsorted(which, queries) + most - 1
        full = queries[last < np.searchsorted(which, queries, "right")]
        self._cutoff[full] = np.maximum(self._cutoff[full], scores[last[full]] - SLACK)
        keep = np.flatnonzero(scores >= self._lowest()[which])
        self._found = [(which[keep], rows[keep], scores[keep])]
        self._count = len(keep)
        self._limit = max(2 * self._count, MIN_CANDIDATES)

    def best(self, score: Callable[[Vectors, Queries, Rows], Scores]) -> list[Neighbours]:
        """The result of each query after all tiles; `score` returns exact scores of pairs."""
        if self._most is not None and self._found:
            self._reduce(self._most)
        empty = np.empty(0, np.int64)
        which = np.concatenate([empty, *(found[0] for found in self._found)])
        rows = np.concatenate([empty, *(found[1] for found in self._found)])
        order = np.argsort(rows)
        which, rows = which[order], rows[order]
        scores = score(self._queries, which, rows)
        high = np.flatnonzero(scores >= self._cutoff[which])
        high = high[np.argsort(which[high], kind="stable")]
        which, rows, scores = which[high], rows[high], scores[high]
        ends = np.searchsorted(which, np.arange(len(self._queries)), "right").tolist()
        return [
            Neighbours(rows[start:end], scores[start:end], cutoff)
            for start, end, cutoff in zip([0, *ends], ends, self._cutoff.tolist(), strict=False)
        ]
