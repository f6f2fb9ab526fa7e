"""The program of the decoding process: reads one file at a time from stdin, answers with its pixels on stdout.

It is a process of its own because image parsers read hostile bytes: it gets no environment, no secrets, little memory,
and answers in plain frames that its parent checks. On Linux a seccomp filter allows only the system calls that decoding
needs: it can open no file and no socket, start no program and reach no other process. It imports nothing from this
project, so that it starts fast and stays small.

Request: 8 bytes length, then the file. Answer: 4 bytes length, a JSON object, then width x height x 3 bytes (BGR).
Called with `isolation` instead of limits, it prints why it cannot isolate itself (nothing where it can) and ends.
"""

from __future__ import annotations

import errno
import importlib
import io
import json
import mmap
import os
import platform
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
# Pillow knows these parsers only once they are imported; ImageCms converts LAB colours. Later no file can be opened.
_MODULES = ("AvifImagePlugin", "ImageCms", "Jpeg2KImagePlugin", "MpoImagePlugin", "TiffImagePlugin", "WebPImagePlugin")
# Formats whose pictures form a sequence; the other pictures of an MPO are thumbnails and depth maps.
_ANIMATED = ("GIF", "WEBP", "PNG", "TIFF", "AVIF", "HEIF")
_STRIP_BYTES = 4 * 1024 * 1024
_GREY = (128, 128, 128)
"""Behind transparent pixels: neither dark nor light hair disappears in it."""
_EXIF_TIME = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)")
_EXIF_OFFSET = re.compile(r"[+-]\d\d:\d\d")
_ALLOWED_CALLS = (
    *("read", "write", "close"),
    *("brk", "munmap", "mremap", "madvise"),
    *("futex", "set_robust_list", "rseq", "sched_yield", "sched_getaffinity", "exit", "exit_group"),
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall", "setitimer"),
    *("clock_gettime", "clock_nanosleep", "nanosleep", "getpid", "gettid", "getrandom", "sysinfo"),
)
"""System calls allowed with any arguments; `_isolate` adds those allowed in part."""
_PR_SET_NAME, _CLONE_THREAD = 15, 0x10000

T = TypeVar("T")


class _Refused(Exception):
    pass


def _limit(memory_bytes: int) -> None:
    limits = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_AS, memory_bytes)]
    for which, value in limits:
        # macOS has no limit on address space; the parent's time limit still holds.
        with suppress(ValueError, OSError):
            resource.setrlimit(which, (value, value))


def _isolate() -> str:
    """Denies this process permanently, by EPERM, every system call that decoding does not need.

    Returns an empty string, or the reason why it runs without isolation. Nothing more can be imported afterwards.
    """
    if sys.platform != "linux":
        return f"{platform.system()} has no system call filter (seccomp)"
    try:
        from seccompy import Action, ArgCmp, CmpOp, Filter

        rules = Filter(Action.ERRNO | errno.EPERM)
        for call in _ALLOWED_CALLS:
            rules.allow(call)
        if platform.machine() == "x86_64":
            rules.allow("alarm")  # on arm64 it is made of setitimer
        for call in ("mmap", "mprotect"):  # no memory becomes executable
            rules.allow(call, args=[ArgCmp(2, CmpOp.MASKED_EQ, 0, mask=mmap.PROT_EXEC)])
        # Threads, as the AVIF parser uses them, and no processes; a filter cannot read clone3's flags, without it
        # the C library uses clone.
        rules.errno("clone3", errno.ENOSYS)
        rules.allow("clone", args=[ArgCmp(0, CmpOp.MASKED_EQ, _CLONE_THREAD, mask=_CLONE_THREAD)])
        rules.allow("prctl", args={0: _PR_SET_NAME})
        rules.allow("tgkill", args={0: os.getpid()})  # how the C library aborts
        rules.load()
    except (ImportError, OSError, ValueError) as failure:
        return f"no system call filter (seccomp): {failure}"
    with suppress(PermissionError):
        os.close(os.open("/", os.O_RDONLY))
        return "the kernel accepts a system call filter (seccomp) and does not apply it"
    return ""


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
    """The action's result, or the fallback where it fails: for metadata, which the pixels do not need."""
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
        # Integers below 65536 come from 16-bit files; other values have no fixed range, so their own is used.
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
    """The number of pictures in the file; opened again for it, since counting moves through the frames."""
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
    # In strips, so that a large picture is not in memory twice.
    rows = max(1, _STRIP_BYTES // (image.width * 3))
    for top in range(0, image.height, rows):
        whole = rows >= image.height
        strip = image if whole else image.crop((0, top, image.width, min(top + rows, image.height)))
        out.write(strip.tobytes("raw", "BGR"))


def _prepare(max_pixels: int) -> None:
    """Imports every parser and sets the limit on pixels."""
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = max_pixels // 2  # Pillow refuses from twice this number on, before it decodes
    Image.preinit()
    for module in _MODULES:
        importlib.import_module(f"PIL.{module}")
    untyped: Any = pi_heif
    untyped.register_heif_opener(thumbnails=False)


def main(max_pixels: int, timeout_s: int, memory_bytes: int) -> None:
    """Serves requests until stdin closes, which it does when the parent ends for any reason."""
    _prepare(max_pixels)
    requests, answers = os.fdopen(0, "rb"), os.fdopen(1, "wb")
    _limit(memory_bytes)
    _isolate()
    while len(length := requests.read(8)) == 8:
        data = requests.read(struct.unpack(">Q", length)[0])
        # The parent's limit is shorter; this one ends a process whose parent has died.
        signal.alarm(timeout_s + 2)
        try:
            _decode(data, max_pixels, answers)
        except _Refused as refusal:
            _answer(answers, {"error": str(refusal)})
        answers.flush()
        signal.alarm(0)


if __name__ == "__main__":
    if sys.argv[1:] == ["isolation"]:
        sys.stdout.write(_isolate())
    else:
        main(*(int(argument) for argument in sys.argv[1:4]))
