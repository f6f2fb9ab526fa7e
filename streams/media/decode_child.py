"""The program of the decoding process: reads one file at a time from stdin, answers with its pixels on stdout.

It runs apart because image parsers meet hostile bytes: it gets no environment, no network of its own making, no
secrets, little memory, and answers in plain frames that its parent checks. It imports only what decoding needs and
nothing from this project, so that it starts fast and stays small.

Request: 8 bytes length, then the file. Answer: 4 bytes length, a JSON object, then width x height x 3 bytes (BGR).
"""

from __future__ import annotations

import importlib
import io
import json
import os
import re
import resource
import signal
import struct
import sys
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, BinaryIO, TypeVar

import pi_heif
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "HEIF", "AVIF", "JPEG2000", "PPM")
"""An MPO, as phones make them, is opened as the JPEG that it begins with."""
# Pillow knows these only once they are imported, and would else import every parser it has.
_PARSERS = ("AvifImagePlugin", "Jpeg2KImagePlugin", "TiffImagePlugin", "WebPImagePlugin")
# Several pictures in the file that one sees one after the other; an MPO's others are thumbnails and depth maps.
_ANIMATED = ("GIF", "WEBP", "PNG", "TIFF", "AVIF", "HEIF")
_STRIP_BYTES = 4 * 1024 * 1024
_GREY = (128, 128, 128)
"""Behind transparent pixels: neither dark nor light hair vanishes in it."""
_EXIF_TIME = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)")
_EXIF_OFFSET = re.compile(r"[+-]\d\d:\d\d")


T = TypeVar("T")


class _Refused(Exception):
    pass


def _limit(memory_bytes: int) -> None:
    limits = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_AS, memory_bytes)]
    for which, value in limits:
        # macOS has no limit on address space; the parent's time limit still holds.
        with suppress(ValueError, OSError):
            resource.setrlimit(which, (value, value))


def _open(data: bytes, max_pixels: int) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise _Refused("too_many_pixels") from None
    except UnidentifiedImageError:
        raise _Refused("not_an_image") from None
    except MemoryError:
        raise
    except Exception as failure:  # noqa: BLE001 - each of Pillow's parsers has its own errors for a damaged head
        raise _broken(failure) from None
    if image.width * image.height > max_pixels:
        raise _Refused("too_many_pixels")
    return image


def _load(image: Image.Image) -> None:
    try:
        image.load()
    except MemoryError:
        raise
    except Exception as failure:  # noqa: BLE001 - each of Pillow's parsers has its own errors for damaged data
        raise _broken(failure) from None


def _broken(failure: Exception) -> _Refused:
    text = str(failure).lower()
    early = isinstance(failure, EOFError) or any(word in text for word in ("truncated", "premature", "end of"))
    return _Refused("truncated" if early else "damaged")


def _otherwise(fallback: T, action: Callable[[], T]) -> T:
    """What the action gives, else the fallback: for what surrounds the pixels, which are good without it."""
    try:
        return action()
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - damaged EXIF data and later frames fail in as many ways as there are parsers
        return fallback


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I;16"):
        return _scaled(image.convert("I"), 65535.0)
    if image.mode in ("I", "F"):
        extremes: Any = image.getextrema()
        low, high = float(extremes[0]), float(extremes[1])
        # Whole numbers below 65536 come from 16-bit files; anything else has no fixed range, so its own is used.
        if image.mode == "I" and 255 < high <= 65535 and low >= 0:
            return _scaled(image, 65535.0)
        return _scaled(image, high - low, low)
    if image.has_transparency_data:
        with_alpha = image.convert("RGBA")
        ground = Image.new("RGB", image.size, _GREY)
        ground.paste(with_alpha, mask=with_alpha.getchannel("A"))
        return ground
    try:
        return image.convert("RGB")
    except ValueError:
        raise _Refused("unsupported") from None


def _scaled(image: Image.Image, span: float, low: float = 0.0) -> Image.Image:
    """Maps low..low+span to 0..255, where a plain conversion would clip at 255."""
    factor = 255.0 / span if span > 0 else 0.0
    return image.convert("F").point(lambda value: value * factor + (0.5 - low * factor)).convert("L").convert("RGB")


def _captured_at(image: Image.Image) -> str | None:
    details = image.getexif().get_ifd(ExifTags.IFD.Exif)
    time = _EXIF_TIME.match(str(details.get(ExifTags.Base.DateTimeOriginal, "")))
    offset = _EXIF_OFFSET.fullmatch(str(details.get(ExifTags.Base.OffsetTimeOriginal, "")).strip("\x00 "))
    if time is None:
        return None
    year, month, day, hour, minute, second = time.groups()
    return f"{year}-{month}-{day}T{hour}:{minute}:{second}{offset.group() if offset else ''}"


def _frames(kind: str | None, data: bytes) -> int:
    """How many pictures the file holds; counted on a second look at it, for counting moves through the frames."""
    if kind not in _ANIMATED:
        return 1
    return int(getattr(Image.open(io.BytesIO(data), formats=FORMATS), "n_frames", 1))


def _answer(out: BinaryIO, head: Mapping[str, object]) -> None:
    raw = json.dumps(head).encode()
    out.write(struct.pack(">I", len(raw)) + raw)


def _decode(data: bytes, max_pixels: int, out: BinaryIO) -> None:
    source = _open(data, max_pixels)
    _load(source)
    captured_at = _otherwise(None, lambda: _captured_at(source))
    frames = _otherwise(1, lambda: _frames(source.format, data))
    image = _rgb(source)
    _otherwise(None, lambda: ImageOps.exif_transpose(image, in_place=True))
    head = {"format": source.format, "frames": frames, "captured_at": captured_at}
    _answer(out, head | {"width": image.width, "height": image.height})
    # In strips, so that a large picture does not stand in memory twice.
    rows = max(1, _STRIP_BYTES // (image.width * 3))
    for top in range(0, image.height, rows):
        whole = rows >= image.height
        strip = image if whole else image.crop((0, top, image.width, min(top + rows, image.height)))
        out.write(strip.tobytes("raw", "BGR"))


def main(max_pixels: int, timeout_s: int, memory_bytes: int) -> None:
    """Serves requests until stdin ends, which it does when the parent does, however it does."""
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = max_pixels // 2  # Pillow refuses from twice this number on, before it decodes
    for parser in _PARSERS:
        importlib.import_module(f"PIL.{parser}")
    untyped: Any = pi_heif
    untyped.register_heif_opener(thumbnails=False)
    requests, answers = os.fdopen(0, "rb"), os.fdopen(1, "wb")
    _limit(memory_bytes)
    while len(length := requests.read(8)) == 8:
        data = requests.read(struct.unpack(">Q", length)[0])
        # The parent's limit comes first; this one ends a process whose parent died meanwhile.
        signal.alarm(timeout_s + 2)
        try:
            _decode(data, max_pixels, answers)
        except _Refused as refusal:
            _answer(answers, {"error": str(refusal)})
        answers.flush()
        signal.alarm(0)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:4]))
