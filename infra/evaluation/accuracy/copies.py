"""Worse copies of a picture, as case material is: small, blurred, moved, compressed, covered, bent, filtered. Pure."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np
import numpy.typing as npt

from streams.faces.geometry import Pixels, resize

Box = tuple[int, int, int, int]
"""x, y, width and height in pixels."""

PHOTO = (1280, 960)
"""Width and height in pixels of the photo in which a small face is far from the camera."""
_GREY, _PALE = 90, (200, 190, 180)

Radii = npt.NDArray[np.float64]

Copy = Callable[[Pixels, Box], Pixels]
"""Makes the copy of a picture, uint8 (h, w, 3), given the box of its main face."""


def _shrunk(bgr: Pixels, face_px: float, to_px: int) -> Pixels:
    """The picture at the size at which its face is `to_px` pixels high; a smaller one stays as it is."""
    scale = min(1.0, to_px / face_px)
    return resize(bgr, max(1, round(bgr.shape[1] * scale)), max(1, round(bgr.shape[0] * scale)))


def _small(to_px: int) -> Copy:
    """Shrunk, then enlarged back, as a large file made from a small picture."""
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


def _half(side: int, colour: tuple[int, int, int]) -> Copy:
    """One half of the face under one block: `side` 0 is on the left, 1 on the right."""

    def copy(bgr: Pixels, face: Box) -> Pixels:
        x, y, width, height = face
        left = x - width // 8 if side == 0 else x + width // 2
        covered = bgr.copy()
        covered[max(0, y - height // 8) : y + height + height // 8, max(0, left) : max(0, left + 5 * width // 8)] = (
            colour
        )
        return covered

    return copy


def _bar(bgr: Pixels, face: Box) -> Pixels:
    """A black bar over the eyes."""
    x, y, width, height = face
    covered = bgr.copy()
    covered[y + round(0.26 * height) : y + height // 2, max(0, x - width // 20) : x + width + width // 20] = 0
    return covered


def _glasses(bgr: Pixels, face: Box) -> Pixels:
    x, y, width, height = face
    covered = bgr.copy()
    for at in (0.29, 0.71):
        middle, size = (round(x + at * width), round(y + 0.39 * height)), (round(0.2 * width), round(0.12 * height))
        cv2.ellipse(covered, middle, size, 0, 0, 360, (15, 15, 15), -1)
    return covered


def _bent(by: Callable[[Radii], Radii]) -> Copy:
    """Each point shows the one `by` times as far from the middle of the face; `by` gets the distance in faces."""

    def copy(bgr: Pixels, face: Box) -> Pixels:
        x, y, width, height = face
        middle, reach = (x + width / 2, y + height / 2), 0.75 * max(width, height)
        down, across = np.mgrid[0 : bgr.shape[0], 0 : bgr.shape[1]]
        times = by(np.hypot(across - middle[0], down - middle[1]) / reach)
        from_x, from_y = (middle[0] + (across - middle[0]) * times, middle[1] + (down - middle[1]) * times)
        bent = cv2.remap(
            bgr,
            from_x.astype(np.float32),
            from_y.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(bent, np.uint8)

    return copy


def _wide_lens(strength: float) -> Copy:
    return _bent(lambda radius: np.where(radius < 1.6, (1 + strength * radius**2) / (1 + 0.8 * strength), 1 + strength))


def _negative(bgr: Pixels, _: Box) -> Pixels:
    return np.asarray(255 - bgr, np.uint8)


def _pencil(bgr: Pixels, _: Box) -> Pixels:
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    drawn = cv2.divide(grey, 255 - cv2.GaussianBlur(np.asarray(255 - grey, np.uint8), (0, 0), 8), scale=256)
    return np.asarray(cv2.cvtColor(drawn, cv2.COLOR_GRAY2BGR), np.uint8)


def _cartoon(bgr: Pixels, _: Box) -> Pixels:
    grey = cv2.medianBlur(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), 5)
    edges = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, 9, 9)
    flat = cv2.bilateralFilter(bgr, 9, 250, 250)
    return np.asarray(cv2.bitwise_and(flat, flat, mask=edges), np.uint8)


def _dark(bgr: Pixels, _: Box) -> Pixels:
    return np.asarray(0.15 * bgr, np.uint8)


def _stretched(bgr: Pixels, _: Box) -> Pixels:
    return resize(bgr, round(1.45 * bgr.shape[1]), bgr.shape[0])


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
        "right half grey": _half(1, (128, 128, 128)),
        "left half grey": _half(0, (128, 128, 128)),
        "left half brown": _half(0, (60, 90, 130)),
        "bar over the eyes": _bar,
        "dark glasses": _glasses,
        "wide lens": _wide_lens(0.35),
        "wider lens": _wide_lens(0.7),
        "pinched": _bent(lambda radius: np.where(radius < 1, np.minimum(radius, 1) ** 0.6, 1)),
        "bulging": _bent(lambda radius: np.where(radius < 1, np.minimum(radius, 1) ** 1.6, 1)),
        "stretched": _stretched,
        "negative": _negative,
        "pencil filter": _pencil,
        "cartoon filter": _cartoon,
        "dark": _dark,
    }
)
"""By the names in the results."""
