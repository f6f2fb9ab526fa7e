"""The quality of a face: how likely it is to be found again, and what limits it. Pure.

Measured on 1,420 press photographs of adults (Labeled Faces in the Wild) and 24,000 copies of them, small, blurred,
moved across, down and slanting, compressed, dark, noisy or half covered; fitted on one half of the people, checked on
the other. How well a signal separates the pictures that were not found again at 1 false pair in 1,000 (area under
the curve, the two halves): the norm of the embedding 0.71 and 0.75, with the pixels between the eyes and sharpness
0.80 and 0.83. The norm is calibrated for motion blur too: of faces moved by 15 px across, 78 of 100 are found and 78
predicted. The detector's score, exposure and pose added less and only give the reason.

A face cut by the picture's edge is the exception to "too poor to compare". Pictures cut at the nose, left or right
half kept: of 4,458 such faces 32 in 100 have a quality below 0.5. Of these, 75 in 100 pairs with a whole picture of the
same adult reach the floor of a lead, and 4.6 in 1,000 with one of somebody else, half as many as of two whole pictures.
Small or blurred halves are no worse. But faces without eyes match nobody reliably and resemble each other.
"""

from dataclasses import dataclass
from math import exp, log
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from insightface.utils import face_align

from graph.domain.comparison import TOO_POOR_BELOW
from streams.faces.geometry import Pixels
from streams.faces.models import ALIGNED_SIDE

LIMITED_BELOW: Final = 0.9
"""Below this a reason is given."""
CUT_FROM: Final = 0.25
"""Share of the aligned crop outside the picture from which on a face counts as cut: none of 2,761 whole pictures has so
much, all but one of 4,458 half faces have."""

_OFFSET, _PER_NORM, _PER_LOG_EYES, _PER_LOG_SHARPNESS = -6.535, 0.829, 0.964, 1.089
_EYES_ENOUGH_PX: Final = 40.0
"""Above the recogniser's own resolution of about 35, more pixels between the eyes do not help."""
_SMOOTHED, _FLAT = 1.0, 1e-3
"""For sharpness: the smoothing in pixels, and the mean square of the change from pixel to pixel below which a crop is
flat."""
_COS, _SIN = np.cos(np.arange(12) * np.pi / 12), np.sin(np.arange(12) * np.pi / 12)
"""The directions in which sharpness is measured."""
_SHARP = 0.005, 0.15
"""Outside this range, sharpness made no difference."""

_EYES_PX, _SHARPNESS, _TURNED, _SCORE = 20.0, 0.04, 0.35, 0.85
_DARK, _BRIGHT = 45.0, 205.0
"""Where each signal begins to limit: about one in a hundred of the unchanged photographs is beyond."""


_face_align: Any = face_align


@dataclass(frozen=True, slots=True)
class Signals:
    """The measurements of a face.

    `eyes_px` is the distance of the eyes in the picture; `turned` is 0 from the front and about 0.5 in half profile;
    `brightness` is from 0 to 255; `sharpness` (1/px²) is the fine detail in the direction that has least of it,
    independent of contrast. `outside` is the share of the aligned crop beyond the picture's edge, `eyes_inside` the
    number of eyes within it.
    """

    norm: float
    detection_score: float
    eyes_px: float
    turned: float
    sharpness: float
    brightness: float
    outside: float
    eyes_inside: int

    @property
    def cut(self) -> bool:
        """Whether the picture's edge cuts the face."""
        return self.outside >= CUT_FROM


@dataclass(frozen=True, slots=True)
class Grade:
    """`quality` is the share of such faces that are found again; the reasons are sentences, or None."""

    quality: float
    because: str | None
    too_poor_because: str | None


def signals(
    aligned: Pixels, landmarks: npt.NDArray[np.float32], picture: tuple[int, int], detection_score: float, norm: float
) -> Signals:
    """The signals of a face from its crop (112, 112, 3), its landmarks (5, 2) in the picture, the picture's width and
    height in pixels, and the norm."""
    inner = cv2.cvtColor(aligned, cv2.COLOR_BGR2GRAY)[20:100, 20:92]  # no background, no hair
    left, right, nose, *mouth = landmarks.astype(np.float64)
    between = right - left
    eyes_px = max(float(np.linalg.norm(between)), 1e-6)
    middle = (left + right + mouth[0] + mouth[1]) / 4
    return Signals(
        norm=norm,
        detection_score=detection_score,
        eyes_px=eyes_px,
        turned=abs(float((nose - middle) @ between)) / eyes_px**2,
        sharpness=_sharpness(inner.astype(np.float64)),
        brightness=float(inner.mean()),
        outside=_outside(landmarks, picture),
        eyes_inside=int(((landmarks[:2] >= 0) & (landmarks[:2] < picture)).all(axis=1).sum()),
    )


