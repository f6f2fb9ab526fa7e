"""The faces of a labelled folder and of a degraded copy of each picture, found and embedded by the product's code."""

from __future__ import annotations

import importlib
import io
import mimetypes
import os
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from graph.domain.box import off_centre
from graph.domain.errors import Unprocessable
from graph.domain.ids import media_id
from infra.bench.likelihood import Flags, Floats
from infra.folders import SourceFile
from streams.faces.models import ModelFiles
from streams.gallery.matrix import Vectors
from streams.media.decode import Decoder, Picture

if TYPE_CHECKING:
    from streams.faces.find import FaceFinder, FoundFace


@dataclass(frozen=True, slots=True)
class LabelledFaces:
    """The face nearest to the middle of each picture, where one was found that is good enough to compare.

    `person` and `picture` are numbers (n,); `is_copy` says which are of a degraded copy of `picture`.
    """

    person: npt.NDArray[np.int64]
    picture: npt.NDArray[np.int64]
    is_copy: Flags
    vectors: Vectors
    norms: Floats
    no_face: int
    too_poor: int

    def of(self, chosen: Flags) -> LabelledFaces:
        """The chosen faces alone."""
        return LabelledFaces(
            self.person[chosen], self.picture[chosen], self.is_copy[chosen], self.vectors[chosen], self.norms[chosen],
            self.no_face, self.too_poor,
        )  # fmt: skip


def labelled_faces(files: Sequence[SourceFile], models: ModelFiles, threads: int, seed: int) -> LabelledFaces:
    """The faces of the pictures and of a seeded degraded copy of each; a file that is no picture has none."""
    names = {name: number for number, name in enumerate(dict.fromkeys(file.case for file in files))}
    find: Any = importlib.import_module("streams.faces.find")  # here: no other command needs its libraries
    finder, decoder = find.FaceFinder(models), Decoder()
    rows: list[tuple[int, int, bool, FoundFace]] = []
    no_face = too_poor = 0

    def work(number: int) -> list[FoundFace | None]:
        return list(_both(files[number].path, finder, decoder, random.Random(f"{seed} {number}")))

    try:
        with ThreadPoolExecutor(threads) as pool:
            for number, found in enumerate(pool.map(work, range(len(files)))):
                for is_copy, face in enumerate(found):
                    if face is None or face.too_poor_because is not None:
                        no_face, too_poor = no_face + (face is None), too_poor + (face is not None)
                    else:
                        rows.append((names[files[number].case], number, bool(is_copy), face))
    finally:
        decoder.close()
    vectors = np.stack([face.vector for *_, face in rows]) if rows else np.zeros((0, 1), np.float32)
    return LabelledFaces(
        np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.bool_), vectors, np.array([row[3].norm for row in rows], np.float64),
        no_face, too_poor,
    )  # fmt: skip


def _both(path: Path, finder: FaceFinder, decoder: Decoder, chance: random.Random) -> Iterator[FoundFace | None]:
    data = path.read_bytes()
    try:
        picture = decoder.decode(data, mimetypes.guess_type(os.fspath(path))[0])
        yield _main_face(finder.find(picture, media_id(data)), picture)
        worse = degraded(picture, chance)
        copy = decoder.decode(worse, "image/jpeg")
    except Unprocessable:
        yield None
        return
    yield _main_face(finder.find(copy, media_id(worse)), copy)


def _main_face(faces: Sequence[FoundFace], picture: Picture) -> FoundFace | None:
    return min(faces, key=lambda face: off_centre(face.box, picture.width, picture.height), default=None)


def degraded(picture: Picture, chance: random.Random) -> bytes:
    """A JPEG of the picture that is blurred, or small, or both, more or less, and coarsely compressed."""
    image = Image.fromarray(np.ascontiguousarray(picture.bgr[:, :, ::-1]))
    longest = max(image.size)
    if chance.random() < 0.6:
        image = image.filter(ImageFilter.GaussianBlur(longest * chance.uniform(0.006, 0.018)))
    if chance.random() < 0.6:
        share = chance.uniform(0.2, 0.5)
        image = image.resize((max(1, round(image.width * share)), max(1, round(image.height * share))))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=chance.randint(20, 60))
    return out.getvalue()
