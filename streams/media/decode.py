"""Decodes hostile bytes to pixels, in a process that may die, run out of memory or hang."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from graph.domain.box import noted_turn
from graph.domain.errors import Unprocessable
from streams.media.child import Child, ChildFailed

MAX_PIXELS: Final = 178_956_970
"""Twice Pillow's own limit for a decompression bomb; the largest cameras make 150 megapixels."""
MEMORY_BYTES: Final = 3 * 1024**3
"""Two copies of the largest picture at four bytes a pixel, its file and the interpreter."""
_CAPTURED_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[+-]\d\d:\d\d)?")

_REFUSALS: Final = {
    "not_an_image": "The file is not a picture of a kind that is read here (JPEG, PNG, GIF, WebP, BMP, TIFF, HEIF, "
    "AVIF, JPEG 2000): convert it and submit the result.",
    "truncated": "The picture's data end too early: the file was cut off. Export it again and submit it anew.",
    "damaged": "The picture's data are damaged. Export it again and submit it anew.",
    "unsupported": "The picture's colours are of a kind that is not read: convert it to RGB and submit the result.",
    "too_many_pixels": "The picture has more than {limit} million pixels: submit a smaller version of it.",
}


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
"""Content type by Pillow's format name."""

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
"""`ftyp` brands of still pictures and picture sequences; every other brand is a video's."""
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


@dataclass(frozen=True)
class Picture:
    """A decoded picture, upright: `bgr` is uint8 (height, width, 3); `frames` is the number of pictures in the file.

    `captured_at` is the camera's date (ISO 8601, often without a zone), or None.
    """

    bgr: npt.NDArray[np.uint8]
    width: int
    height: int
    content_type: str
    frames: int
    captured_at: str | None


class Decoder:
    """Decodes pictures, one at a time, in a child process. Thread-safe.

    The child starts with the first picture. A child that dies or hangs is replaced, and the picture tried once more.
    """

    def __init__(self, timeout_s: int = 20, max_pixels: int = MAX_PIXELS, memory_bytes: int = MEMORY_BYTES) -> None:
        self._timeout_s = timeout_s
        self._max_pixels = max_pixels
        self._memory_bytes = memory_bytes
        self._lock = threading.Lock()
        self._child: Child | None = None

    def decode(self, data: bytes, declared_content_type: str | None) -> Picture:
        """The first frame in `data`, EXIF orientation applied, then the turn noted by an earlier release. Blocks.

        The bytes decide what it is; the declared type only where they are unknown. Raises Unprocessable with code
        `video_not_supported_yet`, `not_an_image`, `truncated`, `damaged`, `unsupported`, `too_many_pixels`,
        `decoder_died` or `decoder_timeout`.
        """
        if is_video(data, declared_content_type):
            raise Unprocessable(
                "video: not supported yet. The event stays in quarantine and can be replayed once it is.",
                code="video_not_supported_yet",
            )
        with self._lock:
            try:
                picture = self._attempt(data)
            except ChildFailed:
                try:
                    picture = self._attempt(data)
                except ChildFailed as failure:
                    raise _given_up(failure, self._timeout_s) from failure
        return _turned(picture, noted_turn(data))

    def close(self) -> None:
        """Ends the child process; a later `decode` starts another."""
        with self._lock:
            self._drop()

    def _attempt(self, data: bytes) -> Picture:
        child = self._child
        if child is None or not child.is_fit():
            self._drop()
            child = self._child = Child(self._max_pixels, self._timeout_s, self._memory_bytes)
        try:
            child.send(data)
            head = child.receive_head()
            error = head.get("error")
            if error == "not_an_image" and starts_as_picture(data):
                error = "damaged"
            if isinstance(error, str) and error in _REFUSALS:
                message = _REFUSALS[error].format(limit=self._max_pixels // 1_000_000)
                raise Unprocessable(message, code=error)
            return self._picture(child, head)
        except Unprocessable:
            raise
        except BaseException:  # any failure within an answer leaves this child's pipe out of step
            self._drop()
            raise

    def _picture(self, child: Child, head: dict[str, object]) -> Picture:
        """The picture that the head announces; every value is checked, since the child may be compromised."""
        width, height, frames, captured_at = (head.get(key) for key in ("width", "height", "frames", "captured_at"))
        content_type = CONTENT_TYPES.get(str(head.get("format")))
        if not (isinstance(width, int) and isinstance(height, int) and isinstance(frames, int) and content_type):
            raise ChildFailed("died")
        if not (width > 0 and height > 0 and width * height <= self._max_pixels and frames > 0):
            raise ChildFailed("died")
        pixels = np.frombuffer(child.receive(width * height * 3), np.uint8).reshape(height, width, 3)
        known = isinstance(captured_at, str) and _CAPTURED_AT.fullmatch(captured_at)
        return Picture(pixels, width, height, content_type, frames, str(captured_at) if known else None)

    def _drop(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None


def _turned(picture: Picture, degrees: int) -> Picture:
    """The picture turned clockwise by a multiple of 90 degrees."""
    if not degrees:
        return picture
    pixels = np.ascontiguousarray(np.rot90(picture.bgr, -degrees // 90))
    height, width = pixels.shape[:2]
    return replace(picture, bgr=pixels, width=width, height=height)


def _given_up(failure: ChildFailed, timeout_s: int) -> Unprocessable:
    if failure.how == "timeout":
        why = f"Decoding the picture took longer than {timeout_s} seconds, twice"
    else:
        why = "The decoder ended or ran out of memory on this picture, twice"
    return Unprocessable(
        f"{why}: convert the picture with another program and submit the result.", code=f"decoder_{failure.how}"
    )


def is_video(data: bytes, declared_content_type: str | None) -> bool:
    """Whether the first bytes are those of a video, or of no known kind while the sender declared a video."""
    start = data[:16]
    box = start[4:8]
    if box == b"ftyp":
        return start[8:12] not in _PICTURE_BRANDS
    if start.startswith(_VIDEO_STARTS) or box in _QUICKTIME_BOXES:
        return True
    if start.startswith(b"RIFF"):
        return start[8:12] == b"AVI "
    if (
        len(data) > 376 and data[0] == data[188] == data[376] == 0x47
    ):  # MPEG transport stream: a sync byte every 188 bytes
        return True
    return (declared_content_type or "").strip().lower().startswith("video/") and not starts_as_picture(data)


def starts_as_picture(data: bytes) -> bool:
    """Whether the file starts like a picture of an accepted kind."""
    if data[4:8] == b"ftyp":
        return data[8:12] in _PICTURE_BRANDS
    return data.startswith(_PICTURE_STARTS) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")
