"""The main face of each picture of a labelled folder, and of worse copies of it."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from infra.evaluation.accuracy.copies import COPIES
from infra.evaluation.accuracy.faces import embed_pictures
from infra.evaluation.accuracy.people import ORIGINAL, Codes, Vectors
from infra.evaluation.calibration.likelihood import Floats
from streams.client.folders import SourceFile
from streams.faces.models import ModelFiles

KINDS: Final = (ORIGINAL, *COPIES)
COPIES_EACH: Final = 4
_AGE: Final = re.compile(r"\dA(\d{1,2})[a-z]?\.\w+$")


@dataclass(frozen=True, slots=True)
class LabelledFaces:
    """The face nearest to the middle of each picture, where one was found that is good enough to compare.

    `person` and `picture` are numbers (n,); `kind` is the index in KINDS of the copy of `picture`; `age` is in years,
    not a number where the file's name does not contain it.
    """

    person: Codes
    picture: Codes
    kind: Codes
    vectors: Vectors
    quality: Floats
    age: Floats
    no_face: int
    too_poor: int

    def of(self, chosen: np.ndarray) -> LabelledFaces:
        """The faces chosen by a mask (n,)."""
        return LabelledFaces(
            self.person[chosen],
            self.picture[chosen],
            self.kind[chosen],
            self.vectors[chosen],
            self.quality[chosen],
            self.age[chosen],
            self.no_face,
            self.too_poor,
        )


def labelled_faces(files: Sequence[SourceFile], models: ModelFiles, seed: int, stop: threading.Event) -> LabelledFaces:
    """The faces of the pictures, and of copies of each, of three kinds drawn by the seed; a file that is not a picture
    has none. Blocks; raises Interrupted once `stop` is set.
    """
    chance = random.Random(seed)
    copies = [chance.sample(KINDS[1:], COPIES_EACH) for _ in files]
    by_picture = embed_pictures([file.path for file in files], copies, models, stop)
    people = {name: number for number, name in enumerate(dict.fromkeys(file.case for file in files))}
    seen = [(number, kind, face) for number, by_copy in enumerate(by_picture) for kind, face in by_copy.items()]
    kept = [(number, kind, face) for number, kind, face in seen if face.vector is not None and not face.too_poor]
    vectors = [face.vector for *_, face in kept if face.vector is not None]
    return LabelledFaces(
        person=np.array([people[files[number].case] for number, *_ in kept], np.int64),
        picture=np.array([number for number, *_ in kept], np.int64),
        kind=np.array([KINDS.index(kind) for _, kind, _ in kept], np.int64),
        vectors=np.stack(vectors) if vectors else np.zeros((0, 1), np.float32),
        quality=np.array([face.quality for *_, face in kept], np.float64),
        age=np.array([age_of(files[number].path.name) for number, *_ in kept], np.float64),
        no_face=sum(face.vector is None for *_, face in seen),
        too_poor=sum(face.too_poor for *_, face in seen),
    )


def age_of(name: str) -> float:
    """The age in a file's name, `<person>A<age>` with or without a letter after it; else not a number."""
    found = _AGE.search(name)
    return float(found[1]) if found else float("nan")
