"""Decodes hostile bytes to pixels, in a process that may die, run out of memory or hang."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from graph.domain.box import noted_turn
from graph.domain.errors import Unprocessable
from graph.domain.media_kinds import may_be_video, starts_as_picture, starts_as_video
from streams.media.child import Child, ChildFailed
from streams.media.formats import CONTENT_TYPES, REFUSALS

MAX_PIXELS: Final = 178_956_970
"""Twice Pillow's own limit for a decompression bomb; the largest cameras make 150 megapixels."""
MEMORY_BYTES: Final = 3 * 1024**3
"""Two copies of the largest picture at four bytes a pixel, its file and the interpreter."""
_CAPTURED_AT_LENGTHS: Final = (19, 25)


@dataclass(frozen=True)
class Picture:
    """One decoded picture of a file, upright: `bgr` is uint8 (height, width, 3).

    `frames` is the number of pictures in the file, `page` the place of this one, from 1. `captured_at` is the camera's
    date (ISO 8601, often without a zone), or None. `partial_percent` is about how much of it was decoded, None all.
    """

    bgr: npt.NDArray[np.uint8]
    width: int
    height: int
    content_type: str
    frames: int
    captured_at: str | None
    page: int = 1
    partial_percent: int | None = None


class Pages:
    """The distinct pictures of one file, each decoded when it is asked for; they can be iterated once.

    `examined` is, once iterated, the number of the file's pictures that were decoded or the same as one that was. The
    iteration ends early where later pictures cannot be decoded.
    """

    def __init__(self, pictures: Callable[[Pages], Generator[Picture]]) -> None:
        self.examined = 0
        self.pictures = pictures(self)