def _outside(landmarks: npt.NDArray[np.float32], picture: tuple[int, int]) -> float:
    """The share, 0 to 1, of a face's aligned crop outside a picture of this width and height."""
    side, (width, height) = ALIGNED_SIDE, picture
    back = np.asarray(cv2.invertAffineTransform(_face_align.estimate_norm(landmarks, side)), np.float32)
    crop = _rectangle(side, side) @ back[:, :2].T + back[:, 2]
    inside, _ = cv2.intersectConvexConvex(crop, _rectangle(width, height))
    return max(0.0, 1 - inside / max(cv2.contourArea(crop), 1e-6))


def _rectangle(width: int, height: int) -> npt.NDArray[np.float32]:
    """The corners (4, 2) of a rectangle at the origin."""
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)


def _sharpness(grey: npt.NDArray[np.float64]) -> float:
    """The fine detail of a crop (h, w) in the direction with the least, in 1/px².

    Defocus removes detail in all directions, motion along its own. The measure is the mean square of the second
    derivative of the slightly smoothed crop in that direction, divided by that of the first derivative where it is
    largest.
    """
    smooth = cv2.GaussianBlur(grey, (0, 0), _SMOOTHED)
    across = smooth[1:-1, 2:] - 2 * smooth[1:-1, 1:-1] + smooth[1:-1, :-2]
    down = smooth[2:, 1:-1] - 2 * smooth[1:-1, 1:-1] + smooth[:-2, 1:-1]
    slanting = (smooth[2:, 2:] - smooth[2:, :-2] - smooth[:-2, 2:] + smooth[:-2, :-2]) / 2
    second = np.stack([across, slanting, down]).reshape(3, -1)
    along = np.stack([_COS * _COS, _COS * _SIN, _SIN * _SIN], axis=1)
    finest = ((along @ (second @ second.T)) * along).sum(axis=1).min() / second.shape[1]
    first = np.stack([grey[1:-1, 2:] - grey[1:-1, :-2], grey[2:, 1:-1] - grey[:-2, 1:-1]]).reshape(2, -1) / 2
    most = np.linalg.eigvalsh(first @ first.T)[-1] / first.shape[1]
    return float(finest / max(most, _FLAT))


def quality(norm: float, eyes_px: float, sharpness: float) -> float:
    """0 to 1, rising with all three: the share of such faces that are found again at 1 false pair in 1,000."""
    logit = _OFFSET + _PER_NORM * norm
    logit += _PER_LOG_EYES * log(min(max(eyes_px, 1.0), _EYES_ENOUGH_PX))
    logit += _PER_LOG_SHARPNESS * log(min(max(sharpness, _SHARP[0]), _SHARP[1]))
    return 1 / (1 + exp(-logit))


def graded(seen: Signals, *, landmarks_seen: bool = True) -> Grade:
    """The face's quality, with a sentence on what limits it most where something does.

    A face cut by the picture's edge is compared at any quality, unless both eyes are outside or no landmarks were seen.
    """
    found_again = quality(seen.norm, seen.eyes_px, seen.sharpness)
    if found_again >= LIMITED_BELOW:
        return Grade(found_again, None, None)
    why = _limit(seen) if landmarks_seen else "no eyes, nose and mouth were found in the box that a person marked"
    half = seen.cut and seen.eyes_inside > 0 and landmarks_seen
    too_poor = f"The face is too poor to compare: {why}." if found_again < TOO_POOR_BELOW and not half else None
    return Grade(found_again, f"The face is hard to compare: {why}.", too_poor)


def _limit(seen: Signals) -> str:
    """The worst limit of the face, as the end of a sentence after a colon.

    For a cut face that is the cut: landmarks outside the picture are guesses, and so are pose and blur.
    """
    if seen.cut:
        return "the picture's edge cuts it" if seen.eyes_inside else "the picture's edge cuts off both eyes"
    limits = {
        f"it has only {round(seen.eyes_px)} pixels between the eyes": _EYES_PX / seen.eyes_px,
        "it is too dark": _DARK / max(seen.brightness, 1.0),
        "it is too bright": (255 - _BRIGHT) / max(255 - seen.brightness, 1.0),
        "it is turned away": seen.turned / _TURNED,
        "it hardly looks like a face": (1 - seen.detection_score) / (1 - _SCORE),
    }
    if seen.eyes_px >= _EYES_PX:  # a small face has no detail, so its blur says nothing
        limits["it is blurred"] = _SHARPNESS / max(seen.sharpness, 1e-6)
    worst = max(limits, key=lambda name: limits[name])
    return worst if limits[worst] > 1 else "it is partly covered, not sharp enough or not a face"
