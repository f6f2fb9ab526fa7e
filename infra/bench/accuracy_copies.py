"""Worse copies of a picture, as case material is: small, blurred, moved, compressed, half covered. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np

from streams.faces.geometry import Pixels, resize

Box = tuple[int, int, int, int]
"""x, y, width and height in pixels."""

PHOTO = (1280, 960)
"""Width and height in pixels of the photo in which a small face is far from the camera."""
_GREY, _PALE = 90, (200, 190, 180)

Copy = Callable[[Pixels, Box], Pixels]
"""Makes the copy of a picture, uint8 (h, w, 3), given the box of its main face."""


def _shrunk(bgr: Pixels, face_px: float, to_px: int) -> Pixels:
    """The picture at the size at which its face is `to_px` pixels high; a smaller one stays as it is."""
    scale = min(1.0, to_px / face_px)
    return resize(bgr, max(1, round(bgr.shape[1] * scale)), max(1, round(bgr.shape[0] * scale)))


def _small(to_px: int) -> Copy:
    """Shrunk, then enlarged back: what a larger file made of a small picture shows."""
    return lambda bgr, face: resize(_shrunk(bgr, face[3], to_px), bgr.shape[1], bgr.shape[0])


def _far(to_px: int) -> Copy:
    """Shrunk, in the middle of a large grey photo."""

    def copy(bgr: Pixels, face: Box) -> Pixels:
        small = _shrunk(bgr, face[3], to_px)[: PHOTO[1], : PHOTO[0]]
        photo = np.full((PHOTO[1], PHOTO[0], 3), _GREY, np.uint8)
        top, left = (PHOTO[1] - small.shape[0]) // 2, (PHOTO[0] - small.shape[1]) // 2
        photo[top : top + small.shape[0], left : left + small.shape[1]] = small
        return photo

    return copy


def _blurred(sigma: float) -> Copy:
    return lambda bgr, _: np.asarray(cv2.GaussianBlur(bgr, (0, 0), sigma), np.uint8)


def _moved(by_px: int, degrees: float) -> Copy:
    """As if camera or child had moved by so many pixels, counter-clockwise from straight across."""
    line = np.zeros((by_px, by_px), np.float32)
    line[by_px // 2] = 1
    turn = cv2.getRotationMatrix2D((by_px // 2, by_px // 2), degrees, 1)
    path = cv2.warpAffine(line, turn, (by_px, by_px))
    return lambda bgr, _: np.asarray(cv2.filter2D(bgr, -1, path / path.sum()), np.uint8)


def _compressed(quality: int) -> Copy:
    def copy(bgr: Pixels, _: Box) -> Pixels:
        data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)

    return copy


def _covered(bgr: Pixels, face: Box) -> Pixels:
    """With a pale patch over mouth and chin, as of a hand or a mask."""
    x, y, width, height = face
    copy = bgr.copy()
    copy[y + round(0.55 * height) : y + round(1.1 * height), max(0, x - width // 10) : x + round(1.1 * width)] = _PALE
    return copy


COPIES: Mapping[str, Copy] = MappingProxyType(
    {
        "face 40 px": _small(40),
        "face 24 px": _small(24),
        "face 40 px in a photo": _far(40),
        "blur 2.5 px": _blurred(2.5),
        "blur 3.5 px": _blurred(3.5),
        "blur 5 px": _blurred(5.0),
        "moved 15 px across": _moved(15, 0),
        "moved 15 px rising": _moved(15, 45),
        "moved 15 px down": _moved(15, 90),
        "moved 15 px falling": _moved(15, 135),
        "moved 21 px down": _moved(21, 90),
        "JPEG 20": _compressed(20),
        "JPEG 8": _compressed(8),
        "lower half covered": _covered,
    }
)
"""By the name under which results are told."""
