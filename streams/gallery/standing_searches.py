"""Standing searches: searches that later records may add answers to, and a batch's uncommitted changes of them.

A search in one case stays open until the case closes, its asker ends it, or its time is over. A search of the register
stays open only if its asker chose so. The answer grows in numbered parts; a part without a found face is extended by
the next records, so that an open search does not cost a row for every picture.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from streams.gallery.counts import Coverage
from streams.gallery.overlay import Overlay

REGISTER = "register"


@dataclass(frozen=True, slots=True)
class StandingSearch:
    """A search with its query `faces`, within `register` or `case:<id>`.

    `uploaded`: the faces are those of its own picture, whose bytes may be found in other cases. `until` is the end of
    its time in Kafka milliseconds. `part` is the number of the last answer part, `tail` the coverage of that part while
    it may still be extended, and `through` the last record that added to it: a replay up to there adds nothing.
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
    tail: Coverage | None = None

    @property
    def cases(self) -> tuple[str, ...]:
        """The cases whose closing ends the search: the asking case and the searched one."""
        return (self.case_id, self.within.removeprefix("case:"))


@dataclass(slots=True)
class StandingSearches:
    """The committed standing searches by id, and their ids by `within`."""

    by_id: dict[str, StandingSearch] = field(default_factory=dict[str, StandingSearch])
    ids_within: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict[str, set[str]](set))


class StagedSearches(Overlay[str, StandingSearch]):
    """A batch's uncommitted changes of the standing searches."""

    def __init__(self, committed: StandingSearches) -> None:
        super().__init__(committed.by_id)
        self._committed = committed

    def __bool__(self) -> bool:
        return bool(self.base) or any(self.added())

    def merge(self, committed: StandingSearches) -> None:
        """Applies the changes to the committed searches."""
        for search_id, search in self.changed.items():
            if (old := committed.by_id.get(search_id)) is not None:
                committed.ids_within[old.within].discard(search_id)
            if search is not None:
                committed.ids_within[search.within].add(search_id)
        self.merge_into(committed.by_id)

    def within(self, within: str) -> list[StandingSearch]:
        """The open searches of the register or of one `case:<id>`, by id."""
        ids = set(self._committed.ids_within.get(within, ()))
        ids |= {search.search_id for search in self.added() if search.within == within}
        return [search for search in map(self.get, sorted(ids)) if search is not None]

    def all(self) -> list[StandingSearch]:
        """All open searches, by id."""
        return [search for search in map(self.get, sorted(self.keys())) if search is not None]
