"""The fast comparison finds what float64 finds with every row, at the threshold's very edge too."""

from threading import Lock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.gallery import int8
from streams.gallery import matrix as matrix_module
from streams.gallery.matrix import BLOCK, MIN_PARALLEL_TILES, Matrix, Neighbours
from tests.support.factories_streams import near, unit

FLOOR = 0.357
EDGES = [FLOOR + step for step in (-1e-4, -1e-6, -1e-8, -1e-9, 0.0, 1e-9, 1e-8, 1e-6, 1e-4, 0.2, 0.64)]


def brute(queries: np.ndarray, stored: np.ndarray, floor: float) -> list[list[tuple[int, float]]]:
    found: list[list[tuple[int, float]]] = []
    for query in queries.astype(np.float64):
        scores = [round(float(np.dot(query, row)), 9) for row in stored.astype(np.float64)]
        found.append([(row, score) for row, score in enumerate(scores) if score >= floor])
    return found


def pairs(found: Neighbours) -> list[tuple[int, float]]:
    return list(zip(found.rows.tolist(), found.scores.tolist(), strict=True))


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

    assert [pairs(found) for found in matrix.above(asked, FLOOR)] == brute(asked, np.stack(rows), FLOOR)


@pytest.mark.usefixtures("compared")
@pytest.mark.parametrize("blocks", [2, MIN_PARALLEL_TILES])
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

    assert found.rows.tolist() == spots
    assert found.scores.tolist() == [pytest.approx(0.7, abs=1e-6)] * len(spots)


def test_a_removed_row_resembles_nothing_and_the_others_keep_their_rows() -> None:
    rng = np.random.default_rng(6)
    asked = unit(rng)
    matrix = Matrix()
    rows = matrix.append(np.stack([asked, asked, unit(rng)]))

    matrix.remove(rows[0])

    assert matrix.above(asked[None], FLOOR)[0].rows.tolist() == [1]
    assert len(matrix) == 3


KINDS = ["spread", "alike", "dominant", "tiny"]


