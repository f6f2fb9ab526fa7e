"""Face vectors in records of the gallery log. Pure."""

import base64

import numpy as np

from graph.domain.errors import Unprocessable
from streams.gallery.matrix import Vectors


def unit_vector(text: str) -> Vectors:
    """The read-only unit vector (d,) in base64 of little-endian float32. Raises Unprocessable."""
    try:
        values = np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32)
    except ValueError as error:
        raise Unprocessable("an embedding can't be read", code="bad_embedding") from error
    if values.ndim != 1 or not np.isfinite(values).all() or abs(float(np.linalg.norm(values)) - 1) > 1e-3:
        raise Unprocessable("an embedding is not a unit vector", code="bad_embedding")
    values.flags.writeable = False
    return values
