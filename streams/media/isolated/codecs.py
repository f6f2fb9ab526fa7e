"""Reads with imagecodecs what Pillow does not know: JPEG XL, JPEG XR, JPEG-LS and lossless JPEG."""

from collections.abc import Callable
from typing import Any

import imagecodecs
from PIL import Image

from graph.domain.media_kinds import JPEG_START
from streams.media.isolated import exif
from streams.media.isolated.colours import from_values
from streams.media.isolated.page import Frame, Refused, Source, attempted, check_pixels, quietly

Decode = Callable[[bytes], Any]

_JPEG_XL = (b"\xff\x0a", b"\x00\x00\x00\x0cJXL ")
_JPEG_XR = b"II\xbc"
_LOSSLESS, _LS = 0xC3, 0xF7
"""Frame types of JPEG that Pillow does not decode."""
_EXTENDED = (0xC1, 0xC2)
_FRAME_TYPES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {_LS}
_EXIF = b"Exif\x00\x00"
_EXIF_BYTES = 64 * 1024
_NO_LENGTH = frozenset((0x01, *range(0xD0, 0xD9)))


def jpeg_frame(data: bytes, at: int = 0) -> tuple[int, int, int, int] | None:
    """Frame type, bits per sample, width and height of the JPEG that begins at `at`; None where it has no frame."""
    at += 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _NO_LENGTH:
            at += 2
        elif marker in _FRAME_TYPES:
            height, width = int.from_bytes(data[at + 5 : at + 7], "big"), int.from_bytes(data[at + 7 : at + 9], "big")
            return marker, data[at + 4], width, height
        elif marker == 0xDA:
            return None
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def source(data: bytes, max_pixels: int) -> Source | None:
    """The picture of one of these kinds, None of another, or Refused."""
    if data.startswith(_JPEG_XL):
        return _source("JXL", data, _jpeg_xl, max_pixels)
    if data.startswith(_JPEG_XR):
        return _source("JXR", data, imagecodecs.jpegxr_decode, max_pixels)
    frame = jpeg_frame(data) if data.startswith(JPEG_START) else None
    if frame is None:
        return None
    kind, bits, width, height = frame
    decode = {_LS: _jpeg_ls, _LOSSLESS: imagecodecs.ljpeg_decode}.get(kind)
    if kind in _EXTENDED and bits > 8:
        decode = imagecodecs.jpeg8_decode
    if decode is None:
        return None
    check_pixels(width, height, max_pixels)
    return _source("JPEG", data, decode, max_pixels)


def _source(kind: str, data: bytes, decode: Decode, max_pixels: int) -> Source:
    kept = quietly(Image.Exif(), lambda: _exif(data))
    turn = quietly(1, lambda: exif.orientation(kept)) if kind == "JPEG" else 1

    def read(index: int) -> Frame:
        values = attempted(lambda: decode(data))
        if getattr(values, "ndim", 0) not in (2, 3):
            raise Refused("unsupported")
        check_pixels(values.shape[1], values.shape[0], max_pixels)
        return Frame(exif.upright(from_values(values), turn))

    return Source(kind, 1, read, lambda: quietly(None, lambda: exif.captured_at(kept)))


def _exif(data: bytes) -> Image.Exif:
    at = data.index(_EXIF, 0, _EXIF_BYTES) + len(_EXIF)
    return exif.of_tiff(data[at : at + _EXIF_BYTES])


def _jpeg_xl(data: bytes) -> Any:
    return imagecodecs.jpegxl_decode(data, index=0, numthreads=1)


def _jpeg_ls(data: bytes) -> Any:
    return imagecodecs.jpegls_decode(data)
