"""What an archive reader gives: its entries, in the order in which they are read, and the bytes of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

CHUNK: Final = 1 << 20
"""Bytes that a reader gives at once, at most."""
GROWTH_MAX: Final = 1100
"""Deflate cannot shrink data by more than a factor of 1032, and pictures hardly shrink: a larger factor is a bomb's."""
CUT: Final = "cut off or damaged: only the whole files in it are sent"
NAMES_MAX: Final = 256 << 20
"""Bytes of names that an archive may have, so that a forged one does not fill the memory."""
LINK: Final = "a link, which is not followed"
NO_FILE: Final = "no regular file"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in an archive. `fault` is why it cannot be sent; empty where it can.

    `size` is what the archive declares, which may be forged.
    """

    name: str
    size: int
    fault: str = ""


class Container(Protocol):
    """An open archive, read by one thread. Nothing is unpacked to disk: names are shown, never opened as paths."""

    entries: Sequence[Entry]
    remarks: Sequence[str]
    """What a person is to know of it, such as guessed names."""
    fault: str
    """Why some of its files may be missing; empty for a whole archive."""

    def chunks(self, index: int) -> Iterator[bytes]:
        """The bytes of an entry. Raises OSError, whose `strerror` says why they cannot be read, at any step."""
        ...

    def close(self) -> None: ...


def unreadable(why: str) -> OSError:
    """The error for a file that cannot be sent, whose `strerror` is `why`."""
    return OSError(0, why)


class NamesLimit:
    """Counts the names of an archive. Raises OSError beyond NAMES_MAX bytes."""

    def __init__(self) -> None:
        self._left = NAMES_MAX

    def count(self, size: int) -> None:
        if size > self._left:
            raise unreadable("its names are too long to be read")
        self._left -= size
