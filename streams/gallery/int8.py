"""Vectors quantised to 8-bit codes: on processors that multiply bytes, products are several times as fast."""

from __future__ import annotations

import importlib
import timeit
from base64 import b64decode
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

ZERO: Final = 128
"""The code of a coordinate that is 0."""
LARGEST: Final = 127
"""Steps from 0 to the largest coordinate."""
AT_ONCE: Final = 1024
"""Vectors quantised at a time, to stay in the processor's cache."""
MAX_PRODUCT: Final = 2**30
"""Larger than any product of codes."""
PRODUCT: Final = b64decode(
    "CAg6vgEKLgoGc3RvcmVkCgVhc2tlZAoEemVybxIGc2NvcmVzIg1NYXRNdWxJbnRlZ2VyOgASB3Byb2R1Y3QqDBACKgKAAUIEemVyb1omCgZzdG9y"
    "ZWQSHAoaCAISFgoGEgRyb3dzCgwSCmRpbWVuc2lvbnNaKAoFYXNrZWQSHwodCAMSGQoMEgpkaW1lbnNpb25zCgkSB3F1ZXJpZXNiIwoGc2NvcmVz"
    "EhkKFwgGEhMKBhIEcm93cwoJEgdxdWVyaWVzQgQKABAN"
)
"""The ONNX model of the product, for ONNX Runtime's kernels; its source is in the test of this module. Stored as bytes,
since the library that builds it takes 30 MB of memory."""
MIN_SPEEDUP: Final = 2.0
"""Over float32 products; codes leave more candidates to score exactly."""


@dataclass(slots=True)
class Codes:
    """Codes (n, d) of vectors (n, d): the quantisation step, and the largest `error` of any vector, as a norm."""

    values: NDArray[np.uint8]
    step: float
    error: float

    @classmethod
    def of(cls, vectors: Vectors) -> Codes:
        """Codes whose range covers the largest coordinate."""
        codes = cls(np.empty(vectors.shape, np.uint8), _step(vectors), 0.0)
        for start in range(0, len(vectors), AT_ONCE):
            some = slice(start, start + AT_ONCE)
            codes.put(some, vectors[some])
        return codes

    def covers(self, vectors: Vectors) -> bool:
        """Whether all coordinates of the (n, d) vectors are in the codes' range."""
        return _step(vectors) <= self.step

    def put(self, rows: slice, vectors: Vectors) -> None:
        """Replaces the codes of the rows by those of vectors in range."""
        whole = np.rint(vectors / np.float32(self.step))
        self.values[rows] = whole + ZERO
        differences = np.linalg.norm(whole * np.float32(self.step) - vectors, axis=1)
        self.error = max(self.error, float(differences.max()))


def _step(vectors: Vectors) -> float:
    return max(float(np.abs(vectors).max()), 1e-9) / LARGEST


class CodedQueries:
    """Codes of (q, d) queries of length 1 at most, each with its own step."""

    def __init__(self, queries: Vectors) -> None:
        steps = np.maximum(np.abs(queries).max(axis=1).astype(np.float64), 1e-9) / LARGEST
        whole = np.rint(queries / steps[:, None])
        value = whole * steps[:, None]
        self._values = np.ascontiguousarray(whole.T.astype(np.int8))
        self._steps = steps
        self._lengths = np.linalg.norm(value, axis=1)
        self._errors = np.linalg.norm(value - queries, axis=1)

    def lowest(self, stored: Codes, scores: NDArray[np.float64]) -> NDArray[np.int32]:
        """The least product of codes (q,) that a vector with these scores (q,) may have.

        With q', v' the values of the codes: q.v - q'.v' = q'.(v - v') + (q - q').v <= |q'||v - v'| + |q - q'|, since no
        vector v is longer than 1.
        """
        slack = self._lengths * stored.error + self._errors
        products = np.floor((scores - slack) / (self._steps * stored.step))
        return np.clip(products, -MAX_PRODUCT, MAX_PRODUCT).astype(np.int32)

    def products(self, stored: Codes, out: NDArray[np.int32]) -> None:
        """Writes the products with the codes of (n, d) vectors into `out` (n, q)."""
        session = _session()
        bound = session.io_binding()
        for bind, name, array in (
            (bound.bind_input, "stored", stored.values),
            (bound.bind_input, "asked", self._values),
            (bound.bind_output, "scores", out),
        ):
            bind(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
        session.run_with_iobinding(bound)


@cache
def _session() -> Any:
    runtime: Any = importlib.import_module("streams.faces.runtime")  # slow to import, and small registers need no codes
    return runtime.open_session(PRODUCT, threads=1)


@cache
def is_exact(dimensions: int) -> bool:
    """Whether this processor's products of codes are exact: some add neighbours in 16 bits, which overflow."""
    rng = np.random.default_rng(0)
    stored = Codes(rng.choice(np.array([0, 255], np.uint8), (4096, dimensions)), 1.0, 0.0)
    asked = rng.choice(np.array([-1, 1], np.float32), (64, dimensions))
    products = np.zeros((len(stored.values), len(asked)), np.int32)
    CodedQueries(asked).products(stored, products)
    expected = (stored.values.astype(np.float64) - ZERO) @ asked.T.astype(np.float64) * LARGEST
    return np.array_equal(products, expected)


@cache
def is_faster(dimensions: int) -> bool:
    """Whether products of codes are exact on this machine and, measured, MIN_SPEEDUP times as fast as float32."""
    if not is_exact(dimensions):
        return False
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((4096, dimensions)).astype(np.float32)
    asked = vectors[:64]
    codes, queries = Codes.of(vectors), CodedQueries(asked)
    products = np.empty((len(vectors), len(asked)), np.int32)
    scores = np.empty((len(asked), len(vectors)), np.float32)
    by_codes = min(timeit.repeat(lambda: queries.products(codes, products), number=1, repeat=15))
    by_vectors = min(timeit.repeat(lambda: np.matmul(asked, vectors.T, out=scores), number=1, repeat=15))
    return by_codes * MIN_SPEEDUP <= by_vectors
