"""Boxes: pure arithmetic on `(x, y, w, h)` in pixels, and the one way to cut a square out of a picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Box = tuple[float, float, float, float]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Square:
    """A square region of a picture: its top left corner and side, in pixels; it may reach beyond the picture."""

    x: float
    y: float
    side: float


def clip(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """The box in whole pixels, cut to a picture of this size; at least 1 x 1 pixel and inside it."""
    left = min(max(round(box[0]), 0), width - 1)
    top = min(max(round(box[1]), 0), height - 1)
    right = min(max(round(box[0] + box[2]), left + 1), width)
    bottom = min(max(round(box[1] + box[3]), top + 1), height)
    return left, top, right - left, bottom - top


def enlarge(box: Box, factor: float) -> Square:
    """The square around the box's centre whose side is `factor` times the box's longer side."""
    side = factor * max(box[2], box[3])
    return Square(box[0] + box[2] / 2 - side / 2, box[1] + box[3] / 2 - side / 2, side)


def cut(picture: Pixels, square: Square, size: int) -> tuple[Pixels, Square]:
    """The region as `size` x `size` pixels, black where it leaves the picture; and the region as it was really cut.

    The cut falls on whole pixels: map a point back with `picture = region corner + point * side / size`.
    """
    side = max(1, round(square.side))
    left, top = round(square.x), round(square.y)
    height, width = picture.shape[:2]
    inner = picture[max(top, 0) : max(min(top + side, height), 0), max(left, 0) : max(min(left + side, width), 0)]
    if inner.shape[:2] != (side, side):
        inner = _on_black(inner, max(left, 0) - left, max(top, 0) - top, side, max(1, side // (4 * size)))
    return resize(inner, size, size), Square(left, top, side)


def _on_black(inner: Pixels, x: int, y: int, side: int, shrink: int) -> Pixels:
    """A black square of `side / shrink` pixels with `inner` at (x, y): a face that fills a huge picture stays cheap."""
    black = np.zeros((round(side / shrink), round(side / shrink), 3), np.uint8)
    if inner.size == 0:
        return black
    if shrink > 1:
        inner = resize(inner, max(1, inner.shape[1] // shrink), max(1, inner.shape[0] // shrink))
    x, y = round(x / shrink), round(y / shrink)
    room = black[y : y + inner.shape[0], x : x + inner.shape[1]]
    room[:] = inner[: room.shape[0], : room.shape[1]]
    return black


def pad(picture: Pixels, above: int, below: int, before: int, after: int) -> Pixels:
    """The picture with that many black pixels on its four sides."""
    return np.asarray(cv2.copyMakeBorder(picture, above, below, before, after, cv2.BORDER_CONSTANT), np.uint8)


def resize(picture: Pixels, width: int, height: int) -> Pixels:
    """The picture at another size: averaged where it shrinks (no false edges), linear where it grows."""
    if picture.shape[:2] == (height, width):
        return picture
    how = cv2.INTER_AREA if picture.shape[0] > height else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=how), np.uint8)
