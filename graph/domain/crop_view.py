"""Where the eyes and the picture's edges are in a face's display crop, so that crops can be shown eye to eye. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan2, degrees
from typing import Final, Self

DISPLAY_FACTOR: Final = 1.6
"""Side of a display crop: so many times the longer side of the face's box, around its centre."""
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class CropView:
    """Places in a crop, as shares of its side from its top left corner.

    `eyes` are those of the left and right eye as the viewer sees them, `mouth` is its middle; `edges` is what lies
    within the picture: left, top, right, bottom.
    """

    eyes: tuple[Point, Point]
    mouth: Point
    edges: tuple[float, float, float, float]

    @classmethod
    def of(
        cls, region: Sequence[float] | None, landmarks: Sequence[float] | None, width: int | None, height: int | None
    ) -> Self | None:
        """Of a crop of this region (left, top, side) of a picture of this size, by the landmarks: five x, y in turn.

        None where one of these is not known.
        """
        if region is None or landmarks is None or len(landmarks) != 10 or not width or not height or not any(landmarks):
            return None
        left, top, side = region
        points = [((landmarks[i] - left) / side, (landmarks[i + 1] - top) / side) for i in range(0, 10, 2)]
        corners = [(-left / side, -top / side), ((width - left) / side, (height - top) / side)]
        for _ in range(quarter_turns(landmarks)):
            points, corners = [_left(point) for point in points], [_left(point) for point in corners]
        (x0, y0), (x1, y1) = corners
        edges = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        mouth = (points[3][0] + points[4][0]) / 2, (points[3][1] + points[4][1]) / 2
        inside = [min(max(edge, 0.0), 1.0) for edge in edges]
        return cls((points[0], points[1]), mouth, (inside[0], inside[1], inside[2], inside[3]))


def region_of(box: Sequence[int], width: int | None, height: int | None) -> tuple[float, float, float] | None:
    """The region of a crop whose release did not store it; None where the picture's edge cuts the face's box.

    Boxes are stored as the edge cuts them, and such a crop is that of the whole box.
    """
    x, y, w, h = box
    if not width or not height or x <= 0 or y <= 0 or x + w >= width or y + h >= height:
        return None
    side = DISPLAY_FACTOR * max(w, h)
    return x + w / 2 - side / 2, y + h / 2 - side / 2, side


def lean(landmarks: Sequence[float]) -> float:
    """The clockwise rotation of a head in degrees, by the line of the eyes and the line from them to the mouth."""
    (ax, ay), (bx, by), _, (cx, cy), (dx, dy) = (landmarks[i : i + 2] for i in range(0, 10, 2))
    eyes_x, eyes_y = bx - ax, by - ay
    down_x, down_y = (cx + dx - ax - bx) / 2, (cy + dy - ay - by) / 2
    return degrees(atan2(eyes_y - down_x, eyes_x + down_y))


def quarter_turns(landmarks: Sequence[float]) -> int:
    """By how many quarter turns to the left a crop is stored, so that the head is upright."""
    return round(lean(landmarks) / 90) % 4


def _left(point: Point) -> Point:
    """The point after a quarter turn of the crop to the left."""
    return point[1], 1 - point[0]
