"""Standing searches: those that stay open, as link knows them, and a batch's changes that are not committed yet.

A search in one case is open until that case is closed, its asker ends it, or its time is over; in the register only one
that its asker chose to keep asking is. Each part of its answer has a number; one that found nothing grows until one
finds something, so that an open search does not become a row for every picture that comes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from streams.gallery.overlay import Overlay

REGISTER = "register"


@dataclass(frozen=True, slots=True)
class Reach:
    """What a search covers: faces that are compared, faces too poor to be, media without any face."""

    compared: int = 0
    too_poor: int = 0
    no_face: int = 0

    def __add__(self, other: Reach) -> Reach:
        poor, empty = self.too_poor + other.too_poor, self.no_face + other.no_face
        return Reach(self.compared + other.compared, poor, empty)


@dataclass(frozen=True, slots=True)
class StandingSearch:
    """`uploaded`: its faces are those of a picture of its own, whose bytes may be found elsewhere too.

    `part` is the number of its last part, `tail` what that has covered so far where it still grows, and `through` the
    last record that added to it: read again, what came before adds nothing.
    """

    search_id: str
    case_id: str
    within: str
    limit: int
    faces: tuple[str, ...]
    uploaded: bool
    until: int | None
    through: int
    part: int = 0
    tail: Reach | None = None

    @property
    def cases(self) -> tuple[str, ...]:
        """The cases with whose end it ends: the one that asks, and the one that it is asked in."""
        return (self.case_id, self.within.removeprefix("case:"))


@dataclass(slots=True)
class StandingSearches:
    """The committed ones, by id, and their ids by where they ask."""

    by_id: dict[str, StandingSearch] = field(default_factory=dict[str, StandingSearch])
    at: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict[str, set[str]](set))


class StagedSearches:
    """A batch's changes over standing searches that they do not touch."""

    def __init__(self, base: StandingSearches) -> None:
        self._base = base
        self._by_id = Overlay(base.by_id)

    def __bool__(self) -> bool:
        return bool(self._base.by_id) or any(self._by_id.staged())

    def take_into(self, base: StandingSearches) -> None:
        """Makes a committed batch part of them."""
        for search_id, search in self._by_id.changed.items():
            if (old := base.by_id.get(search_id)) is not None:
                base.at[old.within].discard(search_id)
            if search is not None:
                base.at[search.within].add(search_id)
        self._by_id.take_into(base.by_id)

    def one(self, search_id: str) -> StandingSearch | None:
        return self._by_id.get(search_id)

    def put(self, search: StandingSearch) -> None:
        self._by_id.put(search.search_id, search)

    def end(self, search_id: str) -> None:
        self._by_id.remove(search_id)

    def asked_in(self, within: str) -> list[StandingSearch]:
        """Those that ask in the register or in this `case:<id>`, in the order of their ids."""
        ids = set(self._base.at.get(within, ()))
        ids |= {search.search_id for search in self._by_id.staged() if search.within == within}
        return [search for search in map(self.one, sorted(ids)) if search is not None]

    def everyone(self) -> Iterator[StandingSearch]:
        for search_id in sorted(self._by_id.keys()):
            if (search := self.one(search_id)) is not None:
                yield search
