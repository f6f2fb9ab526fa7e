"""Goes through the pictures of a file: opens it with the reader of its kind and gives each distinct one."""

import math
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from graph.domain.media_kinds import (
    AVIF_BRANDS,
    HEIF_BRANDS,
    JPEG_START,
    JUNK,
    PNG_START,
    brands,
    picture_after_junk,
    starts_as_picture,
)
from streams.media.isolated import codecs, partial, pillow, png, raw
from streams.media.isolated.page import Frame, Refused, Source, attempted

MOST_PAGES = 64
"""Distinct pictures of a file that are given."""
_ALL = MOST_PAGES // 2
"""After so many given pictures the rest are taken from all that follow: a long animation is seen to its end."""
_SAME = 2
"""Grey levels by which two frames may differ in every block: what compression changes."""
_BLOCKS = 128
_KNOWN_BRANDS = (*HEIF_BRANDS, *AVIF_BRANDS)
_SHARED_BRANDS = (b"mif1", b"msf1", b"jp2 ")
_TIFF_STARTS = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")

Grid = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Page:
    """One picture of a file: `number`, from 1, is its place among all of them."""

    frame: Frame
    number: int


class Pages:
    """The distinct pictures of a file, in order. `examined` counts those given and those that are the same as one.

    Raises Refused if it cannot be opened.
    """

    def __init__(self, data: bytes, max_pixels: int, seconds: float) -> None:
        self.source = attempted(lambda: opened(data, max_pixels))
        self.examined = 0
        self._seconds_left = seconds
        self._index = 0
        self._seen: list[Grid] = []
        self._given = 0

    def next(self) -> Page | None:
        """The next distinct picture, decoded now; None after the last, after `MOST_PAGES`, and when time is over.

        Raises Refused if no picture of the file decodes.
        """
        begun, refusal = time.monotonic(), None
        while self._index < self.source.frames and self._given < MOST_PAGES:
            if self._seconds_left < time.monotonic() - begun:
                break
            index = self._index
            self._index += self._step()
            try:
                frame = attempted(lambda index=index: self.source.read(index))
            except Refused as reason:
                refusal = refusal or reason
                continue
            self.examined += 1
            if self._is_new(frame.image):
                self._given += 1
                self._seconds_left -= time.monotonic() - begun
                return Page(frame, index + 1)
        self._seconds_left = 0.0
        if self._given == 0:
            raise refusal or Refused("damaged")
        return None

    @property
    def has_more(self) -> bool:
        """Whether `next` may give another picture."""
        return self._index < self.source.frames

    def _step(self) -> int:
        if self._given < _ALL:
            return 1
        return math.ceil((self.source.frames - self._index) / (MOST_PAGES - self._given))

    def _is_new(self, image: Image.Image) -> bool:
        """Whether no given picture is the same in every block."""
        if self.source.frames == 1:
            return True
        grid = np.asarray(image.reduce(max(1, max(image.size) // _BLOCKS)), np.int16)
        if any(grid.shape == other.shape and np.abs(grid - other).max() <= _SAME for other in self._seen):
            return False
        self._seen.append(grid)
        return True


def opened(data: bytes, max_pixels: int) -> Source:
    """The file, opened by the reader of its kind, or Refused."""
    start = data.lstrip(JUNK)
    if start is not data and starts_as_picture(start):
        data = start
    if data.startswith(PNG_START):
        return pillow.source(png.plain(data), max_pixels, is_iphone=png.is_iphone(data))
    if data.startswith(_TIFF_STARTS):
        return raw.tiff_source(data, max_pixels)
    if raw.is_raw(data):
        return raw.source(data, max_pixels)
    if data.startswith(JPEG_START):
        data = partial.jpeg_data(data)
    if (known := codecs.source(data, max_pixels)) is not None:
        return known
    if data[:4] == b"RIFF" and (kept := partial.cut_webp(data)) is not None:
        return _cut_webp(kept, max_pixels)
    try:
        return pillow.source(_with_known_brand(data), max_pixels)
    except Refused as refusal:
        at = picture_after_junk(data)
        if at <= 0 or str(refusal) != "not_an_image":
            raise
    return opened(data[at:], max_pixels)


def _with_known_brand(data: bytes) -> bytes:
    """The file under the first of its brands that parsers know, where its major brand is a profile's."""
    named = brands(data)
    known = next((brand for brand in named if brand in _KNOWN_BRANDS), None)
    return data if known is None or named[0] in (known, *_SHARED_BRANDS) else data[:8] + known + data[12:]


def _cut_webp(kept: bytes, max_pixels: int) -> Source:
    """A WebP that ends too early: its whole frames, or the part of its only picture."""
    if whole := partial.whole_frames(kept):
        return pillow.source(whole, max_pixels)

    def read(index: int) -> Frame:
        return Frame(*partial.webp(kept, lambda data: pillow.opened(data, max_pixels)))

    return Source("WEBP", 1, read, lambda: None)
