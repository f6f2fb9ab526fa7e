"""Files built byte by byte, as no library here writes them: deep and paged TIFFs, HEIC, raw photos."""

import base64
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.support.factories_pictures import encoded, quarters

Values = npt.NDArray[Any]

LONG, TEXT = 4, 2
"""Types of TIFF fields."""


# The drawn quarters; as data, because the installed library reads HEIF and cannot write it.
QUARTERS_AS_HEIC = (
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA"
    "ACJpbG9jAAAAAERAAAEAAQAAAAABoQABAAAAAAAAAEAAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRt"
    "AAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMA"
    "AAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5j"
    "bHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEHBp"
    "eGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAAAEhtZGF0AAAAPCgBrxmA94RJf+cg/nkX8EDNXivv+bU7KxPss2sr"
    "jMQ8Yhr8IS+o6pVZOErl2oom6uykuGeqo+VIEv9zgA=="
)


def tiff_of(*pages: dict[int, Sequence[int] | bytes], magic: bytes = b"II*\x00", after: bytes = b"") -> bytes:
    """A TIFF of these directories, by tag; tag 273 gives the pixels' bytes, which lie before each directory."""
    out, link = magic + bytes(4) + after, 4
    for page in pages:
        strip = page[273]
        assert isinstance(strip, bytes)
        planes = page[277][0] if page.get(284) == [2] else 1
        size = len(strip) // planes
        fields = {**page, 273: [len(out) + size * plane for plane in range(planes)], 279: [size] * planes}
        out += strip
        out = out[:link] + struct.pack("<I", len(out)) + out[link + 4 :]
        rows, extra, place = b"", b"", len(out) + 2 + 12 * len(fields) + 4
        for tag, value in sorted(fields.items()):
            kind, body = (TEXT, value) if isinstance(value, bytes) else (LONG, struct.pack(f"<{len(value)}I", *value))
            if len(body) > 4:
                body, extra = struct.pack("<I", place + len(extra)), extra + body + b"\x00" * (len(body) % 2)
            rows += struct.pack("<HHI", tag, kind, len(value)) + body.ljust(4, b"\x00")
        out += struct.pack("<H", len(fields)) + rows
        link, out = len(out), out + bytes(4) + extra
    return out


def page_of(values: Values, photometric: int, **more: Any) -> dict[int, Sequence[int] | bytes]:
    """The directory of an uncompressed page in one strip; `planar`, `subfile`, `format`, `orientation`, `make`."""
    planar = more.get("planar", 1)
    height, width = values.shape[1:] if planar == 2 else values.shape[:2]
    samples = values.shape[0] if planar == 2 else (values.shape[2] if values.ndim == 3 else 1)
    page: dict[int, Sequence[int] | bytes] = {
        254: [more.get("subfile", 0)],
        256: [width],
        257: [height],
        258: [values.dtype.itemsize * 8] * samples,
        259: [1],
        262: [photometric],
        277: [samples],
        278: [height],
        284: [planar],
        339: [more.get("format", 1)] * samples,
        274: [more.get("orientation", 1)],
    }
    return page | {273: values.tobytes()}


JPEG = encoded(quarters(64, 48), "JPEG", quality=95)
THUMB = encoded(quarters(16, 12), "JPEG", quality=95)


def raw_photos() -> dict[str, bytes]:
    """Files built as cameras build them: a thumbnail, a preview, and sensor values that nobody can develop."""
    small = np.asarray(quarters(16, 12))
    sensor = b"\xff\xd8\xff\xc3" + bytes(900)
    thumb = page_of(small, 2, subfile=1) | {271: b"NIKON\x00", 330: [0]}
    preview = {254: [1], 256: [64], 257: [48], 258: [8] * 3, 259: [7], 262: [6], 277: [3], 278: [48], 273: JPEG}
    boxes = b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom" + b"\x00\x00\x10\x00moov"
    return {
        "NEF": tiff_of(thumb, preview) + sensor,
        "DNG": tiff_of(thumb | {50706: [0x01040000]}, preview) + sensor,
        "CR2": tiff_of(preview | {259: [6], 271: b"Canon\x00"}, after=b"CR\x02\x00" + bytes(4)) + sensor,
        "RAF": b"FUJIFILMCCD-RAW 0201" + bytes(140) + JPEG + sensor,
        "CR3": boxes + THUMB + JPEG + sensor,
        "ORF": b"IIRO" + tiff_of(thumb, preview)[4:] + sensor,
    }


def collection() -> bytes:
    """The drawn quarters as HEIC, twice: the second picture is the first one's data, turned by half."""
    data = base64.b64decode(QUARTERS_AS_HEIC)

    def body(name: bytes) -> bytes:
        at = data.index(name) - 4
        return data[at + 8 : at + int.from_bytes(data[at : at + 4], "big")]

    def box(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", 8 + len(content)) + name + content

    item, place = body(b"iinf")[6:], body(b"iloc")[8:]
    mapped = body(b"ipma")[8:]
    growth = 18 + 21 + 9 + 9
    moved = [number + place[2:4] + struct.pack(">I", 417 + growth) + place[8:] for number in (b"\x00\x01", b"\x00\x02")]
    second = item[:12] + b"\x00\x02" + item[14:]
    properties = box(b"ipco", body(b"ipco") + box(b"irot", b"\x02"))
    both = body(b"ipma")[:4] + b"\x00\x00\x00\x02" + mapped + b"\x00\x02\x06" + mapped[3:] + b"\x86"
    meta = [
        bytes(4) + box(b"hdlr", body(b"hdlr")),
        box(b"iloc", body(b"iloc")[:6] + b"\x00\x02" + b"".join(moved)),
        box(b"iinf", body(b"iinf")[:4] + b"\x00\x02" + item + second),
        box(b"pitm", body(b"pitm")),
        box(b"iprp", properties + box(b"ipma", both)),
    ]
    return data[:28] + box(b"meta", b"".join(meta)) + data[409:]
