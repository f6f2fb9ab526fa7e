"""What codes say of a score is true of it, on every kind of vectors."""

import numpy as np
import onnx
import onnx.parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.gallery import int8
from streams.gallery.int8 import CodedQueries, Codes
from tests.unit.gallery.test_matrix import KINDS, drawn

DIMENSIONS = 48


def products(queries: CodedQueries, codes: Codes, count: int) -> np.ndarray:
    if not int8.is_exact(DIMENSIONS):
        pytest.skip("this processor adds products of bytes in 16 bits")
    found = np.zeros((len(codes.values), count), np.int32)
    queries.products(codes, found)
    return found


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(KINDS), st.sampled_from(KINDS), st.integers(1, 40), st.integers(1, 9))
def test_no_pair_has_a_smaller_product_of_codes_than_its_score_allows(
    seed: int, kind: str, asked_kind: str, rows: int, count: int
) -> None:
    rng = np.random.default_rng(seed)
    stored, asked = drawn(rng, rows, DIMENSIONS, kind), drawn(rng, count, DIMENSIONS, asked_kind)
    asked[0] = stored[0]
    codes, queries = Codes.of(stored), CodedQueries(asked)
    changed = stored[rng.integers(0, rows)] * np.float32(rng.random())
    stored[-1] = changed
    codes.put(slice(rows - 1, rows), changed[None])

    found = products(queries, codes, count)

    scores = stored.astype(np.float64) @ asked.T.astype(np.float64)
    for row in range(rows):
        assert (found[row] >= queries.lowest(codes, scores[row] - 1e-6)).all()


def test_codes_distinguish_scores_that_differ_by_a_few_hundredths() -> None:
    rng = np.random.default_rng(3)
    stored, asked = drawn(rng, 400, DIMENSIONS), drawn(rng, 20, DIMENSIONS)
    codes, queries = Codes.of(stored), CodedQueries(asked)

    found = products(queries, codes, 20)

    scores = stored.astype(np.float64) @ asked.T.astype(np.float64)
    for row in range(len(stored)):
        assert (found[row] < queries.lowest(codes, scores[row] + 0.12)).all()


def test_a_vector_with_a_larger_coordinate_than_those_before_is_out_of_range() -> None:
    codes = Codes.of(np.full((3, 4), 0.25, np.float32))

    assert codes.covers(np.array([0.25, -0.25, 0, 0], np.float32))
    assert not codes.covers(np.array([0, -0.26, 0, 0], np.float32))


def test_a_score_that_no_product_reaches_stays_out_of_reach() -> None:
    codes, queries = Codes.of(np.zeros((3, 4), np.float32)), CodedQueries(np.zeros((2, 4), np.float32))

    assert queries.lowest(codes, np.array([0.3, -0.3])).tolist() == [int8.MAX_PRODUCT, -int8.MAX_PRODUCT]


def test_where_products_of_bytes_overflow_codes_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    right = CodedQueries.products

    def saturated(self: CodedQueries, stored: Codes, out: np.ndarray) -> None:
        right(self, stored, out)
        out -= out > out.max() // 2

    monkeypatch.setattr(CodedQueries, "products", saturated)

    assert not int8.is_exact.__wrapped__(DIMENSIONS)
    monkeypatch.setattr(int8, "is_exact", int8.is_exact.__wrapped__)
    assert not int8.is_faster.__wrapped__(DIMENSIONS)


def test_the_model_of_the_product_is_what_its_source_makes() -> None:
    source = f"""
<ir_version: 8, opset_import: ["" : 13]>
product (uint8[rows, dimensions] stored, int8[dimensions, queries] asked) => (int32[rows, queries] scores)
<uint8 zero = {{{int8.ZERO}}}> {{ scores = MatMulInteger(stored, asked, zero) }}
"""
    assert onnx.parser.parse_model(source).SerializeToString() == int8.PRODUCT
