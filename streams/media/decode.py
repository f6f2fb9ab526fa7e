"""Pixels from hostile bytes: a picture is decoded in a process that may die, run out of memory or hang."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from graph.domain.errors import Unprocessable
from graph.domain.turn import noted_turn
from streams.media.child import Child, ChildFailed
from streams.media.kinds import CONTENT_TYPES, is_marked_as_picture, is_video

MAX_PIXELS: Final = 178_956_970
"""Twice Pillow's own mark for a decompression bomb; the largest cameras make 150 megapixels."""
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


@dataclass(frozen=True)
class Picture:
    """A decoded picture, upright: `bgr` is uint8 (height, width, 3); `frames` says how many the file holds.

    `captured_at` is what the camera wrote (ISO 8601, often without a zone), or None.
    """

    bgr: npt.NDArray[np.uint8]
    width: int
    height: int
    content_type: str
    frames: int
    captured_at: str | None


class Decoder:
    """Decodes pictures, one at a time, in a child process of its own; safe to call from several threads.

    The child starts with the first picture. A child that dies or hangs is replaced and the picture tried once more.
    """

    def __init__(self, timeout_s: int = 20, max_pixels: int = MAX_PIXELS, memory_bytes: int = MEMORY_BYTES) -> None:
        self._timeout_s = timeout_s
        self._max_pixels = max_pixels
        self._memory_bytes = memory_bytes
        self._lock = threading.Lock()
        self._child: Child | None = None

    def decode(self, data: bytes, declared_content_type: str | None) -> Picture:
        """The picture in `data`, first frame, EXIF orientation applied, then turned as an earlier release's note says.

        Blocks: call it in a thread.

        The bytes decide what it is; the declared type only where they say nothing. Raises Unprocessable with code
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
                picture = self._try(data)
            except ChildFailed:
                try:
                    picture = self._try(data)
                except ChildFailed as failure:
                    raise _given_up(failure, self._timeout_s) from failure
        return _turned(picture, noted_turn(data))

    def close(self) -> None:
        """The child process has ended; a later `decode` starts another."""
        with self._lock:
            self._drop()

    def _try(self, data: bytes) -> Picture:
        child = self._child
        if child is None or not child.is_fit():
            self._drop()
            child = self._child = Child(self._max_pixels, self._timeout_s, self._memory_bytes)
        try:
            child.send(data)
            head = child.receive_head()
            error = head.get("error")
            if error == "not_an_image" and is_marked_as_picture(data):
                error = "damaged"
            if isinstance(error, str) and error in _REFUSALS:
                message = _REFUSALS[error].format(limit=self._max_pixels // 1_000_000)
                raise Unprocessable(message, code=error)
            return self._picture(child, head)
        except Unprocessable:
            raise
        except BaseException:  # whatever went wrong in mid-answer, this child's pipe is out of step
            self._drop()
            raise

    def _picture(self, child: Child, head: dict[str, object]) -> Picture:
        """The picture that the head announces; nothing in it is believed unchecked, for the child may be taken over."""
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
