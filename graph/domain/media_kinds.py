"""What a file's first bytes say about its kind. The API, embed and the decoding process ask it; parsers decide."""

import re
from typing import Final

JPEG_START: Final = b"\xff\xd8\xff"
PNG_START: Final = b"\x89PNG\r\n\x1a\n"
PREFIX_BYTES: Final = 64 * 1024
"""Bytes that may precede a picture: chats, mail exports and carved files leave line ends, zeros or a header there."""
JUNK: Final = b"\x00\t\n\r \xef\xbb\xbf\xfe\xff"
"""Zeros, white space and byte order marks."""
_PICTURE_STARTS: Final = (
    *(JPEG_START, PNG_START, b"GIF8", b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
    *(b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51"),  # JPEG 2000: file, codestream
    *(b"\x00\x00\x00\x0cJXL ", b"II\xbc", b"8BPS", b"qoif"),  # JPEG XL, JPEG XR, Photoshop, QOI
)
_LONG_STARTS: Final = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF.{4}WEBPVP8|\x00\x00\x00\x0c(?:jP  |JXL )\r\n\x87\n"
    rb"|\x00\x00\x00.ftyp(?:avi[fs]|hei[cxms]|hev[cxms]|mif[12]|msf1)",
    re.DOTALL,
)
_SHORT_STARTS: Final = (
    *(b"BM", b"P1", b"P2", b"P3", b"P4", b"P5", b"P6", b"\xff\x0a", b"\x01\xda", b"\x00\x00\x01\x00"),
    *(b"\x0a\x05\x01", b"\x0a\x03\x01", b"\x0a\x02\x01"),
)
"""BMP, PBM to PPM, JPEG XL's codestream, SGI, icons, PCX: too short to call a file that is not read damaged."""
RAW_STARTS: Final = (
    *(b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\x00", b"FOVb", b"\x00MRM", b"II\x1a\x00\x00\x00HEAPCCDR"),
)
"""Raw photos that are no TIFF: Fuji, Olympus, Panasonic, Sigma, Minolta, Canon's first kind."""
RAW_BRAND: Final = b"crx "
HEIF_BRANDS: Final = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevm", b"hevs", b"hevx")
AVIF_BRANDS: Final = (b"avif", b"avis")
_PICTURE_BRANDS: Final = frozenset((*HEIF_BRANDS, *AVIF_BRANDS, b"mif1", b"mif2", b"msf1", b"jp2 ", b"jxl ", RAW_BRAND))
_VIDEO_STARTS: Final = (
    b"\x1aE\xdf\xa3",  # Matroska, WebM
    b"\x00\x00\x01\xba",  # MPEG program stream
    b"\x00\x00\x01\xb3",  # MPEG video
    b"FLV\x01",
    b"OggS",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF, WMV
    b".RMF",
)
_VIDEO_BOXES: Final = (b"moov", b"mdat", b"wide", b"pnot")
_OTHER_STARTS: Final = (
    *(b"%PDF", b"%!PS", b"{\\rtf", b"\xd0\xcf\x11\xe0", b"<", b"SQLite format 3", b"\x7fELF", b"MZ"),
    *(b"PK", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"BZh", b"\xfd7zXZ"),
    *(b"ID3", b"fLaC", b"RIFF"),
)
"""Documents, archives and sound: a JPEG inside one is not what was submitted."""
_TRANSPORT_STREAM: Final = 188
"""MPEG transport stream: the byte G every 188 bytes."""


def brands(data: bytes) -> tuple[bytes, ...]:
    """The major and the compatible brands of a file in the ISO base media format; none of another."""
    if data[4:8] != b"ftyp":
        return ()
    end = min(max(int.from_bytes(data[:4], "big"), 16), 1024)
    return (data[8:12], *(data[at : at + 4] for at in range(16, min(end, len(data)), 4)))


def starts_as_picture(data: bytes) -> bool:
    """Whether the file starts like a picture of a kind that is read."""
    if named := brands(data):
        return not _PICTURE_BRANDS.isdisjoint(named)
    return data.startswith((*_PICTURE_STARTS, *RAW_STARTS)) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")


def starts_as_video(data: bytes) -> bool:
    """Whether the file starts like a video and like no picture: it is not decoded."""
    if brands(data):
        return not starts_as_picture(data)
    return (
        data.startswith(_VIDEO_STARTS) or data[4:8] in _VIDEO_BOXES or (data[:4] == b"RIFF" and data[8:12] == b"AVI ")
    )


def may_be_video(data: bytes, declared_content_type: str | None) -> bool:
    """Whether a file that no parser of pictures knows is a video: by weak marks, or because its sender says so."""
    synced = len(data) > 2 * _TRANSPORT_STREAM and data[0] == data[_TRANSPORT_STREAM] == data[2 * _TRANSPORT_STREAM]
    return (synced and data[:1] == b"G") or (declared_content_type or "").strip().lower().startswith("video/")


def picture_after_junk(data: bytes) -> int:
    """Where a picture begins behind bytes that are no file of their own, at most `PREFIX_BYTES`; -1 if there is none.

    Only kinds with a start that hardly occurs by chance.
    """
    if data.startswith(_OTHER_STARTS) or brands(data) or starts_as_video(data):
        return -1
    found = _LONG_STARTS.search(data, 0, PREFIX_BYTES)
    return found.start() if found else -1


def starts_as_targa(data: bytes) -> bool:
    """Whether the file has the header of a Targa picture, which has no signature."""
    if len(data) < 19 or data[1] not in (0, 1) or data[2] not in (1, 2, 3, 9, 10, 11):
        return False
    size = data[12:14] != b"\x00\x00" and data[14:16] != b"\x00\x00"
    return size and data[16] in (1, 8, 15, 16, 24, 32) and (data[1] == 1 or not any(data[3:8]))


def may_be_media(data: bytes) -> bool:
    """Whether the file may be a picture or a video. Permissive: the decoder decides."""
    return (
        starts_as_picture(data)
        or starts_as_video(data)
        or data.startswith((b"G", *_SHORT_STARTS))
        or starts_as_targa(data)
        or starts_as_picture(data.lstrip(JUNK))
        or picture_after_junk(data) >= 0
    )
