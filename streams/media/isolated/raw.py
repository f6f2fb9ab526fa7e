"""Reads raw photos: the largest JPEG that the camera put in, or the sensor's values."""

import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import rawpy
from PIL import Image

from graph.domain.media_kinds import JPEG_START, RAW_BRAND, RAW_STARTS, brands
from streams.media.isolated import exif, pillow, tiff
from streams.media.isolated.codecs import jpeg_frame
from streams.media.isolated.page import Frame, Refused, Source, attempted, check_pixels, quietly

_MOST_JPEGS = 1000
_SHOWN = (0xC0, 0xC1, 0xC2)
"""Frame types of JPEG that hold a picture for people; the sensor's values are in others."""
_SUB_PAGES, _DNG_VERSION, _MAKE = 330, 50706, 271
_CANON = b"CR"
_FUJI = b"FUJIFILM"
_BOX_BYTES = 64 * 1024
_SMALL = 640 * 480
"""Pixels below which a JPEG in a raw photo is a thumbnail."""


def is_raw(data: bytes) -> bool:
    """Whether the file is a raw photo that is not built as a TIFF."""
    return data.startswith(RAW_STARTS) or brands(data)[:1] == (RAW_BRAND,)


def tiff_source(data: bytes, max_pixels: int) -> Source:
    """The pages of a TIFF; of a raw photo built as one (DNG, CR2, NEF, ARW and others) its picture, if larger."""
    tags = attempted(lambda: tiff.directories(data))
    if data[8:10] == _CANON or any(_DNG_VERSION in each or _SUB_PAGES in each for each in tags):
        pixels, _ = max(_previews(data), default=(0, 0))
        largest = max(tiff.pixels(each) for each in tags)
        is_camera = any(_MAKE in each for each in tags)
        if pixels > largest or (is_camera and (pixels == largest or largest < _SMALL)):
            with suppress(Refused):
                return source(data, max_pixels)
    return tiff.source(data, tags, max_pixels)


def source(data: bytes, max_pixels: int) -> Source:
    """The largest JPEG in the raw photo, or, where that is a thumbnail, the photo developed from the sensor's values.

    Turned as the photo says where the JPEG does not say itself. Raises Refused where there is neither.
    """
    pixels, at = max(_previews(data), default=(0, 0))
    taken, kept = quietly((None, 1), lambda: _container(data))
    developed = quietly(None, lambda: _developed(data, max_pixels)) if pixels < _SMALL else None
    if developed is not None and developed.width * developed.height > pixels:
        return Source("RAW", 1, lambda _: Frame(developed), lambda: taken)
    if not pixels:
        raise Refused("unsupported")
    inner = pillow.source(data[at:], max_pixels, otherwise_turned=kept)
    return replace(inner, format="RAW", captured_at=lambda: inner.captured_at() or taken)


def _developed(data: bytes, max_pixels: int) -> Image.Image:
    """The photo at half its size and upright, which takes a quarter of the time and interpolates nothing."""
    with rawpy.imread(io.BytesIO(data)) as photo:
        check_pixels(photo.sizes.width, photo.sizes.height, max_pixels)
        return Image.fromarray(photo.postprocess(half_size=True, use_camera_wb=True))


def _previews(data: bytes) -> Iterator[tuple[int, int]]:
    """Pixels and place of each JPEG that holds a picture."""
    at = -1
    for _ in range(_MOST_JPEGS):
        at = data.find(JPEG_START, at + 1)
        if at < 0:
            return
        if (frame := jpeg_frame(data, at)) and frame[0] in _SHOWN:
            yield frame[2] * frame[3], at


def _container(data: bytes) -> tuple[str | None, int]:
    """The camera's date and the orientation that the raw photo itself holds."""
    if data.startswith(_FUJI):
        return None, 1
    if brands(data):  # Canon's third kind: one block for the picture, one for the moment
        taken = quietly(None, lambda: exif.captured_at(exif.of_tiff(_box(data, b"CMT2"))))
        return taken, quietly(1, lambda: exif.orientation(exif.of_tiff(_box(data, b"CMT1"))))
    found = exif.of_tiff(data[:2] + (b"*\x00" if data[:2] == b"II" else b"\x00*") + data[4:])
    return exif.captured_at(found), exif.orientation(found)


def _box(data: bytes, name: bytes) -> bytes:
    at = data.index(name) + len(name)
    return data[at : at + _BOX_BYTES]
