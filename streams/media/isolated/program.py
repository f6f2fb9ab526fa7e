"""The program of the decoding process: reads one file at a time from stdin, answers with its pictures on stdout.

It is a process of its own because image parsers read hostile bytes: it gets no environment, no secrets, little memory,
and answers in plain frames that its parent checks. On Linux a seccomp filter allows only the system calls that decoding
needs: it can open no file and no socket, start no program and reach no other process.

Request: `F`, 8 bytes length and the file, for its first picture; `N` for the next one of the same file.
Answer: 4 bytes length, a JSON object, then width x height x 3 bytes (BGR) where the object has a `width`.
"""

import importlib
import json
import os
import signal
import struct
import sys
import warnings
from collections.abc import Mapping
from typing import Any, BinaryIO

import imagecodecs
import pi_heif
from PIL import Image

from streams.media.isolated.isolation import isolate, limit
from streams.media.isolated.page import Refused
from streams.media.isolated.pages import Pages

# Pillow knows these parsers only once they are imported; ImageCms converts LAB colours. Later no file can be opened.
_MODULES = (
    *("AvifImagePlugin", "IcoImagePlugin", "ImageCms", "Jpeg2KImagePlugin", "MpoImagePlugin", "PcxImagePlugin"),
    *("PsdImagePlugin", "QoiImagePlugin", "SgiImagePlugin", "TgaImagePlugin", "TiffImagePlugin", "WebPImagePlugin"),
)
_CODECS = (
    "jpeg8_decode",
    "jpegls_decode",
    "jpegxl_decode",
    "jpegxr_decode",
    "ljpeg_decode",
    "png_decode",
    "tiff_decode",
)
"""imagecodecs loads each of its parsers at its first use."""
_STRIP_BYTES = 4 * 1024 * 1024


def prepare(max_pixels: int) -> None:
    """Imports every parser and sets the limit on pixels."""
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = max_pixels // 2  # Pillow refuses from twice this number on, before it decodes
    Image.preinit()
    for module in (*(f"PIL.{module}" for module in _MODULES), "numpy.ma"):  # numpy.percentile imports numpy.ma
        importlib.import_module(module)
    for codec in _CODECS:
        getattr(imagecodecs, codec)
    untyped: Any = pi_heif
    untyped.register_heif_opener(thumbnails=False)


def answer_next(pages: Pages, out: BinaryIO) -> None:
    """Writes the next picture, or that there is none; with `more` where another may follow."""
    page = pages.next()
    source = pages.source
    head: dict[str, object] = {"examined": pages.examined, "more": page is not None and pages.has_more}
    if page is None:
        _answer(out, head)
        return
    image = page.frame.image
    head |= {"format": source.format, "frames": source.frames, "page": page.number}
    head |= {"partial_percent": page.frame.partial_percent, "captured_at": source.captured_at()}
    _answer(out, head | {"width": image.width, "height": image.height})
    # In strips, so that a large picture is not in memory twice.
    rows = max(1, _STRIP_BYTES // (image.width * 3))
    for top in range(0, image.height, rows):
        whole = rows >= image.height
        strip = image if whole else image.crop((0, top, image.width, min(top + rows, image.height)))
        out.write(strip.tobytes("raw", "BGR"))


def main(max_pixels: int, timeout_s: int, memory_bytes: int) -> None:
    """Serves requests until stdin closes, which it does when the parent ends for any reason."""
    prepare(max_pixels)
    requests, answers = os.fdopen(0, "rb"), os.fdopen(1, "wb")
    limit(memory_bytes)
    isolate()
    pages: Pages | None = None
    while request := requests.read(1):
        # The parent's limit is shorter; this one ends a process whose parent has died.
        signal.alarm(timeout_s + 2)
        try:
            if request == b"F":
                pages = None  # before the next file is in memory
                data = requests.read(struct.unpack(">Q", requests.read(8))[0])
                pages = Pages(data, max_pixels, timeout_s / 2)
            if pages is not None:
                answer_next(pages, answers)
        except Refused as refusal:
            pages = None
            _answer(answers, {"error": str(refusal)})
        answers.flush()
        signal.alarm(0)


def _answer(out: BinaryIO, head: Mapping[str, object]) -> None:
    raw = json.dumps(head).encode()
    out.write(struct.pack(">I", len(raw)) + raw)


def start(arguments: list[str]) -> None:
    """Runs as the decoding process; with `isolation` prints why it cannot isolate itself, nothing where it can."""
    if arguments == ["isolation"]:
        sys.stdout.write(isolate())
    else:
        main(*(int(argument) for argument in arguments))
