"""The searches that stay open, as link knows them, and a batch's changes to them that are not committed yet.

A search in one case is open until that case is closed, its asker ends it, or its time is over; in the register only one
that its asker chose to keep asking is. Each part of its answer has a number; one that found nothing grows until one
finds something, so that an open search does not become a row for every picture that comes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

REGISTER = "register"


@dataclass(frozen=True, slots=True)
class Reach:
    """What a search covers: faces that are compared, faces too poor to be, media without any face."""

    compared: int = 0
    too_poor: int = 0
    no_face: int = 0

    def __add__(self, other: Reach) -> Reach:
        return Reach(
            self.compared + other.compared, self.too_poor + other.too_poor, self.no_face + other.no_face
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class OpenSearch:
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
class OpenSearches:
    """The committed ones, by id, and their ids by where they ask."""

    by_id: dict[str, OpenSearch] = field(default_factory=dict[str, OpenSearch])
    at: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict[str, set[str]](set))

    def take_in(self, staged: StagedSearches) -> None:
        """Makes a committed batch part of them."""
        for search_id, search in staged.changed.items():
            old = self.by_id.pop(search_id, None)
            if old is not None:
                self.at[old.within].discard(search_id)
            if search is not None:
                self.by_id[search_id] = search
                self.at[search.within].add(search_id)


class StagedSearches:
    """A batch's changes over searches that they do not touch; None: it is open no more."""

    def __init__(self, base: OpenSearches) -> None:
        self.base = base
        self.changed: dict[str, OpenSearch | None] = {}

    def __bool__(self) -> bool:
        return bool(self.base.by_id) or any(self.changed.values())

    def one(self, search_id: str) -> OpenSearch | None:
        return self.changed[search_id] if search_id in self.changed else self.base.by_id.get(search_id)

    def put(self, search: OpenSearch) -> None:
        self.changed[search.search_id] = search

    def end(self, search_id: str) -> None:
        self.changed[search_id] = None

    def asked_in(self, within: str) -> list[OpenSearch]:
        """Those that ask in the register or in this `case:<id>`, in the order of their ids."""
        ids = set(self.base.at.get(within, ()))
        ids |= {search.search_id for search in self.changed.values() if search and search.within == within}
        return [search for search in map(self.one, sorted(ids)) if search is not None]

    def everyone(self) -> Iterator[OpenSearch]:
        for search_id in sorted(self.base.by_id.keys() | self.changed.keys()):
            if (search := self.one(search_id)) is not None:
                yield search
