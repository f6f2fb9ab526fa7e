"""Reads the picture that a camera put into its raw photo: the largest JPEG of the file."""

from collections.abc import Iterator
from dataclasses import replace

from graph.domain.media_kinds import JPEG_START, RAW_BRAND, RAW_STARTS, brands
from streams.media.isolated import exif, pillow, tiff
from streams.media.isolated.codecs import jpeg_frame
from streams.media.isolated.page import Refused, Source, attempted, quietly

_MOST_JPEGS = 1000
_SHOWN = (0xC0, 0xC1, 0xC2)
"""Frame types of JPEG that hold a picture for people; the sensor's values are in others."""
_SUB_PAGES, _DNG_VERSION, _MAKE = 330, 50706, 271
_CANON = b"CR"
_FUJI = b"FUJIFILM"
_BOX_BYTES = 64 * 1024


def is_raw(data: bytes) -> bool:
    """Whether the file is a raw photo that is not built as a TIFF."""
    return data.startswith(RAW_STARTS) or brands(data)[:1] == (RAW_BRAND,)


def tiff_source(data: bytes, max_pixels: int) -> Source:
    """The pages of a TIFF; of a raw photo built as one (DNG, CR2, NEF, ARW and others) its largest JPEG, if larger."""
    tags = attempted(lambda: tiff.directories(data))
    if data[8:10] == _CANON or any(_DNG_VERSION in each or _SUB_PAGES in each for each in tags):
        pixels, _ = max(_previews(data), default=(0, 0))
        largest = max(tiff.pixels(each) for each in tags)
        if pixels > largest or (pixels == largest and any(_MAKE in each for each in tags)):
            return source(data, max_pixels)
    return tiff.source(data, tags, max_pixels)


def source(data: bytes, max_pixels: int) -> Source:
    """The largest JPEG in the raw photo, turned as the photo says where it does not say itself, or Refused."""
    pixels, at = max(_previews(data), default=(0, 0))
    if not pixels:
        raise Refused("unsupported")
    taken, kept = quietly((None, 1), lambda: _container(data))
    inner = pillow.source(data[at:], max_pixels, otherwise_turned=kept)
    return replace(inner, format="RAW", captured_at=lambda: inner.captured_at() or taken)


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
        picture, moment = (exif.of_tiff(_box(data, name)) for name in (b"CMT1", b"CMT2"))
        return exif.captured_at(moment), exif.orientation(picture)
    found = exif.of_tiff(data[:2] + (b"*\x00" if data[:2] == b"II" else b"\x00*") + data[4:])
    return exif.captured_at(found), exif.orientation(found)


def _box(data: bytes, name: bytes) -> bytes:
    at = data.index(name) + len(name)
    return data[at : at + _BOX_BYTES]
