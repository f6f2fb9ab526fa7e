"""What a file is, by its first bytes: whether it is a video, and the content types of pictures."""

from __future__ import annotations

from typing import Final

CONTENT_TYPES: Final = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    "HEIF": "image/heif",
    "AVIF": "image/avif",
    "JPEG2000": "image/jp2",
    "PPM": "image/x-portable-anymap",
}
"""Content type by Pillow's name of the format."""

_PICTURE_STARTS = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF8",
    b"II*\x00",
    b"MM\x00*",
    b"\x00\x00\x00\x0cjP  ",
    b"\xff\x4f\xff\x51",
)
_PICTURE_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis", b"jp2 ")
"""`ftyp` brands of still pictures and picture sequences; every other brand is a film's."""
_VIDEO_STARTS = (
    b"\x1aE\xdf\xa3",  # Matroska, WebM
    b"\x00\x00\x01\xba",  # MPEG program stream
    b"\x00\x00\x01\xb3",  # MPEG video
    b"FLV\x01",
    b"OggS",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF, WMV
    b".RMF",
)
_QUICKTIME_BOXES = (b"moov", b"mdat", b"wide", b"pnot")


def is_video(data: bytes, declared_content_type: str | None) -> bool:
    """Whether the bytes are a film, or say nothing known while the sender declared one."""
    start = data[:16]
    box = start[4:8]
    if box == b"ftyp":
        return start[8:12] not in _PICTURE_BRANDS
    if start.startswith(_VIDEO_STARTS) or box in _QUICKTIME_BOXES:
        return True
    if start.startswith(b"RIFF"):
        return start[8:12] == b"AVI "
    if len(data) > 376 and data[0] == data[188] == data[376] == 0x47:  # MPEG transport stream: a mark every 188 bytes
        return True
    return (declared_content_type or "").strip().lower().startswith("video/") and not is_marked_as_picture(data)


def is_marked_as_picture(data: bytes) -> bool:
    """Whether the file begins as pictures of an accepted kind do, whatever follows."""
    if data[4:8] == b"ftyp":
        return data[8:12] in _PICTURE_BRANDS
    return data.startswith(_PICTURE_STARTS) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")
