"""The pictures of a labelled folder, and their main faces."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from infra.evaluation.accuracy.faces import MainFace
from streams.client.folders import SourceFile
from streams.gallery.scoring import Scorer

Half = Literal["a", "b"]
Method = Literal["product", "plain"]
Vectors = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int64]

ORIGINAL = ""
"""The name of the picture itself among its copies."""


def half_of(person: str) -> Half:
    """The half of all people that a name belongs to, whatever else the folder holds."""
    return "a" if hashlib.sha256(os.fsencode(person)).digest()[0] % 2 == 0 else "b"


def of_half(files: Sequence[SourceFile], half: Half | None) -> list[SourceFile]:
    """The files of the people of one half; all files where no half is given."""
    return [file for file in files if half is None or half_of(file.case) == half]


def scored(faces: Sequence[Mapping[str, MainFace]], scorer: Scorer) -> list[Mapping[str, MainFace]]:
    """The faces with the vectors that the product compares, instead of those that it stores."""
    return [
        {
            copy: face if face.vector is None else replace(face, vector=scorer.scored(face.vector))
            for copy, face in by_copy.items()
        }
        for by_copy in faces
    ]


@dataclass(frozen=True, slots=True)
class Sample:
    """Pictures by number: `person` (n,) is the number of the person in each, `faces` its main face by copy."""

    person: Codes
    faces: Sequence[Mapping[str, MainFace]]

    @classmethod
    def of(cls, people: Sequence[str], faces: Sequence[Mapping[str, MainFace]]) -> Sample:
        """The sample of pictures that show these people."""
        return cls(np.unique(np.array(people), return_inverse=True)[1].astype(np.int64), faces)

    @property
    def people(self) -> int:
        return int(self.person.max()) + 1 if len(self.person) else 0

    def pictures_of(self) -> dict[int, list[int]]:
        """The pictures of each person."""
        found: defaultdict[int, list[int]] = defaultdict(list)
        for picture, person in enumerate(self.person.tolist()):
            found[person].append(picture)
        return dict(found)

    def vectors(self, method: Method, copy: str = ORIGINAL) -> Vectors:
        """The unit vectors (n, d) of the pictures or of one copy of each; not a number where no face was found."""
        rows = [_vector(by_copy.get(copy, MainFace()), method) for by_copy in self.faces]
        width = next((len(row) for row in rows if row is not None), 1)
        nothing = np.full(width, np.nan, np.float32)
        return np.stack([nothing if row is None else row for row in rows])

    def quality(self, copy: str = ORIGINAL) -> npt.NDArray[np.float64]:
        """The stored quality (n,) of each picture's main face; 0 where none was found."""
        return np.array([by_copy.get(copy, MainFace()).quality for by_copy in self.faces], np.float64)

    def found(self, copy: str = ORIGINAL) -> npt.NDArray[np.bool_]:
        """In which pictures (n,) the product found a face."""
        return np.array([by_copy.get(copy, MainFace()).vector is not None for by_copy in self.faces], np.bool_)

    def too_poor(self, copy: str = ORIGINAL) -> npt.NDArray[np.bool_]:
        """Which main faces (n,) that were found are too poor to compare."""
        return np.array([by_copy.get(copy, MainFace()).too_poor for by_copy in self.faces], np.bool_)


def _vector(face: MainFace, method: Method) -> npt.NDArray[np.float32] | None:
    return face.vector if method == "product" else face.plain


def cosines(a: Vectors, b: Vectors) -> npt.NDArray[np.float64]:
    """The scores (n, m) of all pairs; minus infinity where a face was not found."""
    return np.nan_to_num(a @ b.T, nan=-np.inf).astype(np.float64)


def paired(a: Vectors, b: Vectors, pairs: tuple[Codes, Codes]) -> npt.NDArray[np.float64]:
    """The score of each pair, a row of `a` and a row of `b`; minus infinity where a face was not found."""
    scores = np.einsum("ij,ij->i", a[pairs[0]], b[pairs[1]])
    return np.nan_to_num(scores, nan=-np.inf).astype(np.float64)


BANDS = ((0.0, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 1.0))
"""Bands of the stored quality, from and to: press photographs are in the last."""


def band_name(band: tuple[float, float]) -> str:
    return f"{band[0]:g} to {band[1]:g}"


def in_band(quality: npt.NDArray[np.float64], band: tuple[float, float]) -> npt.NDArray[np.bool_]:
    """Which values (n,) are in a band: its lower end is included, its upper end only where that is 1."""
    return (quality >= band[0]) & ((quality < band[1]) | (band[1] == 1.0))