def drawn(rng: np.random.Generator, rows: int, dimensions: int = 24, kind: str = "spread") -> np.ndarray:
    """Vectors of length 1 at the most, a fifth of them copies of others.

    All around; all near one, so that scores differ by little; most with one large coordinate; or half nearly zero.
    """
    vectors = rng.standard_normal((rows, dimensions))
    if kind == "alike":
        vectors = vectors * 0.001 + np.linspace(1, 2, dimensions)
    if kind == "dominant":
        vectors[:, 0] += rng.choice([0, 100], rows, p=[0.3, 0.7])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    if kind == "tiny":
        vectors[rng.random(rows) < 0.5] *= 1e-4
    copied = rng.integers(0, rows, rows // 5)
    vectors[rng.permutation(copied)] = vectors[copied]
    return vectors.astype(np.float32)


def expected(query: np.ndarray, stored: np.ndarray, may: np.ndarray, cutoff: float) -> tuple[np.ndarray, np.ndarray]:
    scores = (stored.astype(np.float64) * query.astype(np.float64)).sum(axis=1).round(9)
    rows = np.flatnonzero(may & (scores >= cutoff))
    return rows, scores[rows]


def check(found: Neighbours, query: np.ndarray, stored: np.ndarray, may: np.ndarray) -> None:
    rows, scores = expected(query, stored, may, found.cutoff)
    assert found.rows.dtype == np.int64 and found.scores.dtype == np.float64
    assert found.rows.tolist() == rows.tolist()
    assert np.abs(found.scores - scores).max(initial=0) <= 1.5e-9


def use_codes(monkeypatch: pytest.MonkeyPatch, use: bool) -> None:
    if use and not (int8.is_exact(24) and int8.is_exact(96)):
        pytest.skip("this processor adds products of bytes in 16 bits")
    monkeypatch.setattr(matrix_module, "is_faster", lambda dimensions: use)


@pytest.fixture(params=[False, True], ids=["vectors", "codes"])
def compared(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compared by vectors only, and by codes first, whatever is faster here."""
    use_codes(monkeypatch, request.param)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks and tiles so small that a few hundred rows fill many of them."""
    for name, value in {
        "BLOCK": 64,
        "TILE": 256,
        "QUERIES": 8,
        "PAIRS": 20,
        "MIN_PARALLEL_PIECES": 4,
        "MIN_CANDIDATES": 40,
        "WIDTH": 100,
        "MAX_SHARE": 0.3,
    }.items():
        monkeypatch.setattr(matrix_module, name, value)


PATCHED = {"derandomize": True, "deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
SIZES = [0, 1, 31, 32, 33, 63, 64, 65, 128, 129, 255, 256, 257, 700]


@pytest.mark.usefixtures("small_blocks", "compared")
@settings(
    max_examples=150, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.integers(0, 2**32),
    st.sampled_from(SIZES),
    st.integers(1, 20),
    st.sampled_from([0.01, 0.25, 0.6]),
    st.integers(1, 80),
    st.sampled_from([1.0, 0.5, 0.02, 0.0]),
    st.sampled_from(KINDS),
)
def test_the_nearest_are_the_best_allowed_rows_of_a_comparison_in_float64_with_every_row(
    seed: int, size: int, queries: int, floor: float, most: int, share: float, kind: str
) -> None:
    rng = np.random.default_rng(seed)
    stored = drawn(rng, max(size, 1), kind=kind)[:size]
    asked = np.concatenate([stored[:1], drawn(rng, queries, kind=kind)])
    may = rng.random((len(asked), size)) < share
    removed = rng.random(size) < 0.1
    matrix = Matrix()
    start = 0
    while start < size:
        end = min(size, start + int(rng.integers(1, 200)))
        assert matrix.append(stored[start:end]) == range(start, end)
        start = end
    for row in np.flatnonzero(removed).tolist():
        matrix.remove(row)

    found = matrix.nearest(asked, floor, most, lambda which, rows: may[which, rows])

    assert len(found) == len(asked)
    for near_one, query, mine in zip(found, asked, may & ~removed, strict=True):
        check(near_one, query, stored, mine)
        assert near_one.cutoff >= floor
        assert len(near_one.rows) >= most or near_one.cutoff == floor


@pytest.mark.usefixtures("small_blocks", "compared")
@settings(max_examples=80, **PATCHED)
@given(
    st.integers(0, 2**32),
    st.sampled_from(SIZES[1:]),
    st.integers(1, 20),
    st.sampled_from([1.0, 0.5, 0.02, 0.0]),
    st.sampled_from(KINDS),
)
def test_above_and_among_find_every_row_that_float64_finds(
    seed: int, size: int, queries: int, share: float, kind: str
) -> None:
    rng = np.random.default_rng(seed)
    stored, asked, some = drawn(rng, size, kind=kind), drawn(rng, queries, kind=kind), rng.random(size) < share
    matrix = Matrix()
    matrix.append(stored)

    for found, query in zip(matrix.above(asked, FLOOR), asked, strict=True):
        assert found.cutoff == FLOOR
        check(found, query, stored, np.ones(size, bool))
    for found, query in zip(matrix.among(asked, np.flatnonzero(some), FLOOR), asked, strict=True):
        assert found.cutoff == FLOOR
        check(found, query, stored, some)
    rows = rng.permutation(size)
    assert np.array_equal(matrix.take(rows), stored[rows])


@pytest.mark.usefixtures("compared")
def test_the_nearest_of_many_equal_rows_are_all_of_them() -> None:
    rng = np.random.default_rng(7)
    asked = unit(rng)
    stored = np.stack([asked] * 3000 + [near(rng, asked, 0.5) for _ in range(50)])
    matrix = Matrix()
    matrix.append(stored)

    (found,) = matrix.nearest(asked[None], 0.3, 10, lambda which, rows: np.ones(len(rows), bool))
    (others,) = matrix.nearest(asked[None], 0.3, 10, lambda which, rows: rows >= 3000)

    assert found.rows.tolist() == list(range(3000))
    assert 10 <= len(others.rows) < 50 and others.rows[0] >= 3000


@pytest.mark.usefixtures("compared")
def test_only_rows_above_the_floor_are_asked_about_and_few_of_them_once_better_ones_are_known() -> None:
    rng = np.random.default_rng(8)
    stored = rng.standard_normal((8 * BLOCK, 16)).astype(np.float32)
    stored /= np.linalg.norm(stored, axis=1, keepdims=True)
    asked = stored[:4]
    matrix = Matrix()
    matrix.append(stored)
    seen, lock = [np.empty(0, np.int64)] * 4, Lock()

    def allowed(which: np.ndarray, rows: np.ndarray) -> np.ndarray:
        with lock:
            for query in range(4):
                seen[query] = np.append(seen[query], rows[which == query])
        return np.ones(len(rows), bool)

    found = matrix.nearest(asked, 0.1, 8, allowed)

    above = [(stored @ query >= 0.1).sum() for query in asked]
    for query, rows in enumerate(seen):
        assert (stored[rows] @ asked[query]).min() >= 0.03
        assert set(found[query].rows.tolist()) <= set(rows.tolist())
        assert len(rows) < above[query] / 2


@pytest.mark.usefixtures("small_blocks", "compared")
@settings(max_examples=60, **PATCHED)
@given(st.integers(0, 2**32))
def test_between_searches_vectors_are_added_replaced_and_removed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stored = np.zeros((0, 24), np.float32)
    matrix = Matrix()
    for _ in range(4):
        added = drawn(rng, int(rng.integers(1, 150)), kind=str(rng.choice(KINDS)))
        assert matrix.append(added) == range(len(stored), len(stored) + len(added))
        stored = np.concatenate([stored, added])
        for row in rng.integers(0, len(stored), 5).tolist():
            stored[row] = drawn(rng, 1, kind=str(rng.choice(KINDS)))[0]
            matrix.put(row, stored[row])
        for row in rng.integers(0, len(stored), 5).tolist():
            stored[row] = 0
            matrix.remove(row)
        asked = np.concatenate([stored[rng.integers(0, len(stored), 3)], drawn(rng, 3)])

        found = matrix.nearest(asked, 0.2, 10, lambda which, rows: np.ones(len(rows), bool))

        for nearest, query in zip(found, asked, strict=True):
            check(nearest, query, stored, np.ones(len(stored), bool))


def test_a_row_stays_where_it_is() -> None:
    rng = np.random.default_rng(9)
    matrix = Matrix()
    matrix.append(drawn(rng, 10))
    kept = matrix.row(5)

    matrix.append(drawn(rng, BLOCK))

    assert np.shares_memory(kept, matrix.row(5))


def test_a_matrix_without_rows_and_a_search_without_queries_find_nothing() -> None:
    matrix = Matrix()
    assert [len(found.rows) for found in matrix.above(np.ones((2, 4), np.float32) / 2, 0.1)] == [0, 0]
    matrix.append(np.ones((3, 4), np.float32) / 2)
    assert matrix.above(np.empty((0, 4), np.float32), 0.1) == []
    (found,) = matrix.among(np.ones((1, 4), np.float32) / 2, np.empty(0, np.int64), 0.1)
    assert len(found.rows) == 0
