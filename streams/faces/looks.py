"""The looks that a picture needs: its contrast, the sizes in which it is searched, and their tiles. Pure."""

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from streams.faces.geometry import Detection, Pixels, resize

LOOKS_VERSION: Final = 3
"""Part of the detector id. Increase it with every change of what is found, because ranks, and with them face ids,
change; and of the crops that are stored, so that `redthread reexamine` renews those of older media."""
MAIN_SIDE: Final = 640
"""Of faces with 24 px in the detector's picture 96 in 100 are found, with 20 px 86, with 16 px 53 (160 press
photographs); twice the side costs five times the time."""
MOST_ENLARGED: Final = 1.6
"""Of a small picture: a face of 15 px becomes one of 24, and a picture of 250 px takes half of the time at 640."""
LARGE_SIDE: Final = 1920
"""A picture up to this side is searched in its own size too, a larger one in at least this."""
LARGE_PIXELS: Final = 12_000_000
LARGE_SHARE: Final = 0.5
LEAST_SCALE: Final = 0.5
"""A large picture is searched with half of its pixels, 12 million at the most, but never below half its size:
of 60 faces 40 px wide in pictures of 12, 18 and 48 megapixels 59 are found, and at 0.4 of the size 58 of 80."""
_LARGER: Final = 1.25
"""A second size must be larger by this factor to find more faces."""
GLANCE_SIDE: Final = 320
SMALL_SIDES: Final = (160, 96)
"""Noise, compression, mosaics and print dots vanish in a small picture: of 25 faces under noise with a deviation of 60
grey levels 25 are seen at 96 px and none at 640, at JPEG quality 2 24 and none, of 25 close-ups 25 and 19."""
_LONG: Final = 4 / 3
TILE_SIDE: Final = 1344
TILE_MARGIN: Final = 64
"""A face up to twice as wide is whole in one tile. A larger one is found in the main size."""
FLAT_BELOW: Final = 64
"""Range of grey levels below which the contrast is stretched: no press photograph of 25 has less than 185, dark and
flat ones have at most 23."""
_EMPTY_BELOW: Final = 5
_BEYOND: Final = 0.005
"""Share of pixels beyond either end of the range."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """A picture in the sizes in which it is searched."""

    upright: list[Pixels]
    """The main size, and a larger one of a large picture: every orientation may be searched in them."""
    small: list[Pixels]
    glance: Pixels


def sizes_of(bgr: Pixels) -> Sizes:
    """The sizes of a picture. Each is made of the next larger one: a huge picture is read once."""
    height, width = bgr.shape[:2]
    # Of a picture longer than 16 to 9: the side of one that long with the same area.
    side = min(max(width, height), _LONG * math.sqrt(width * height))
    main, glance = min(MAIN_SIDE, MOST_ENLARGED * side), min(GLANCE_SIDE, side)
    scale = math.sqrt(min(LARGE_SHARE, LARGE_PIXELS / (width * height)))
    large = side if side <= LARGE_SIDE else max(LARGE_SIDE, max(scale, LEAST_SCALE) * side)
    upright = [main, large] if large >= _LARGER * main else [main]
    made: dict[float, Pixels] = {}
    source = bgr
    for one in sorted({*upright, *SMALL_SIDES, glance}, reverse=True):
        scale = one / side
        made[one] = resize(source, max(1, round(width * scale)), max(1, round(height * scale)))
        if scale <= 1:
            source = made[one]
    return Sizes([made[one] for one in upright], [made[one] for one in SMALL_SIDES], made[glance])


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a picture from (x, y) on. The faces with their centre between `first` and `last` are this tile's."""

    x: int
    y: int
    pixels: Pixels
    first: tuple[float, float]
    last: tuple[float, float]

    def owns(self, face: Detection) -> bool:
        """Whether a face, in the whole picture's pixels, is this tile's and no other's."""
        x, y, width, height = face.box
        centre = (x + width / 2, y + height / 2)
        return all(a <= value < b for a, value, b in zip(self.first, centre, self.last, strict=True))


def tiles(pixels: Pixels) -> Generator[Tile]:
    """The picture in overlapping parts of bounded size, so that the detector's memory is bounded too."""
    height, width = pixels.shape[:2]
    for top, bottom, y, end_y in _spans(height):
        for left, right, x, end_x in _spans(width):
            yield Tile(left, top, pixels[top:bottom, left:right], (x, y), (end_x, end_y))


def _spans(side: int) -> Generator[tuple[int, int, float, float]]:
    """Begin and end of each tile along a side, and begin and end of what belongs to it alone."""
    number = 1 if side <= TILE_SIDE else math.ceil((side - 2 * TILE_MARGIN) / (TILE_SIDE - 2 * TILE_MARGIN))
    own = side / number
    for at in range(number):
        first, last = at * own, (at + 1) * own
        begin, end = max(0, round(first) - TILE_MARGIN), min(side, round(last) + TILE_MARGIN)
        yield begin, end, first if at else -math.inf, last if at + 1 < number else math.inf


@dataclass(frozen=True, slots=True)
class Exposure:
    """A picture, or its contrast stretched from the grey levels `low` to `high` to the full range."""

    bgr: Pixels
    low: int = 0
    high: int = 255

    def brightness(self, seen: float) -> float:
        """What a mean brightness in these pixels is in the picture itself, 0 to 255."""
        return self.low + seen * (self.high - self.low) / 255


def exposures(bgr: Pixels) -> list[Exposure]:
    """The picture itself; of a dark or flat one first its contrast stretched."""
    height, width = bgr.shape[:2]
    step = max(1, max(height, width) // MAIN_SIDE)
    grey = cv2.cvtColor(bgr[::step, ::step], cv2.COLOR_BGR2GRAY)
    counts = np.cumsum(cv2.calcHist([grey], [0], None, [256], [0, 256]))
    total = float(counts[-1])
    low, high = (int(np.searchsorted(counts, total * share)) for share in (_BEYOND, 1 - _BEYOND))
    if not _EMPTY_BELOW <= high - low < FLAT_BELOW:
        return [Exposure(bgr)]
    levels = np.clip((np.arange(256) - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
    return [Exposure(np.asarray(cv2.LUT(bgr, levels), np.uint8), low, high), Exposure(bgr)]
