"""Walks the links of a district's queue, and finds the items that nobody has claimed.

The walk goes by urgency, and within one urgency once around the ring of link ids from a random start. A request
examines EXAMINED_MAX links at most, whatever the filters, and then returns the position to continue from. A filter by a
small case or victim begins there instead; a large one has so many links that the walk soon meets them.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final, LiteralString, Self

from graph.actions.known import KnownVictims, find_victim
from graph.domain.errors import NotFound
from graph.domain.link import State
from graph.domain.people import Person
from graph.domain.queue import (
    SKIPPED_FOR,
    Endpoint,
    Filters,
    Kind,
    Position,
    Segment,
    endpoint_of,
    item_id,
    remaining,
    walk,
)
from graph.domain.visibility import poorest_first
from graph.store.queries import queue as queries
from graph.store.session import Row, Tx

EXAMINED_MAX: Final = 2000
"""Links examined for one request: about a tenth of a second."""
FIRST_PAGE: Final = 4
LARGEST_PAGE: Final = 500
SMALL: Final = 2000
"""Media of a case, or faces of a victim, up to which a filter begins at the case or the victim."""


@dataclass(frozen=True, slots=True)
class QueueLink:
    """A row of `queries.queue.WAITING_LINKS` with its endpoints as one person may know them."""

    row: Row
    a: Endpoint
    b: Endpoint

    @classmethod
    def of(cls, row: Row) -> Self:
        """The link before it is known what the person may know of its endpoints."""
        return cls(row, endpoint_of(row["a"]), endpoint_of(row["b"]))

    @property
    def link_id(self) -> str:
        return self.row["link_id"]

    @property
    def urgency(self) -> int:
        return self.row["urgency"] or 0

    @property
    def item(self) -> str:
        """The id of the item that the link belongs to, whoever looks."""
        return item_id(self.a.subject, self.b.subject)

    @property
    def endpoints(self) -> tuple[Endpoint, Endpoint]:
        return self.a, self.b

    def position(self, start: str) -> Position:
        """The link's position on the walk from `start`."""
        return Position(start, self.urgency, self.link_id)

    def difficulty(self) -> tuple[float, str]:
        """Sort key: the link with the poorest picture first."""
        return poorest_first(self.row["a"]["quality"], self.row["b"]["quality"], self.link_id)


@dataclass(frozen=True, slots=True)
class Walk:
    """The rest of a walk from link id `start`; `query` and `values` say through which links."""

    start: str
    segments: Sequence[Segment]
    query: LiteralString = queries.WALK
    values: dict[str, Any] = field(default_factory=dict[str, Any])

    @classmethod
    def after(cls, start: str, after: Position | None) -> Self:
        """The walk from `after.start` behind `after`; without one the whole walk from `start`."""
        return cls(after.start, remaining(walk(after.start), after)) if after else cls(start, walk(start))

    async def pages(
        self, tx: Tx, states: Sequence[str], size: int, district: str | None
    ) -> AsyncIterator[tuple[list[Row], Position | None]]:
        """Pages of links in these states with an endpoint in the district, each with the position to continue from.

        The position is None at the end of the walk. Pages grow from `size` rows; the last one comes after EXAMINED_MAX
        links.
        """
        segments, examined = self.segments, 0
        while True:
            rows = await self._page(tx, segments, states, size, district)
            examined += len(rows)
            last = Position(self.start, rows[-1]["urgency"], rows[-1]["link_id"]) if len(rows) == size else None
            yield rows, last
            if last is None or examined >= EXAMINED_MAX:
                return
            segments, size = remaining(segments, last), min(4 * size, LARGEST_PAGE)

    async def _page(
        self, tx: Tx, segments: Sequence[Segment], states: Sequence[str], size: int, district: str | None
    ) -> list[Row]:
        """The next `size` links, fewer only at the walk's end.

        The index also returns links that lie in three or more other districts: they are dropped, and more are read.
        """
        found: list[Row] = []
        while True:
            parts = [asdict(segment) for segment in segments]
            met = await tx.listed(
                self.query, stretches=parts, states=list(states), limit=size, district=district, **self.values
            )
            rows = await rows_of(tx, (row["link_id"] for row in met))
            found += [row for row in rows if district in {where for side in "ab" for _, where in row[side]["cases"]}]
            if len(met) < size or len(found) >= size or not rows:
                return found[:size]
            segments = remaining(segments, Position("", rows[-1]["urgency"], rows[-1]["link_id"]))


