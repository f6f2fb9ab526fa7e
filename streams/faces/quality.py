"""Whether a face is good enough to compare, from the norm its embedding had before it was made a unit vector.

SFace's norm falls when a face is blurred, tiny, turned away or covered. Limits from measurements on press photographs
of adults: below 9 two *different* poor faces pass a threshold of 1 in 1,000 ten times as often, while two pictures of
one person are found less than half the time; below 10 both errors are raised.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

TOO_POOR_BELOW: Final = 9.0
WEAK_BELOW: Final = 10.0
_SMALL_PX: Final = 24
"""Faces of this height lose a tenth of the true pairs at a strict threshold, smaller ones more."""

_FOUND_AGAIN: Final = ((7.5, 0.18), (8.5, 0.43), (9.5, 0.67), (10.5, 0.89), (11.5, 0.975), (12.5, 0.989))
"""Norm, and the share of pictures with it that find another picture of the person at 1 false pair in 1,000."""


def quality(norm: float) -> float:
    """0 to 1, rising with the norm: the share of such faces found again in the measurement, straight lines between."""
    if norm <= 0:
        return 0.0
    points = ((0.0, 0.0), *_FOUND_AGAIN)
    right = bisect_right([point[0] for point in points], norm)
    if right == len(points):
        return points[-1][1]
    (x0, y0), (x1, y1) = points[right - 1], points[right]
    return y0 + (y1 - y0) * (norm - x0) / (x1 - x0)


def is_weak(norm: float) -> bool:
    """Whether a candidate that rests on this face needs the warning that the face is poor."""
    return norm < WEAK_BELOW


def too_poor_because(norm: float, height_px: float, *, landmarks_seen: bool = True) -> str | None:
    """One sentence that says why the face is not compared, or None when it is."""
    if norm >= TOO_POOR_BELOW:
        return None
    if height_px < _SMALL_PX:
        return f"The face is too poor to compare: it is only {round(height_px)} pixels high."
    if not landmarks_seen:
        return "The face is too poor to compare: no eyes, nose and mouth were found in the box that a person marked."
    return "The face is too poor to compare: it is blurred, dark, turned away, partly covered or not a face."
