"""The fast comparison finds what float64 finds with every row, at the threshold's very edge too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.gallery.matrix import BLOCK, SIDE_BY_SIDE, Matrix, Near
from tests.factories_streams import near, unit

FLOOR = 0.357
EDGES = [FLOOR + step for step in (-1e-4, -1e-6, -1e-8, -1e-9, 0.0, 1e-9, 1e-8, 1e-6, 1e-4, 0.2, 0.64)]


def brute(queries: np.ndarray, stored: np.ndarray, floor: float) -> list[list[Near]]:
    found: list[list[Near]] = []
    for query in queries.astype(np.float64):
        scores = [round(float(np.dot(query, row)), 9) for row in stored.astype(np.float64)]
        found.append([Near(row, score) for row, score in enumerate(scores) if score >= floor])
    return found


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.sampled_from(EDGES), max_size=40), st.integers(1, 4))
def test_what_is_near_is_what_float64_says_at_the_edge_and_among_duplicates(
    seed: int, edges: list[float], queries: int
) -> None:
    rng = np.random.default_rng(seed)
    asked = np.stack([unit(rng) for _ in range(queries)])
    rows = [near(rng, asked[n % queries], edge) for n, edge in enumerate(edges)] + [asked[0], asked[0], unit(rng)]
    matrix = Matrix()
    for row in rows:
        matrix.append(row[None])

    assert matrix.above(asked, FLOOR) == brute(asked, np.stack(rows), FLOOR)


@pytest.mark.parametrize("blocks", [2, SIDE_BY_SIDE])
def test_rows_in_every_block_are_compared(blocks: int) -> None:
    rng = np.random.default_rng(5)
    stored = rng.standard_normal((blocks * BLOCK + 100, 96)).astype(np.float32)
    stored /= np.linalg.norm(stored, axis=1, keepdims=True)
    asked = unit(rng, 96)
    spots = [0, BLOCK - 1, BLOCK, 2 * BLOCK - 1, blocks * BLOCK, len(stored) - 1]
    for spot in spots:
        stored[spot] = near(rng, asked, 0.7)
    matrix = Matrix()
    matrix.append(stored[:5000])
    matrix.append(stored[5000:])

    (found,) = matrix.above(asked[None], 0.6)

    assert [item.row for item in found] == spots
    assert all(item.score == pytest.approx(0.7, abs=1e-6) for item in found)


def test_a_removed_row_resembles_nothing_and_the_others_keep_their_rows() -> None:
    rng = np.random.default_rng(6)
    asked = unit(rng)
    matrix = Matrix()
    rows = matrix.append(np.stack([asked, asked, unit(rng)]))

    matrix.remove(rows[0])

    assert [item.row for item in matrix.above(asked[None], FLOOR)[0]] == [1]
    assert len(matrix) == 3
