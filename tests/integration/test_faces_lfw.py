"""How well faces are found and told apart on real photographs, as a floor that no change may break.

A wrong colour order or alignment costs several points at once; the full measurement is `redthread bench links`.
"""

import hashlib
import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from streams.faces.detect import Detector
from streams.faces.embed import Embedder, align
from streams.faces.find import FaceFinder
from streams.faces.models import ModelFiles
from streams.media.decode import Decoder
from tests.support.factories_models import plain_recogniser

_LFW = Path(__file__).resolve().parents[3] / "shared" / "faces" / "lfw"
_SEED = 20
_PAIRS = 200
"""Of the same person, and as many of different people."""

Vectors = dict[Path, npt.NDArray[np.float32]]

pytestmark = pytest.mark.skipif(not _LFW.is_dir(), reason=f"the sample faces are absent: {_LFW}")


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    decoder = Decoder()
    yield decoder
    decoder.close()


@pytest.fixture(scope="module")
def people() -> list[list[Path]]:
    """36 people with at least four pictures, four of each."""
    folders = [sorted(folder.glob("*.jpg")) for folder in sorted(_LFW.iterdir())]
    chosen = random.Random(_SEED).sample([files for files in folders if len(files) >= 4], 36)
    return [files[:4] for files in chosen]


@pytest.fixture(scope="module")
def vectors(models: ModelFiles, decoder: Decoder, people: list[list[Path]]) -> Vectors:
    """One vector a picture, of the face nearest to its middle; no face at all fails the test that asks."""
    finder = FaceFinder(models)
    found: Vectors = {}
    for path in itertools.chain.from_iterable(people):
        data = path.read_bytes()
        faces = finder.find(decoder.decode(data, "image/jpeg"), hashlib.sha256(data).hexdigest())
        if faces:
            found[path] = min(faces, key=lambda face: _distance_to_middle(face.box)).vector
    return found


def test_a_face_is_found_in_every_picture(vectors: Vectors, people: list[list[Path]]) -> None:
    assert set(vectors) == set(itertools.chain.from_iterable(people))


def test_same_and_different_people_are_distinguished(vectors: Vectors, people: list[list[Path]]) -> None:
    choose = random.Random(_SEED)
    same_pairs = [pair for files in people for pair in itertools.combinations(files, 2)]
    same = [float(vectors[a] @ vectors[b]) for a, b in choose.sample(same_pairs, _PAIRS)]
    different = [
        float(vectors[choose.choice(a)] @ vectors[choose.choice(b)])
        for a, b in (choose.sample(people, 2) for _ in range(_PAIRS))
    ]

    accuracies = [
        (sum(score >= threshold for score in same) + sum(score < threshold for score in different)) / (2 * _PAIRS)
        for threshold in np.arange(0.2, 0.6, 0.01)
    ]

    assert max(accuracies) >= 0.985
    assert sum(score >= 0.40 for score in same) / _PAIRS >= 0.97
    assert sum(score >= 0.40 for score in different) / _PAIRS <= 0.01


def test_the_prepared_recogniser_gives_the_bits_that_its_authors_file_gives(
    models: ModelFiles, people: list[list[Path]], tmp_path: Path
) -> None:
    """Its PRelus are computed in another way; a register keeps its vectors only while not one bit changes."""
    detector = Detector(models.detector)
    pictures = [_read(path) for path in itertools.chain.from_iterable(people)]
    crops = [align(picture, face.landmarks) for picture in pictures for face in detector.detect_small(picture)]

    embedders = (Embedder(plain_recogniser(models, tmp_path)), Embedder(models.recogniser))
    (expected, expected_norms), (found, norms) = (each.embed(crops) for each in embedders)

    assert len(crops) >= 144
    assert found.tobytes() == expected.tobytes()
    assert norms.tobytes() == expected_norms.tobytes()


def test_a_second_look_saves_small_faces_of_a_large_picture(
    models: ModelFiles, vectors: Vectors, people: list[list[Path]]
) -> None:
    """36 people on one picture of 1,500 pixels: 40 pixels a face for the detector; all are found and still known."""
    paths = [files[1] for files in people]
    tiles = [np.asarray(cv2.resize(_read(path), (250, 250)), np.uint8) for path in paths]
    montage = np.vstack([np.hstack(tiles[row : row + 6]) for row in range(0, 36, 6)])
    detector, embedder = Detector(models.detector), Embedder(models.recogniser)
    once, twice = [], []
    first = detector.detect_small(montage)
    for place, files in enumerate(people):
        top, left = 250 * (place // 6), 250 * (place % 6)
        face = min(first, key=lambda one: _distance_to_middle(_moved(one.box, left, top)))
        assert _distance_to_middle(_moved(face.box, left, top)) < 80
        refined = detector.refined_landmarks(montage, face)
        assert refined is not None
        crops = [align(montage, face.landmarks), align(montage, refined)]
        seen, _ = embedder.embed(crops)
        once.append(max(float(seen[0] @ vectors[path]) for path in files))
        twice.append(max(float(seen[1] @ vectors[path]) for path in files))

    assert np.mean(twice) > np.mean(once)
    assert min(twice) > 0.8


def _read(path: Path) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.imread(str(path)), np.uint8)


def _moved(box: tuple[float, float, float, float], left: int, top: int) -> tuple[float, float, float, float]:
    return box[0] - left, box[1] - top, box[2], box[3]


def _distance_to_middle(box: tuple[float, float, float, float]) -> float:
    """From the middle of a 250-pixel picture, in pixels."""
    return abs(box[0] + box[2] / 2 - 125) + abs(box[1] + box[3] / 2 - 125)
