"""What somebody found in the pictures of `bench peers`, and how well it tells people apart. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from graph.domain.box import off_centre
from infra.evaluation.accuracy.people import Codes
from infra.evaluation.accuracy.rates import accepted, threshold_at

Floats = npt.NDArray[np.float64]
Measure = Literal["product", "cosine", "euclidean"]
"""What vectors are compared by: for our scored ones, whose length counts, it is the inner product."""

FAR: Final = ("0.001", "0.0001")
"""False-accept rates, of all pairs of pictures of two people."""


@dataclass(frozen=True, slots=True)
class Face:
    """A face: the box (x, y, w, h) in pixels, and its vector (d,), None where it was only detected."""

    box: Sequence[float]
    vector: Floats | None


def main_vectors(pictures: Sequence[Sequence[Face]], sizes: Sequence[tuple[int, int]]) -> Floats:
    """The vectors (n, d) of the faces nearest to their pictures' centres; not a number where there is none."""
    main = [
        min(faces, key=lambda face, size=size: off_centre(face.box, *size), default=None)
        for faces, size in zip(pictures, sizes, strict=True)
    ]
    known = [face.vector for face in main if face is not None and face.vector is not None]
    nothing = np.full(len(known[0]) if known else 1, np.nan)
    return np.stack([nothing if face is None or face.vector is None else face.vector for face in main])


def recall(vectors: Floats, person: Codes, measure: Measure) -> dict[str, float | None]:
    """By false-accept rate, the share of the pairs of one person that are accepted.

    `person` (n,) is the number of who is in each picture. A picture without a vector is in no accepted pair. Null at
    rates below one pair of two people, and everywhere without any vector.
    """
    same, different = pair_scores(vectors, person, measure)
    known = not np.isnan(vectors).all()
    return {
        far: round(accepted(same, threshold_at(different, float(far))), 4)
        if known and float(far) * len(different) >= 1
        else None
        for far in FAR
    }


def pair_scores(vectors: Floats, person: Codes, measure: Measure) -> tuple[Floats, Floats]:
    """The scores of all pairs of one person, and of two; minus infinity where a vector is not a number."""
    products = vectors @ vectors.T
    squared = np.diag(products)
    if measure == "cosine":
        products /= np.sqrt(np.outer(squared, squared))
    elif measure == "euclidean":
        products = 2 * products - squared[:, None] - squared[None, :]
    scores = np.nan_to_num(products, nan=-np.inf)
    once = np.triu(np.ones_like(scores, np.bool_), 1)
    alike = person[:, None] == person[None, :]
    return scores[once & alike], scores[once & ~alike]


@dataclass(slots=True)
class Measured:
    """What one way found, picture by picture, and what it spent in all."""

    faces: list[Sequence[Face]] = field(default_factory=list[Sequence[Face]])
    seconds: float = 0.0
    cpu_s: float = 0.0

    def as_json(self, recall: dict[str, float | None]) -> dict[str, Any]:
        """With what `recall` gives."""
        return {
            "pictures_per_s": round(len(self.faces) / self.seconds, 2),
            "cpu_ms_a_picture": round(1000 * self.cpu_s / len(self.faces), 2),
            "faces": sum(map(len, self.faces)),
            "pictures_with_face": sum(1 for faces in self.faces if faces),
            "recall": recall,
        }