class Decoder:
    """Decodes pictures, one at a time, in child processes. Thread-safe.

    A child starts with the first picture; a file of many pictures keeps its own until they are all taken. A child that
    dies or hangs is replaced, and the file tried once more.
    """

    def __init__(self, timeout_s: int = 20, max_pixels: int = MAX_PIXELS, memory_bytes: int = MEMORY_BYTES) -> None:
        self._timeout_s = timeout_s
        self._max_pixels = max_pixels
        self._memory_bytes = memory_bytes
        self._lock = threading.Lock()
        self._idle: Child | None = None

    def decode(self, data: bytes, declared_content_type: str | None, page: int | None = None) -> Picture:
        """The first picture in `data`, or that of a page; the rest as in `pages`.

        Raises Unprocessable with code `no_page` if the page cannot be decoded.
        """
        with closing(self.pages(data, declared_content_type).pictures) as pictures:
            for picture in pictures:
                if page in (None, picture.page):
                    return picture
        raise Unprocessable(f"Page {page} of the file cannot be decoded.", code="no_page")

    def pages(self, data: bytes, declared_content_type: str | None) -> Pages:
        """The distinct pictures in `data`, EXIF orientation applied, then the turn noted by an earlier release.

        The bytes decide what it is; the declared type only where they are unknown. Taking the first picture blocks and
        raises Unprocessable with code `video_not_supported_yet`, `not_an_image`, `truncated`, `damaged`,
        `unsupported`, `too_many_pixels`, `decoder_died` or `decoder_timeout`.
        """
        return Pages(lambda pages: self._pictures(data, declared_content_type, pages))

    def close(self) -> None:
        """Ends the idle child process; a later `decode` starts another."""
        with self._lock:
            self._drop_idle()

    def _pictures(self, data: bytes, declared_content_type: str | None, pages: Pages) -> Generator[Picture]:
        turn = noted_turn(data)
        answer, child = self._first(data, declared_content_type)
        try:
            while answer.picture is not None:
                pages.examined = answer.examined
                yield _turned(answer.picture, turn)
                if child is None:
                    return
                asked, child = child, None
                answer, child = self._next(asked)
            pages.examined = answer.examined
        except ChildFailed:
            return  # what the earlier pictures show counts
        finally:
            if child is not None:
                self._give_back(child)

    def _first(self, data: bytes, declared_content_type: str | None) -> tuple[_Answer, Child | None]:
        """The answer to a file, and the child that keeps it, where it has more pictures."""
        if starts_as_video(data):
            raise _video()
        with self._lock:
            try:
                return self._attempt(data, declared_content_type)
            except ChildFailed:
                try:
                    return self._attempt(data, declared_content_type)
                except ChildFailed as failure:
                    raise _given_up(failure, self._timeout_s) from failure

    def _next(self, child: Child) -> tuple[_Answer, Child | None]:
        with self._lock:
            return self._checked(child, child.ask_next)

    def _give_back(self, child: Child) -> None:
        """Takes a child whose other pictures nobody wants."""
        with self._lock:
            self._keep(child)

    def _attempt(self, data: bytes, declared_content_type: str | None) -> tuple[_Answer, Child | None]:
        child, self._idle = self._idle, None
        if child is None or not child.is_fit():
            if child is not None:
                child.kill()
            child = Child(self._max_pixels, self._timeout_s, self._memory_bytes)
        try:
            return self._checked(child, lambda: child.send(data))
        except _Refusal as refusal:
            raise self._refusal(str(refusal), data, declared_content_type) from None

    def _checked(self, child: Child, ask: Callable[[], None]) -> tuple[_Answer, Child | None]:
        """The answer to a request. The child is idle again where no more can be asked of this file, and else returned.

        A child that fails is killed.
        """
        try:
            ask()
            head = child.receive_head()
            error = head.get("error")
            answer = None if isinstance(error, str) and error in REFUSALS else self._answer(child, head)
        except BaseException:  # any failure within an answer leaves this child's pipe out of step
            child.kill()
            raise
        if answer is not None and answer.more:
            return answer, child
        self._keep(child)
        if answer is None:
            raise _Refusal(str(error))
        return answer, None

    def _keep(self, child: Child) -> None:
        self._drop_idle()
        self._idle = child

    def _refusal(self, error: str, data: bytes, declared_content_type: str | None) -> Unprocessable:
        if error == "not_an_image" and starts_as_picture(data):
            error = "damaged"
        elif error == "not_an_image" and may_be_video(data, declared_content_type):
            return _video()
        return Unprocessable(REFUSALS[error].format(limit=self._max_pixels // 1_000_000), code=error)

    def _answer(self, child: Child, head: dict[str, object]) -> _Answer:
        """What the head announces; every value is checked, since the child may be compromised."""
        examined, more = head.get("examined"), head.get("more")
        if not (isinstance(examined, int) and examined >= 0 and isinstance(more, bool)):
            raise ChildFailed("died")
        if "width" not in head:
            return _Answer(None, examined, more)
        width, height, frames, page = (head.get(key) for key in ("width", "height", "frames", "page"))
        content_type = CONTENT_TYPES.get(str(head.get("format")))
        if not (isinstance(width, int) and isinstance(height, int) and content_type):
            raise ChildFailed("died")
        if not (width > 0 and height > 0 and width * height <= self._max_pixels):
            raise ChildFailed("died")
        if not (isinstance(frames, int) and isinstance(page, int) and 1 <= page <= frames and examined <= frames):
            raise ChildFailed("died")
        pixels = np.frombuffer(child.receive(width * height * 3), np.uint8).reshape(height, width, 3)
        percent = head.get("partial_percent")
        partial = percent if isinstance(percent, int) and 1 <= percent <= 99 else None
        captured_at = _date(head.get("captured_at"))
        picture = Picture(pixels, width, height, content_type, frames, captured_at, page, partial)
        return _Answer(picture, examined, more)

    def _drop_idle(self) -> None:
        if self._idle is not None:
            self._idle.kill()
            self._idle = None


class _Refusal(Exception):
    """The child refuses the file; the argument is the code."""


@dataclass(frozen=True)
class _Answer:
    picture: Picture | None
    examined: int
    more: bool


def _video() -> Unprocessable:
    return Unprocessable(
        "video: not supported yet. The event stays in quarantine and can be replayed once it is.",
        code="video_not_supported_yet",
    )


def _date(given: object) -> str | None:
    """A date in ISO 8601 with seconds, and with an offset or without; None of anything else."""
    if isinstance(given, str) and given.isascii() and len(given) in _CAPTURED_AT_LENGTHS:
        with suppress(ValueError):
            if datetime.fromisoformat(given).isoformat() == given:
                return given
    return None


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
