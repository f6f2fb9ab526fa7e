"""What still decodes of a damaged picture, and how much that is.

The share is measured, not guessed from the file's length: the picture is decoded twice, where its data are missing
once over black and once over white, or with two different continuations; pixels that differ are not in the file.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

from streams.media.isolated.colours import rgb
from streams.media.isolated.page import Refused, attempted

_GREY = 128
_ZEROS = 64
"""So many zeros at the end of compressed data are no data: a damaged disk or a download filled up."""
_JPEG_END = b"\xff\xd9"
_FILLER = b"\x55" * 4096
_ROW_OF_BLOCKS = 32
"""Rows that a JPEG without its end mark keeps back, at the most."""
_SCANS = {1: 6, 3: 10}
"""Scans of a progressive JPEG by its components, as nearly every program writes them."""
_CONTINUED = (b"\x00", b"\x55", b"\xaa", b"\x33")
"""Not every continuation is a legal one."""
_LONGEST = 100
"""Times the data that a cut file may say to be long."""
_ANIMATED = 2
"""The bit of a WebP's head."""
_INTERLACED = 28
"""The byte of a PNG that says whether it is interlaced."""
_STRIP = 256
"""Rows that are compared at once."""
_GAP = 8
"""Least distance of two pixels of an interlaced PNG's first pass."""

Open = Callable[[bytes], Image.Image]
Mask = npt.NDArray[np.bool_]


def salvaged(data: bytes, kind: str, open_: Open, refusal: Refused) -> tuple[Image.Image, int | None]:
    """RGB of what decodes, grey where nothing does, and its share in percent (None: all). Else raises the refusal."""
    if kind == "JPEG":
        return _jpeg(data.rstrip(b"\xff"), open_, refusal)
    image, missing = _filled(lambda: open_(data), refusal)
    percent = _percent(missing)
    if kind == "PNG" and data[_INTERLACED]:
        image, missing = _gaps_filled(image, missing)
    return _greyed(image, missing), percent


def jpeg_data(data: bytes) -> bytes:
    """The JPEG without the zeros that a damaged disk left at its end; all of it where its end mark is there."""
    rest = data.rstrip(b"\x00")
    return data if len(data) - len(rest) < _ZEROS or rest.endswith(_JPEG_END) else rest


def cut_webp(data: bytes) -> bytes | None:
    """The data of a WebP that ends before its head says, or in zeros; None of a whole one."""
    rest = data.rstrip(b"\x00")
    kept = rest if len(data) - len(rest) >= _ZEROS else data
    return kept if len(kept) < _webp_size(data) else None


