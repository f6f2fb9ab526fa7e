"""Mutated pictures, thousands of them, through the decoder: it may refuse each, and nothing else may happen."""

import random
import struct
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import imagecodecs
import numpy as np
import psutil
from PIL import Image

from graph.domain.errors import Unprocessable
from streams.media.decode import MEMORY_BYTES, Decoder
from tests.support.factories_odd_pictures import collection, page_of, raw_photos, tiff_of
from tests.support.factories_pictures import encoded, quarters

TIMEOUT_S: Final = 5
_LATE: Final = 2.0
"""A file takes at most two tries of `TIMEOUT_S` and this much more."""
_EXTREMES: Final = (bytes(4), b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\x01\x00\x00\x00")
MORE_KINDS: Final = ("ICO", "PCX", "SGI", "QOI", "TGA")
_MIB: Final = 1024 * 1024

Mutation = Callable[[bytearray, random.Random, list[bytes]], None]


def seeds() -> dict[str, bytes]:
    """A small whole file of every kind that is read, by name."""
    drawn, more = quarters(), [quarters().rotate(90), Image.new("RGB", (64, 48), "yellow")]
    noise = Image.fromarray(np.random.default_rng(5).integers(0, 256, (48, 64, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0x9003] = "2024:05:17 13:45:01"
    found: dict[str, bytes] = {}
    for kind in (*("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF", "JPEG2000", "PPM"), *MORE_KINDS):
        found[kind] = encoded(noise, kind)
    for kind in ("JPEG", "PNG", "WEBP", "AVIF"):
        found[f"{kind} with EXIF"] = encoded(drawn, kind, exif=exif.tobytes())
    for kind in ("GIF", "PNG", "WEBP", "TIFF", "AVIF", "MPO"):
        found[f"{kind} of three"] = encoded(drawn, kind, save_all=True, append_images=more)
    found["progressive JPEG"] = encoded(noise, "JPEG", progressive=True)
    found["lossless WebP"] = encoded(noise.convert("RGBA"), "WEBP", lossless=True)
    for compression in ("tiff_lzw", "jpeg", "tiff_adobe_deflate", "packbits"):
        found[f"TIFF {compression}"] = encoded(noise, "TIFF", compression=compression)
    found["TIFF group4"] = encoded(drawn.convert("1"), "TIFF", compression="group4")
    for mode in ("LA", "P", "1", "I;16", "CMYK"):
        found[f"{mode} picture"] = encoded(drawn.convert("L" if mode == "I;16" else mode).convert(mode), "TIFF")
    values = np.asarray(noise)
    found["deep TIFF"] = tiff_of(page_of(values.astype(np.uint16) * 16, 2))
    found["float TIFF"] = tiff_of(page_of(values.astype(np.float32) / 255, 2, format=3))
    found["JPEG XL"] = imagecodecs.jpegxl_encode(values)
    found["JPEG XR"] = imagecodecs.jpegxr_encode(values)
    found["JPEG-LS"] = imagecodecs.jpegls_encode(np.asarray(drawn))
    found["lossless JPEG"] = imagecodecs.ljpeg_encode(values[:, :, 0].astype(np.uint16) * 16)
    found["Photoshop"] = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 48, 64, 8, 3) + bytes(14) + values.tobytes()
    return found | {"HEIC": collection()} | raw_photos()


def _bits(data: bytearray, chance: random.Random, _: list[bytes]) -> None:
    for _ in range(chance.choice((1, 1, 4, 32))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _bytes(data: bytearray, chance: random.Random, _: list[bytes]) -> None:
    for _ in range(chance.choice((1, 2, 8, 64))):
        data[chance.randrange(len(data))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))


def _extreme(data: bytearray, chance: random.Random, _: list[bytes]) -> None:
    at, size = chance.randrange(min(len(data), chance.choice((64, 512, len(data))))), chance.choice((2, 4))
    data[at : at + size] = chance.choice(_EXTREMES)[:size]


def _cut(data: bytearray, chance: random.Random, _: list[bytes]) -> None:
    del data[chance.randrange(1, 1 + len(data)) :]


def _removed(data: bytearray, chance: random.Random, _: list[bytes]) -> None:
    at = chance.randrange(len(data))
    del data[at : at + chance.randrange(1, 2 + len(data) // 4)]
    data += b"\x00" * (not data)


def _repeated(data: bytearray, chance: random.Random, _: list[bytes]) -> None:
    at = chance.randrange(len(data))
    part = data[at : at + chance.randrange(1, 200)]
    data[at:at] = part * chance.choice((1, 2, 50))


def _zeroed(data: bytearray, chance: random.Random, _: list[bytes]) -> None:
    at = chance.randrange(len(data))
    size = min(len(data) - at, chance.choice((16, 512, len(data))))
    data[at : at + size] = bytes(size)


def _spliced(data: bytearray, chance: random.Random, others: list[bytes]) -> None:
    other = chance.choice(others)
    data[chance.randrange(len(data)) :] = other[chance.randrange(len(other)) :] or b"\x00"


MUTATIONS: Final[tuple[Mutation, ...]] = (
    *(_bits, _bits, _bytes, _bytes, _extreme, _extreme, _extreme),
    *(_cut, _removed, _repeated, _zeroed, _spliced),
)


def mutated(chance: random.Random, whole: list[bytes]) -> bytes:
    """One of the files, changed once to four times."""
    data = bytearray(chance.choice(whole))
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        chance.choice(MUTATIONS)(data, chance, whole)
    return bytes(data)


def fuzz(minutes: float, seed: int, given: Path | None = None) -> dict[str, Any]:
    """What became of mutated files for so many minutes, by one decoder.

    `crashes` are failures other than a refusal, each with the number of its mutation; `hangs` are files that took
    longer than the decoder's time limit allows; memory is the most that a decoding process, and this one, ever held.
    """
    chance, decoder = random.Random(seed), Decoder(timeout_s=TIMEOUT_S)
    whole = [*seeds().values()]
    whole += [path.read_bytes() for path in sorted(given.iterdir()) if path.is_file()] if given else []
    codes: Counter[str] = Counter()
    crashes: list[str] = []
    hangs: list[int] = []
    pages = partial = longest = 0.0
    peak = 0
    number, ends = 0, time.monotonic() + minutes * 60
    try:
        while time.monotonic() < ends:
            data, number, begun = mutated(chance, whole), number + 1, time.monotonic()
            try:
                for picture in decoder.pages(data, None).pictures:
                    pages += 1
                    partial += picture.partial_percent is not None
                codes["decoded"] += 1
            except Unprocessable as refusal:
                codes[refusal.code] += 1
            except Exception as failure:  # noqa: BLE001 - broad: whatever else is raised is what is looked for
                crashes.append(f"{number}: {type(failure).__name__}")
            spent = time.monotonic() - begun
            longest = max(longest, spent)
            if spent > 2 * TIMEOUT_S + _LATE:
                hangs.append(number)
            if number % 50 == 0:
                peak = max(peak, _children_mib())
    finally:
        decoder.close()
    return {
        "mutations": number,
        "kinds": len(whole),
        "pages": int(pages),
        "partial": int(partial),
        "codes": dict(codes.most_common()),
        "crashes": crashes,
        "hangs": hangs,
        "longest_s": round(longest, 2),
        "child_peak_mib": peak,
        "child_limit_mib": MEMORY_BYTES // _MIB,
        "own_peak_mib": _own_peak_mib(),
    }


def _children_mib() -> int:
    peaks = [0]
    for process in psutil.Process().children():
        with suppress(psutil.Error):
            peaks.append(_peak_mib(process.pid))
    return max(peaks)


def _own_peak_mib() -> int:
    return _peak_mib(psutil.Process().pid)


def _peak_mib(pid: int) -> int:
    """The most memory that a process ever held."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) // 1024
    return 0
