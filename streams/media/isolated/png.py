"""Rewrites PNG files to what their pixels need, so that nothing around the pixels keeps a picture out."""

import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
from PIL import Image

from graph.domain.media_kinds import PNG_START

_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"acTL", b"fcTL", b"fdAT", b"eXIf")
_NAMES = re.compile(b"|".join((*_KEPT, b"IEND")))
_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_TEXTS = (b"iTXt", b"zTXt", b"tEXt")
_TEXT_KEYS = (b"XML:com.adobe.xmp\x00", b"Raw profile type exif\x00", b"Raw profile type APP1\x00")
"""Texts that may hold the orientation."""
_TEXT_BYTES = 256 * 1024
_HEAD_BYTES = 13
_PIECE = 1024 * 1024
_MOST_INFLATED = 1024**3


def plain(data: bytes) -> bytes:
    """The PNG with its pixels' chunks alone, each with a right checksum; a cut one ends where its data end.

    Prompts and other texts of megabytes are left out unread. The stream of a picture as Xcode packs it for iPhones
    gets the head and the checksum that it lacks: its pixels still need `from_iphone`.
    """
    out = [PNG_START]
    for name, body, checksum in _with_whole_stream(_chunks(data)) if is_iphone(data) else _chunks(data):
        if name == b"IHDR":
            body = _mended_head(body, checksum)
        if name in _KEPT or (name in _TEXTS and body.startswith(_TEXT_KEYS) and len(body) <= _TEXT_BYTES):
            out += [struct.pack(">I", len(body)), name, body, struct.pack(">I", zlib.crc32(body, zlib.crc32(name)))]
    return b"".join([*out, _END])


def is_iphone(data: bytes) -> bool:
    """Whether it is a PNG as Xcode packs it for iPhones: raw deflate, blue first, colours multiplied by alpha."""
    return data[12:16] == b"CgBI"


def from_iphone(image: Image.Image) -> Image.Image:
    """The picture with red first and colours divided by alpha."""
    if image.mode not in ("RGB", "RGBA"):
        return image
    values = np.asarray(image)[:, :, [2, 1, 0, 3][: len(image.mode)]].copy()
    if image.mode == "RGBA":
        alpha = np.maximum(values[:, :, 3:], 1).astype(np.uint16)
        values[:, :, :3] = np.minimum(values[:, :, :3].astype(np.uint16) * 255 // alpha, 255)
    return Image.fromarray(values)


def depth(data: bytes) -> int:
    """Bits per sample, as the head of a plain PNG says."""
    return data[24]


def _with_whole_stream(chunks: Iterator[tuple[bytes, bytes, int]]) -> Iterator[tuple[bytes, bytes, int]]:
    """The chunks, their pixels as one zlib stream made of the raw one."""
    raw = bytearray()
    for name, body, checksum in chunks:
        if name == b"IDAT":
            raw += body
        else:
            yield name, body, checksum
    inflater, checked, left = zlib.decompressobj(-zlib.MAX_WBITS), 1, _MOST_INFLATED
    part: bytes | bytearray = raw
    with suppress(zlib.error):  # the rows before the fault count
        while left > 0 and not inflater.eof and (some := inflater.decompress(part, _PIECE)):
            checked, left, part = zlib.adler32(some, checked), left - len(some), inflater.unconsumed_tail
    yield b"IDAT", b"\x78\x01" + bytes(raw) + struct.pack(">I", checked), 0


def _mended_head(body: bytes, checksum: int) -> bytes:
    """The head with the one byte changed that its checksum proves wrong; as it is where no one byte explains it."""
    for at in range(len(body) if zlib.crc32(body, zlib.crc32(b"IHDR")) != checksum else 0):
        for value in range(256):
            changed = body[:at] + bytes([value]) + body[at + 1 :]
            if zlib.crc32(changed, zlib.crc32(b"IHDR")) == checksum:
                return changed
    return body


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Name, content and checksum of every chunk; one with a wrong length ends where the next whole one begins."""
    at = len(PNG_START)
    while at + 8 <= len(data):
        size, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if at == len(PNG_START) and not is_iphone(data):
            name = b"IHDR"  # always the first
        if name == b"IHDR":
            size = _HEAD_BYTES
        elif not _may_begin(data, at + 12 + size) and not _is_whole(data, at):
            after = _next_whole(data, at + 8)
            size = size if after is None else after - at - 12
        if name == b"IEND":
            return
        body, checksum = data[at + 8 : at + 8 + size], int.from_bytes(data[at + 8 + size : at + 12 + size], "big")
        yield _mended_name(name, body, checksum), body, checksum
        at += 12 + size


def _may_begin(data: bytes, at: int) -> bool:
    """Whether a chunk may begin there that ends within the file."""
    return data[at + 4 : at + 8].isalpha() and int.from_bytes(data[at : at + 4], "big") <= len(data) - at - 12


def _is_whole(data: bytes, at: int) -> bool:
    size = int.from_bytes(data[at : at + 4], "big")
    end = at + 8 + size
    return zlib.crc32(data[at + 4 : end]).to_bytes(4, "big") == data[end : end + 4]


def _next_whole(data: bytes, start: int) -> int | None:
    """Where the next chunk that pixels need begins whose checksum is right."""
    found = (name.start() - 4 for name in _NAMES.finditer(data, start + 8))
    return next((at for at in found if _is_whole(data, at)), None)


def _mended_name(name: bytes, body: bytes, checksum: int) -> bytes:
    """The name, or the one that the checksum proves to stand there."""
    if name in _KEPT or zlib.crc32(body, zlib.crc32(name)) == checksum:
        return name
    return next((kept for kept in _KEPT if zlib.crc32(body, zlib.crc32(kept)) == checksum), name)