def webp(kept: bytes, open_: Open) -> tuple[Image.Image, int | None]:
    """As `salvaged`, of a cut WebP."""
    size = _webp_size(kept)
    if size > _LONGEST * len(kept):
        raise Refused("truncated")
    images: list[Image.Image] = []
    for more in _CONTINUED:
        with suppress(Refused):
            images.append(attempted(lambda more=more: rgb(_loaded(open_(kept.ljust(size, more))))))
        if len(images) == 2:
            break
    if not images:
        raise Refused("truncated")
    if len(images) == 1:
        return images[0], min(99, 100 * len(kept) // size)
    missing = _differing(*images)
    if missing.any():
        missing[int(np.argmax(missing.any(axis=1))) :] = True
    if missing.all():
        raise Refused("truncated")
    return _greyed(images[0], missing), _percent(missing)


def whole_frames(kept: bytes) -> bytes:
    """An animated WebP with its whole frames alone; nothing of one that has none."""
    if kept[12:16] != b"VP8X" or not kept[20] & _ANIMATED:
        return b""
    at, end, frames = 12, 0, 0
    while at + 8 <= len(kept):
        size = int.from_bytes(kept[at + 4 : at + 8], "little")
        after = at + 8 + size + size % 2
        if kept[at : at + 4] == b"ANMF" and after <= len(kept):
            end, frames = after, frames + 1
        at = after
    return b"RIFF" + (end - 8).to_bytes(4, "little") + kept[8:end] if frames else b""


def _webp_size(data: bytes) -> int:
    return int.from_bytes(data[4:8], "little") + 8


def _jpeg(data: bytes, open_: Open, refusal: Refused) -> tuple[Image.Image, int | None]:
    if not _scans(data):
        raise Refused("truncated")
    try:
        image, missing = _filled(lambda: _waiting(open_(data)), refusal)
    except Refused:
        return _progressive(data, _closed(data, open_), open_)
    rows = int(missing.any(axis=1).sum())
    if rows <= _ROW_OF_BLOCKS:
        closed = _closed(data, open_)
        if not _differing(closed, _continued(data, open_)).any():
            return rgb(closed), None
    return _greyed(image, missing), _percent(missing)


def _progressive(data: bytes, closed: Image.Image, open_: Open) -> tuple[Image.Image, int | None]:
    """A picture whose every scan covers all of it: what is missing is detail."""
    scans, missing = _scans(data), _differing(closed, _continued(data, open_))
    expected = _SCANS.get(len(closed.getbands()), max(_SCANS.values()))
    if not missing.any() and scans >= expected:
        return rgb(closed), None
    share = (scans - float(missing.mean())) / max(expected, scans)
    return rgb(closed), min(99, max(1, round(100 * share)))


def _scans(data: bytes) -> int:
    """The scans that have begun in a JPEG, without those of its thumbnail."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        if data[at + 1] == 0xDA:
            return data.count(b"\xff\xda", at)
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return 0


def _closed(data: bytes, open_: Open) -> Image.Image:
    return _tolerant(open_(data + _JPEG_END))


def _continued(data: bytes, open_: Open) -> Image.Image:
    return _tolerant(open_(data + _FILLER + _JPEG_END))


def _filled(open_once: Callable[[], Image.Image], refusal: Refused) -> tuple[Image.Image, Mask]:
    """RGB of what decodes, and what is missing; the refusal where all is."""
    images: list[Image.Image] = []
    for ink in (0, 255):
        image = open_once()
        bands = len(image.getbands())
        value = ink * 257 if image.mode.startswith("I;16") else ink
        untyped: Any = image
        untyped.im = Image.new(image.mode, image.size, (value,) * bands if bands > 1 else value).im
        images.append(_tolerant(image))
    missing = _differing(*images)
    if missing.all():
        raise refusal
    return rgb(images[0]), missing


def _tolerant(image: Image.Image) -> Image.Image:
    """The picture, loaded as far as its data go."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        return attempted(lambda: _loaded(image))
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def _loaded(image: Image.Image) -> Image.Image:
    image.load()
    return image


def _waiting(image: Image.Image) -> Image.Image:
    """The JPEG, without the end mark that Pillow adds to a cut one: rows that are not decoded stay as they are."""
    untyped: Any = image
    untyped.load_read = untyped.fp.read
    return image


def _differing(a: Image.Image, b: Image.Image) -> Mask:
    """(height, width): where the two differ. In strips: a third copy of a large picture does not fit into memory."""
    found = np.empty((a.height, a.width), np.bool_)
    for top in range(0, a.height, _STRIP):
        box = (0, top, a.width, min(top + _STRIP, a.height))
        differ = np.asarray(a.crop(box)) != np.asarray(b.crop(box))
        found[top : top + _STRIP] = differ.any(axis=2) if differ.ndim == 3 else differ
    return found


def _percent(missing: Mask) -> int | None:
    return min(99, max(1, round(100 * (1 - float(missing.mean()))))) if missing.any() else None


def _gaps_filled(image: Image.Image, missing: Mask) -> tuple[Image.Image, Mask]:
    """The picture with the gaps of its later passes filled from the decoded pixel before or above, and the rest."""
    values, missing = np.asarray(image).copy(), missing.copy()
    for ours, theirs in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
        for _ in range(_GAP):
            gap = missing[ours] & ~missing[theirs]
            values[ours][gap] = values[theirs][gap]
            missing[ours] &= ~gap
    return Image.fromarray(values), missing


def _greyed(image: Image.Image, missing: Mask) -> Image.Image:
    if not missing.any():
        return image
    for top in range(0, image.height, _STRIP):
        image.paste((_GREY, _GREY, _GREY), (0, top), Image.fromarray(missing[top : top + _STRIP]))
    return image
