"""Boxes in an upright picture, `(x, y, w, h)` in pixels from its top left corner, and the angles of turned pictures."""

import re
from collections.abc import Sequence
from typing import Final

from graph.domain.errors import Invalid

SAME_FACE_IOU: Final = 0.5
"""Overlap from which two boxes of one picture mean the same face."""
SMALLEST_MARK_PX: Final = 16
"""Shortest side of a face that a person may mark: the detector's own limit; in fewer pixels nobody is recognised."""
TURNS: Final = (0, 90, 180, 270)
"""Degrees clockwise."""
_NOTE: Final = re.compile(rb"\nredthread turned (090|180|270)\n\Z")
_LONGEST: Final = 32


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def off_centre(box: Sequence[float], width: int, height: int) -> float:
    """Distance of a box's centre from that of its picture, in squared pixels."""
    x, y, w, h = box
    return (x + w / 2 - width / 2) ** 2 + (y + h / 2 - height / 2) ** 2


def check_mark(box: Sequence[int], width: int, height: int) -> None:
    """Refuses a box that no face in a picture of this size can be compared by: too small, or not inside it."""
    x, y, w, h = box
    if min(w, h) < SMALLEST_MARK_PX:
        raise Invalid(f"box: a face to compare is at least {SMALLEST_MARK_PX} pixels wide and high")
    if x < 0 or y < 0 or x + w > width or y + h > height:
        raise Invalid(f"box: it leaves the upright picture, which is {width} x {height} pixels")


def noted_turn(data: bytes) -> int:
    """The degrees clockwise in a note after the picture's last byte; 0 without one.

    Earlier releases appended such a note to uploaded pictures that were turned. Such a file is a media of its own,
    named by the SHA-256 of all its bytes; its boxes refer to the turned picture.
    """
    found = _NOTE.search(data[-_LONGEST:])
    return int(found[1]) if found else 0
