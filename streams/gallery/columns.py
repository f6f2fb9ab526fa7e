"""Growing arrays and numbers for ids: a register takes only a few bytes of memory beside each face's vector."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from graph.domain import ids

Numbers = NDArray[np.int64]
V = TypeVar("V")

NONE: Final = -1
"""In a column of numbers: no value."""
RECENT: Final = 1 << 16
"""New ids held in a dict (150 bytes an id) before they become a sorted run (12 bytes an id)."""
_ID: Final = 32
"""Bytes of an id."""


def grown(array: NDArray[Any], size: int, empty: int = 0, *, spare: bool = True) -> NDArray[Any]:
    """The array if it has `size` rows, else a longer copy filled with `empty`; with spare rows if `spare`."""
    if len(array) >= size:
        return array
    rows = max(size, len(array) * 5 // 4 + 1024) if spare else size
    longer = np.full((rows, *array.shape[1:]), empty, array.dtype)
    longer[: len(array)] = array
    return longer


class DigestIndex:
    """Numbers SHA-256 ids (64 hex digits) in order of arrival, from 0 without a gap; never removes one.

    The first 8 bytes of the ids are stored in a few sorted runs, each at least twice as long as the next. An id is
    found by binary search and verified by its 32 bytes.
    """

    def __init__(self) -> None:
        self._ids = np.zeros((0, _ID), np.uint8)
        self._count = 0
        self._runs: list[tuple[NDArray[np.uint64], NDArray[np.int32]]] = []
        self._recent: dict[bytes, int] = {}

    def __len__(self) -> int:
        return self._count

    def reserve(self, size: int) -> None:
        """Allocates memory for this many ids in all."""
        self._ids = grown(self._ids, size, spare=False)

    def get(self, name: str) -> int | None:
        """The number of an id; None if it is unknown or the text is no id."""
        return self._find(bytes.fromhex(name)) if ids.is_digest(name) else None

    def number(self, name: str) -> int:
        """The number of an id, a new one if it has none. ValueError if the text is no id."""
        if not ids.is_digest(name):
            raise ValueError("an id has 64 hex digits")
        digest = bytes.fromhex(name)
        found = self._find(digest)
        if found is not None:
            return found
        self._ids = grown(self._ids, self._count + 1)
        self._ids[self._count] = np.frombuffer(digest, np.uint8)
        self._recent[digest] = self._count
        self._count += 1
        if len(self._recent) >= RECENT:
            self._recent.clear()
            self._add_run(self._count - RECENT)
        return self._count - 1

    def extend(self, names: Sequence[str]) -> range:
        """The numbers of many new ids, all distinct and unknown so far."""
        start, first = self._count, self._count - len(self._recent)
        self._ids = grown(self._ids, start + len(names))
        self._ids[start : start + len(names)] = np.frombuffer(bytes.fromhex("".join(names)), np.uint8).reshape(-1, _ID)
        self._count += len(names)
        self._recent.clear()
        self._add_run(first)
        return range(start, self._count)

    def name(self, number: int) -> str:
        return self._ids[number].tobytes().hex()

    def names(self, numbers: Iterable[int]) -> list[str]:
        return [self._ids[number].tobytes().hex() for number in numbers]

    def _find(self, digest: bytes) -> int | None:
        if (recent := self._recent.get(digest)) is not None:
            return recent
        key = np.uint64(int.from_bytes(digest[:8], "big"))
        for keys, numbers in self._runs:
            place = int(np.searchsorted(keys, key))
            while place < len(keys) and keys[place] == key:
                if self._ids[numbers[place]].tobytes() == digest:
                    return int(numbers[place])
                place += 1
        return None

    def _add_run(self, first: int) -> None:
        """Sorts the ids from number `first` on, together with preceding runs that are less than twice as long."""
        while self._runs and len(self._runs[-1][0]) < 2 * (self._count - first):
            first -= len(self._runs.pop()[0])
        heads = np.ascontiguousarray(self._ids[first : self._count, :8]).view(">u8")[:, 0].astype(np.uint64)
        order = np.argsort(heads)
        self._runs.append((heads[order], (order + first).astype(np.int32)))


class Table(Mapping[str, V]):
    """Objects by id, stored in columns by number; an object is built when one is read.

    A removed object keeps its number.
    """

    def __init__(self) -> None:
        self.ids = DigestIndex()
        self._size = 0

    @property
    @abstractmethod
    def _references(self) -> NDArray[np.int32]:
        """A column with NONE for every removed object."""

    @abstractmethod
    def at(self, number: int) -> V:
        """The object with this number."""

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids.names(np.flatnonzero(self._references[: len(self.ids)] != NONE)))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.number(name) is not None

    def __getitem__(self, name: str) -> V:
        if (number := self.number(name)) is None:
            raise KeyError(name)
        return self.at(number)

    def number(self, name: str) -> int | None:
        """The number of a stored object, else None."""
        number = self.ids.get(name)
        return number if number is not None and self._references[number] != NONE else None


class Names:
    """Numbers short lists of names, as of cases or victims, from 0 without a gap."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._names: list[str] = []

    def __len__(self) -> int:
        return len(self._names)

    def get(self, name: str) -> int | None:
        return self._numbers.get(name)

    def number(self, name: str | None) -> int:
        """The number of a name, a new one if it has none; -1 for None."""
        if name is None:
            return -1
        found = self._numbers.setdefault(name, len(self._names))
        if found == len(self._names):
            self._names.append(name)
        return found

    def name(self, number: int) -> str | None:
        """The name; None for -1."""
        return self._names[number] if number >= 0 else None
