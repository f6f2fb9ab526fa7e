"""Stored vectors whose scored vectors are known: what the map makes of them is undone beforehand."""

import numpy as np
from numpy.typing import NDArray

from graph.domain.score import ScoreMap
from streams.faces.models import MODEL_ID
from streams.gallery.calibration import packaged
from streams.gallery.matrix import Vectors
from streams.gallery.scoring import Scorer

Vector = NDArray[np.float32]
SCORE = packaged()[MODEL_ID].score
SCORER = Scorer(SCORE)
assert SCORE is not None, "the default model's map was measured"
DIMENSIONS = len(SCORE.mean)


def _reached(score: ScoreMap) -> NDArray[np.float64]:
    """The projection (d, d) on what scored vectors can be, without the directions of crowded places."""
    mapped = np.array(score.map)
    inside = np.linalg.svd(mapped)[2][: np.linalg.matrix_rank(mapped, tol=1e-3)]
    if score.crowd is not None:
        crowded = np.linalg.svd(
            np.array(score.crowd.directions) @ np.linalg.pinv(mapped, rcond=1e-3).T, full_matrices=False
        )
        taken = crowded[2][crowded[1] > 1e-3]
        inside = np.linalg.svd(inside - inside @ taken.T @ taken)[2][: len(inside) - len(taken)]
    return inside.T @ inside


_INSIDE = _reached(SCORE)
_BACK = np.linalg.pinv(np.array(SCORE.map), rcond=1e-3)
_MEAN = np.array(SCORE.mean)


assert SCORE.crowd is not None, "the default model's crowded places were measured"
_MOST = max(range(len(SCORE.crowd.along)), key=lambda at: abs(SCORE.crowd.along[at]) + SCORE.crowd.squared[at])
DEFECT = np.array(SCORE.crowd.directions[_MOST]) * np.sign(SCORE.crowd.along[_MOST])
"""The unit direction (128,) in which stored vectors come to the most crowded places."""


def scorable(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """The unit vector nearest to a drawn one (128,) that a face of no crowded place can be compared by."""
    inside = _INSIDE @ drawn
    return inside / np.linalg.norm(inside)


def stored(scored: NDArray[np.float64]) -> Vector:
    """The stored unit vector (128,) of a face that is compared by this `scorable` one."""
    across = scored @ _BACK
    along, square = _MEAN @ across, across @ across
    far = (-along + np.sqrt(along**2 + square * (1 - _MEAN @ _MEAN))) / square
    made = _MEAN + far * across
    return (made / np.linalg.norm(made)).astype(np.float32)


def compared_by(vector: Vectors) -> Vectors:
    """The scored vector of a stored one, of any model of the tests."""
    return SCORER.scored(vector) if len(vector) == DIMENSIONS else vector