async def rows_of(tx: Tx, link_ids: Iterable[str]) -> list[Row]:
    """The links as rows of `queries.queue.WAITING_LINKS`, in the given order."""
    wanted = list(link_ids)
    rows = {row["link_id"]: row for row in await tx.listed(queries.WAITING_LINKS, links=wanted)} if wanted else {}
    return [rows[link_id] for link_id in wanted if link_id in rows]


async def queue_links(rows: Sequence[Row], known: KnownVictims) -> list[QueueLink]:
    """The rows with their endpoints as the person may know them."""
    district = known.viewer.district
    links = [QueueLink.of(row) for row in rows]
    victims = {
        endpoint.face_id: endpoint.subject.id
        for link in links
        for endpoint in link.endpoints
        if endpoint.subject.kind is Kind.VICTIM and endpoint.is_in(district)
    }
    names = await known.names(victims)

    def visible(endpoint: Endpoint) -> Endpoint:
        name = names.get(endpoint.face_id)
        identified = name is not None and name.identified
        return endpoint.visible_in(district, name.victim_id if name else None, identified=identified)

    return [QueueLink(link.row, visible(link.a), visible(link.b)) for link in links]


def open_states(filters: Filters) -> list[str]:
    """The states of links that wait for a first verdict; leads only where the filters ask for them."""
    states = [State.CANDIDATE, State.UNSURE, *([State.LEAD] if filters.leads else [])]
    return [state.value for state in states]


async def find_offers(
    tx: Tx, known: KnownVictims, filters: Filters, walk: Walk, wanted: int, now: datetime
) -> tuple[list[QueueLink], Position | None]:
    """The first link of each of at most `wanted` unclaimed items, and the position to continue from (None: the end)."""
    person = known.viewer
    query, values = await _entry(tx, filters, person)
    found: dict[str, QueueLink] = {}
    end: Position | None = None
    pages = Walk(walk.start, walk.segments, query, values).pages(
        tx, open_states(filters), FIRST_PAGE + 2 * wanted, person.district
    )
    async for rows, following in pages:
        links = await waiting_links(tx, rows, filters, known, now)
        taken = await _claimed_items(tx, {link.item for link in links}, person, now)
        for link in links:
            if link.item not in taken and link.item not in found:
                found[link.item] = link
                if len(found) == wanted:
                    return list(found.values()), link.position(walk.start)
        end = following
    return list(found.values()), end


async def waiting_links(
    tx: Tx, rows: Sequence[Row], filters: Filters, known: KnownVictims, now: datetime
) -> list[QueueLink]:
    """The links that wait for this person: unclaimed, allowed by the filters, and not *unsure* without news.

    Left out too are links that the person recently reopened: others judge them first.
    """
    person = known.viewer
    links = await queue_links([row for row in rows if row["claimed_until"] <= now.isoformat()], known)
    links = [link for link in links if filters.allows(link.a, link.b, person.district)]
    unsure = [link.link_id for link in links if link.row["state"] == State.UNSURE]
    gained = {row["link_id"] for row in await tx.rows(queries.GAINED, links=unsure)} if unsure else set[str]()
    links = [link for link in links if link.row["state"] != State.UNSURE or link.link_id in gained]
    decided = [link.link_id for link in links if link.row["version"] > 0]
    reopened = set[str]()
    if decided:
        since = (now - SKIPPED_FOR).isoformat()
        rows = await tx.rows(queries.TAKEN_BACK, links=decided, by=person.actor, since=since)
        reopened = {row["link_id"] for row in rows}
    return [link for link in links if link.link_id not in reopened]


async def _entry(tx: Tx, filters: Filters, person: Person) -> tuple[LiteralString, dict[str, Any]]:
    """The statement to walk with, and its values; a case or victim that the person may not know has no links."""
    if filters.victim_id is not None:
        try:
            found = await find_victim(tx, filters.victim_id, person)
        except NotFound:
            return queries.WALK_FACES, {"faces": []}
        own = found.faces & found.view.own
        return (queries.WALK_FACES, {"faces": sorted(own)}) if len(own) <= SMALL else (queries.WALK, {})
    if filters.case_id is not None:
        size = await tx.one(queries.SIZE, case_id=filters.case_id, district=person.district)
        if size is None or size["media"] <= SMALL:
            return queries.WALK_CASE, {"case_id": filters.case_id}
    return queries.WALK, {}


async def _claimed_items(tx: Tx, items: Collection[str], person: Person, now: datetime) -> set[str]:
    """Those of these items that somebody has claimed, or that the person skipped recently."""
    if not items:
        return set()
    rows = await tx.rows(queries.TAKEN, items=sorted(items), by=person.actor, now=now.isoformat())
    return {row["item"] for row in rows}
