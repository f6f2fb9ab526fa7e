"""The pictures of `bench looks`: ten kinds of poor ones, corners without a face, and faces in large pictures. Pure."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from PIL import Image

from streams.faces.geometry import Pixels, resize

SIDE: Final = 250
"""Of the press photographs, with the face in the middle."""
CORNER: Final = 80
LARGE: Final = ((4000, 3000), (6000, 4000), (8000, 6000), (12_000, 1500), (1080, 32_000))
FACES_EACH: Final = 10
"""In each large picture."""
FACE_SHARE: Final = 0.3
"""Width of the face in a press photograph."""
_DOTS: Final = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])

Random = np.random.Generator


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture and where its true faces are: their centres, and how far off a box may be, in pixels."""

    kind: str
    pixels: Pixels
    centres: Sequence[tuple[float, float]]
    near: float


def poor(photographs: Sequence[Pixels], seed: int) -> Generator[Shown]:
    """Each photograph spoiled in each of ten ways, the face where it was."""
    for kind, spoil in KINDS.items():
        for number, photograph in enumerate(photographs):
            pixels = spoil(photograph, np.random.default_rng([seed, number]))
            height, width = pixels.shape[:2]
            yield Shown(kind, pixels, [(width / 2, height / 2)], 0.3 * width if kind == "close-up" else 0.16 * width)


def corners(photographs: Sequence[Pixels]) -> Generator[Shown]:
    """The four corners of each photograph, beside the face in its middle."""
    for photograph in photographs:
        for rows in (slice(CORNER), slice(-CORNER, None)):
            for columns in (slice(CORNER), slice(-CORNER, None)):
                yield Shown("corners", np.ascontiguousarray(photograph[rows, columns]), [], 0)


def large(photographs: Sequence[Pixels], face_px: int, seed: int) -> Generator[Shown]:
    """Ten faces of this width in each of five large pictures of clouds."""
    chance = np.random.default_rng(seed)
    side = round(face_px / FACE_SHARE)
    for width, height in LARGE:
        clouds = chance.integers(60, 200, (max(2, height // 400), max(2, width // 400), 3)).astype(np.uint8)
        pixels = np.asarray(cv2.resize(clouds, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
        cells = [(x, y) for y in range(0, height - side, 2 * side) for x in range(0, width - side, 2 * side)]
        corners = [cells[number] for number in chance.permutation(len(cells))[:FACES_EACH]]
        for x, y in corners:
            photograph = photographs[chance.integers(len(photographs))]
            pixels[y : y + side, x : x + side] = resize(photograph, side, side)
        centres = [(x + side / 2, y + side / 2) for x, y in corners]
        yield Shown(f"{width}x{height}", pixels, centres, 0.6 * face_px)


def _levels(low: int, high: int) -> Callable[[Pixels, Random], Pixels]:
    return lambda picture, _: np.round(low + picture / 255.0 * (high - low)).astype(np.uint8)


def _noise(picture: Pixels, chance: Random) -> Pixels:
    return np.clip(picture + chance.normal(0, 60, picture.shape), 0, 255).astype(np.uint8)


def _dark_noise(picture: Pixels, chance: Random) -> Pixels:
    return np.clip(picture * (20 / 255) + chance.normal(0, 2.5, picture.shape), 0, 26).astype(np.uint8)


def _compressed(picture: Pixels, _: Random) -> Pixels:
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 3])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _mosaic(picture: Pixels, _: Random) -> Pixels:
    return np.asarray(cv2.resize(resize(picture, 42, 42), (SIDE, SIDE), interpolation=cv2.INTER_NEAREST), np.uint8)


def _halftone(picture: Pixels, _: Random) -> Pixels:
    grey = cv2.cvtColor(resize(picture, 500, 500), cv2.COLOR_BGR2GRAY)
    dots = grey > np.tile((_DOTS + 0.5) * 16, (125, 125))
    return np.repeat((dots * np.uint8(255))[:, :, None], 3, axis=2)


def _one_bit(picture: Pixels, _: Random) -> Pixels:
    """Dithered as Floyd and Steinberg do."""

    grey = Image.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)).convert("1").convert("RGB")
    return np.asarray(grey, np.uint8)


def _close_up(picture: Pixels, chance: Random) -> Pixels:
    half, width = int(chance.integers(36, 46)), int(chance.integers(700, 1400))
    middle, high = SIDE // 2, round(1.2 * half)
    cut = picture[middle - high : middle + high, middle - half : middle + half]
    return np.asarray(cv2.resize(cut, (width, round(1.2 * width)), interpolation=cv2.INTER_CUBIC), np.uint8)


def _bar(picture: Pixels, _: Random) -> Pixels:
    covered = picture.copy()
    covered[98:128, 68:182] = 0
    return covered


KINDS: Final[dict[str, Callable[[Pixels, Random], Pixels]]] = {
    "dark": _levels(0, 10),
    "flat": _levels(120, 135),
    "dark and noisy": _dark_noise,
    "noise": _noise,
    "JPEG quality 3": _compressed,
    "mosaic": _mosaic,
    "halftone": _halftone,
    "one bit": _one_bit,
    "close-up": _close_up,
    "bar over the eyes": _bar,
}
