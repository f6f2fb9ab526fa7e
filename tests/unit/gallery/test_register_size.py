"""However large the register is, a new face of somebody who is not in it raises about as many candidates."""

from collections import Counter

import numpy as np
import pytest

from graph.domain import ids
from graph.domain.calibration import FALSE_PER_FACE
from graph.domain.comparison import InScope
from streams.faces.models import MODEL_ID
from streams.gallery.calibration import legacy_calibration
from streams.gallery.counts import Coverage
from streams.gallery.entities import Case, Face, Media
from streams.link.compare import Comparer
from tests.support import factories_streams as make
from tests.support.register import Register, batch_of

CALIBRATION = legacy_calibration(MODEL_ID, {})
"""As measured, but for vectors that are drawn as scored ones."""
STRANGERS = 40
"""New faces, each of somebody else than everybody on file."""
CHUNK = 50_000


def scores_of_strangers(rng: np.random.Generator, number: int) -> np.ndarray:
    """Cosines of different people, (number, STRANGERS): above the floor as often as was measured, below it near 0."""
    cosines, shares = np.array(CALIBRATION.false_accepts).T
    slope = (cosines[-1] - cosines[-2]) / (np.log10(shares[-2]) - np.log10(shares[-1]))
    rarest = shares[-1] / 1e4
    share = 1 - rng.random((number, STRANGERS))
    drawn = 0.15 * (share - 0.5)
    rare = share < shares[0]
    steps = np.append(-np.log10(shares), -np.log10(rarest))
    heights = np.append(cosines, cosines[-1] + 4 * slope)
    drawn[rare] = np.interp(-np.log10(share[rare]), steps, heights)
    return drawn


def filled(rng: np.random.Generator, size: int, strangers: np.ndarray, case: str) -> Register:
    """A gallery of so many faces of one case that score with the strangers as people's do."""
    gallery = Register({MODEL_ID: CALIBRATION})
    scope = InScope(make.media_id("all"), register=True, cases=frozenset({case}))
    gallery.cases[case] = Case(case, make.CASES[case])
    gallery.media.put(Media(scope.media_id, scope=scope))
    gallery.counts.add(scope, Coverage(compared=size))
    away = make.unit(rng).astype(np.float64)
    away -= strangers.T @ (strangers @ away)
    away /= np.linalg.norm(away)
    for start in range(0, size, CHUNK):
        scores = scores_of_strangers(rng, min(CHUNK, size - start))
        rest = np.sqrt(1 - (scores**2).sum(axis=1))
        vectors = (scores @ strangers + rest[:, None] * away).astype(np.float32)
        names = (ids.digest("face", start + row) for row in range(len(vectors)))
        gallery.faces.put_all(Face(name, scope.media_id, vector) for name, vector in zip(names, vectors, strict=True))
    return gallery


def proposed(gallery: Register, strangers: np.ndarray, case: str) -> Counter[str]:
    """How many candidates and leads the strangers get in that gallery, from a picture in `case`."""
    event = make.submitted(case, "register", make.CASES[case])
    record = make.embedded("new", list(strangers.astype(np.float32)), event, make.origin(0))
    batch = batch_of(gallery, MODEL_ID, [(0, record)])
    assert isinstance(batch.compare, Comparer)
    return Counter(row.state for row in batch.changes.links.values())


def strangers_of(rng: np.random.Generator) -> np.ndarray:
    """Unit vectors at right angles, (STRANGERS, 128): a stored face can have any cosine with each of them."""
    axes, _ = np.linalg.qr(rng.standard_normal((128, STRANGERS)))
    return axes.T


@pytest.mark.parametrize("size", [1000, 100_000, 1_000_000])
def test_false_candidates_of_a_new_face_stay_about_constant_from_a_thousand_faces_to_a_million(size: int) -> None:
    rng = np.random.default_rng(size)
    strangers = strangers_of(rng)

    found = proposed(filled(rng, size, strangers, "local:s1"), strangers, "local:n1")

    # 16 are expected, give or take 4.
    assert 0.5 * FALSE_PER_FACE < found["candidate"] / STRANGERS < 1.6 * FALSE_PER_FACE
    assert size == 1000 or found["lead"] > STRANGERS, "what lies below the threshold stays as a lead"
