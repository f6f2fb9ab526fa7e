"""Reads the pages of a TIFF: Pillow those of eight bits, libtiff by imagecodecs the others."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import imagecodecs
import numpy as np
from PIL import Image, TiffImagePlugin

from streams.media.isolated import exif, partial
from streams.media.isolated.colours import from_values, rgb
from streams.media.isolated.page import Frame, Refused, Source, attempted, check_pixels, quietly
from streams.media.isolated.pillow import opened

_MOST_PAGES = 10_000
_NEW_SUBFILE_TYPE, _WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _ORIENTATION = 254, 256, 257, 258, 262, 274
_SAMPLES, _PLANAR, _EXTRA, _FORMAT = 277, 284, 338, 339
_REDUCED, _MASK = 1, 4
"""Bits of NewSubfileType."""
_BLACK_IS_ZERO, _WHITE_IS_ZERO, _RGB, _INKS, _PLANES = 1, 0, 2, 5, 2
_UNSIGNED, _UNSAID = 1, 0
"""Values of SampleFormat and ExtraSamples."""
_THUMBNAIL = 512
"""Most pixels of a thumbnail's longer side."""
_LARGER = 1.5
"""A page this much wider and higher may be what a smaller one is a thumbnail of."""
_ALIKE = 24.0
"""Difference of a thumbnail's grey values from its picture's in any part, at the most: two sheets of paper are alike
but for the photo on one."""
_GRID = (16, 16)

Tags = Mapping[int, Any]


def source(data: bytes, tags: list[Tags], max_pixels: int) -> Source:
    """The pages of a TIFF with these directories, without its thumbnails and masks, or Refused."""
    reader = _Reader(data, tags, max_pixels, quietly(None, lambda: opened(data, max_pixels)))
    pages = reader.pages()
    return Source("TIFF", len(pages), lambda index: reader.read(pages[index]), reader.captured_at)


def directories(data: bytes) -> list[Tags]:
    """The tags of every page."""
    file = io.BytesIO(data)
    # Pillow knows BigTIFF by a little-endian head alone.
    head = b"II+\x00" + data[4:16] if data[2:4] in (b"+\x00", b"\x00+") else data[:8]
    directory = TiffImagePlugin.ImageFileDirectory_v2(head, prefix=data[:2])
    found: list[Tags] = []
    seen: set[int] = set()
    while (at := directory.next) and at not in seen and at < len(data) and len(found) < _MOST_PAGES:
        seen.add(at)
        file.seek(at)
        try:
            directory.load(file)
        except Exception:  # Pillow has many errors for a damaged directory; without any page it is raised
            if found:
                break  # of a cut file the pages before count
            raise
        found.append(dict(directory))
    if not found:
        raise Refused("truncated")
    return found


def pixels(tags: Tags) -> int:
    """The pixels of a page."""
    width, height = _size(tags)
    return width * height


@dataclass(frozen=True)
class _Reader:
    data: bytes
    tags: list[Tags]
    max_pixels: int
    image: Image.Image | None
    """As Pillow opens it; None of pixels that Pillow does not know."""

    def pages(self) -> list[int]:
        """The pages' indexes, without masks and thumbnails of the first page or a neighbour."""
        kinds = [_number(tags, _NEW_SUBFILE_TYPE) for tags in self.tags]
        pages = [index for index, kind in enumerate(kinds) if not kind & (_REDUCED | _MASK)]
        pages = pages or [0]
        around = [{pages[0], *pages[max(0, at - 1) : at + 2]} for at in range(len(pages))]
        return [
            page
            for page, others in zip(pages, around, strict=True)
            if not any(self._is_thumbnail(page, other) for other in others)
        ]

    def read(self, page: int) -> Frame:
        """The page, upright, or Refused."""
        tags = self.tags[page]
        width, height = _size(tags)
        check_pixels(width, height, self.max_pixels)
        if _is_plain(tags):
            try:
                return Frame(rgb(self._pillow(page)))
            except Refused as refusal:
                return quietly(None, lambda: self._libtiff(page)) or self._salvaged(page, refusal)
        return self._libtiff(page)

    def captured_at(self) -> str | None:
        """The camera's date, or None."""
        return quietly(None, lambda: exif.captured_at(exif.of_tiff(self.data)))

    def _pillow(self, page: int) -> Image.Image:
        image = self.image
        if image is None:
            raise Refused("unsupported")
        attempted(lambda: image.seek(page))
        attempted(image.load)  # which turns it upright
        return image

    def _libtiff(self, page: int) -> Frame:
        tags = self.tags[page]
        values: Any = attempted(lambda: imagecodecs.tiff_decode(self.data, index=page))
        if _number(tags, _PLANAR, 1) == _PLANES and values.ndim == 3 and values.shape[0] == _number(tags, _SAMPLES, 1):
            values = np.moveaxis(values, 0, 2)
        extra = _numbers(tags, _EXTRA)
        if _UNSAID in extra and values.ndim == 3:  # no alpha: infrared, or a mask
            values = values[:, :, : -len(extra)]
        photometric = _number(tags, _PHOTOMETRIC, 1)
        if photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB):
            image = from_values(values, white_is_zero=photometric == _WHITE_IS_ZERO)
        else:
            image = rgb(Image.fromarray(attempted(lambda: imagecodecs.tiff_decode(self.data, index=page, asrgb=True))))
        return Frame(exif.upright(image, _number(tags, _ORIENTATION, 1)))

    def _salvaged(self, page: int, refusal: Refused) -> Frame:
        if page or self.image is None:
            raise refusal
        image, percent = partial.salvaged(self.data, "TIFF", lambda data: opened(data, self.max_pixels), refusal)
        return Frame(image, percent)

    def _is_thumbnail(self, page: int, other: int) -> bool:
        (width, height), (wide, high) = _size(self.tags[page]), _size(self.tags[other])
        if max(width, height) > _THUMBNAIL or min(wide, high) == 0:
            return False
        if wide < _LARGER * width or high < _LARGER * height:
            return False
        if abs(width * high - height * wide) > max(wide, high):  # not of one shape, but for rounding
            return False
        small, large = (quietly(None, lambda which=which: _grid(self.read(which).image)) for which in (page, other))
        return small is not None and large is not None and float(np.abs(small - large).max()) <= _ALIKE


def _grid(image: Image.Image) -> Any:
    return np.asarray(image.convert("L").resize(_GRID, Image.Resampling.BOX), np.float32)


def _is_plain(tags: Tags) -> bool:
    """Whether Pillow reads the page in full: eight bits a sample or fewer; of inks it reads the upper eight.

    Signed values, and planes of deep inks, it takes for others.
    """
    if any(kind != _UNSIGNED for kind in _numbers(tags, _FORMAT)):
        return False
    is_ink = _number(tags, _PHOTOMETRIC) == _INKS and _number(tags, _PLANAR, 1) != _PLANES
    return is_ink or all(bits <= 8 for bits in _numbers(tags, _BITS))


def _size(tags: Tags) -> tuple[int, int]:
    return _number(tags, _WIDTH), _number(tags, _HEIGHT)


def _number(tags: Tags, tag: int, absent: int = 0) -> int:
    return next(iter(_numbers(tags, tag)), absent)


def _numbers(tags: Tags, tag: int) -> list[int]:
    value: Any = tags.get(tag, ())
    values = cast("tuple[Any, ...]", value) if isinstance(value, tuple) else (value,)
    return [each for each in values if isinstance(each, int)]
