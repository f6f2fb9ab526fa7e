"""What every reader of a kind of picture gives: a source of frames, or a refusal with its code."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from PIL import Image

T = TypeVar("T")


class Refused(Exception):
    """The file is not decoded; the argument is the code of the reason."""


@dataclass(frozen=True)
class Frame:
    """One decoded picture, RGB and upright; `partial_percent` is about how much of it was decoded, None all of it."""

    image: Image.Image
    partial_percent: int | None = None


@dataclass(frozen=True)
class Source:
    """An opened file: `read` decodes the frame of an index below `frames`, in ascending order, or raises Refused.

    `captured_at` is asked after the first frame and gives the camera's date (ISO 8601, often without a zone), or None.
    """

    format: str
    frames: int
    read: Callable[[int], Frame]
    captured_at: Callable[[], str | None]


def check_pixels(width: int, height: int, max_pixels: int) -> None:
    """Raises Refused if the picture has more pixels than are decoded, or none."""
    if width * height > max_pixels:
        raise Refused("too_many_pixels")
    if width < 1 or height < 1:
        raise Refused("damaged")


def quietly(fallback: T, action: Callable[[], T]) -> T:
    """The action's result, or the fallback where it fails: for what the pixels do not need."""
    try:
        return action()
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - damaged metadata and later frames fail in as many ways as there are parsers
        return fallback


def attempted(action: Callable[[], T]) -> T:
    """The action's result; a parser's failure becomes Refused with code `truncated`, `unsupported` or `damaged`."""
    try:
        return action()
    except (MemoryError, Refused):
        raise
    except Exception as failure:  # noqa: BLE001 - each parser has its own errors for damaged data
        text = str(failure).lower()
        early = isinstance(failure, EOFError) or any(word in text for word in ("truncated", "premature", "end of"))
        unknown = any(word in text for word in ("not implemented", "not supported", "unsupported", "can not handle"))
        raise Refused("truncated" if early else "unsupported" if unknown else "damaged") from None
