"""Finds what waits for a person: walks the district's queue, link by link, and gathers each item's contact sheet.

Work is bounded whatever the filters: a request looks at `EXAMINED_MAX` links at the most and then says where to go on.
Filters by a small case or victim begin there; a large one has so many links that the walk soon meets them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

from graph.actions.known import KnownVictims, find_victim
from graph.actions.read.links import seen_links
from graph.domain.errors import NotFound
from graph.domain.group import SHEET_MAX
from graph.domain.known_victims import VictimView
from graph.domain.link import State
from graph.domain.people import Person
from graph.domain.queue import (
    LINKS_MAX,
    SKIPPED_FOR,
    Endpoint,
    Filters,
    Kind,
    Position,
    Segment,
    Subject,
    endpoint_of,
    item_id,
    remaining,
)
from graph.domain.visibility import VisibleLink, poorest_first
from graph.store.queries import queue as queries
from graph.store.session import Row, Tx

EXAMINED_MAX: Final = 2000
"""Links looked at for one request: about a tenth of a second."""
FIRST_PAGE: Final = 4
LARGEST_PAGE: Final = 500
SMALL: Final = 2000
"""Media of a case, or faces of a victim, up to which a filter begins at the case or the victim."""
_WEIGHT: Final = {Kind.FACE: 0, Kind.GROUP: 1, Kind.VICTIM: 2}


@dataclass(frozen=True, slots=True)
class Offer:
    """An item that the walk met, and where."""

    item: str
    units: tuple[Subject, Subject]
    at: Position


@dataclass(frozen=True, slots=True)
class Sheet:
    """An item's open links as rows of the queue, the poorest picture first; `places` are the two sides of each."""

    item: str
    rows: tuple[Row, ...]
    places: tuple[tuple[Endpoint, Endpoint], ...]

    @property
    def link_ids(self) -> list[str]:
        return [row["link_id"] for row in self.rows]

    @property
    def urgency(self) -> int:
        return max(row["urgency"] or 0 for row in self.rows)

    @property
    def submitted_at(self) -> int:
        """When the item's first request was submitted: milliseconds since 1970, UTC."""
        return min(max(a.submitted_at, b.submitted_at) for a, b in self.places)


@dataclass(frozen=True, slots=True)
class SeenUnit:
    """One side of an item; kind and id are None where it lies in another district.

    The faces are those of the item's links, of a group all that wait for people, the poorest picture first, and of a
    victim all that the person may know: an act on the item names them.
    """

    kind: Kind | None
    id: str | None
    face_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """What one person decides in one go: two units and the open links between them, the poorest picture first."""

    urgency: int
    submitted_at: int
    units: tuple[SeenUnit, SeenUnit]
    links: tuple[VisibleLink, ...]


async def placed(rows: Sequence[Row], known: KnownVictims) -> list[tuple[Row, Endpoint, Endpoint]]:
    """Rows of `links_of` with their two sides as the person may know them."""
    person = known.viewer
    sides = [(row, endpoint_of(row["a"]), endpoint_of(row["b"])) for row in rows]
    mine = {
        place.face_id: place.subject.id
        for _, *places in sides
        for place in places
        if place.subject.kind is Kind.VICTIM and place.is_in(person.district)
    }
    names = await known.names(mine)

    def told(place: Endpoint) -> Endpoint:
        name = names.get(place.face_id)
        identified = name is not None and name.identified
        return place.visible_in(person.district, name.victim_id if name else None, identified=identified)

    return [(row, told(a), told(b)) for row, a, b in sides]


async def links_of(tx: Tx, link_ids: Iterable[str]) -> list[Row]:
    """The links as rows of the queue, in the given order."""
    asked = list(link_ids)
    rows = {row["link_id"]: row for row in await tx.listed(queries.WAITING_LINKS, links=asked)} if asked else {}
    return [rows[link_id] for link_id in asked if link_id in rows]


def open_states(filters: Filters) -> list[str]:
    states = [State.CANDIDATE, State.UNSURE, *([State.LEAD] if filters.leads else [])]
    return [state.value for state in states]


async def offers(
    tx: Tx, known: KnownVictims, filters: Filters, start: str, left: Sequence[Segment], wanted: int, now: datetime
) -> tuple[list[Offer], Position | None]:
    """At most `wanted` items that nobody has, in the walk's order, and where to go on; None: the walk is over."""
    person = known.viewer
    query, values = await _way(tx, filters, person)
    found: dict[str, Offer] = {}
    examined, limit = 0, FIRST_PAGE + 2 * wanted
    while True:
        rows = await next_links(tx, query, left, open_states(filters), limit, district=person.district, **values)
        met = await _open_rows(tx, rows, filters, known, now)
        taken = await _taken(tx, {item_id(a.subject, b.subject) for _, a, b in met}, person, now)
        for row, a, b in met:
            at = Position(start, row["urgency"], row["link_id"])
            item = item_id(a.subject, b.subject)
            if item not in taken and item not in found:
                found[item] = Offer(item, (a.subject, b.subject), at)
                if len(found) == wanted:
                    return list(found.values()), at
        examined += len(rows)
        if len(rows) < limit:
            return list(found.values()), None
        last = Position(start, rows[-1]["urgency"], rows[-1]["link_id"])
        if examined >= EXAMINED_MAX:
            return list(found.values()), last
        left, limit = remaining(left, last), min(4 * limit, LARGEST_PAGE)


async def next_links(
    tx: Tx, query: LiteralString, left: Sequence[Segment], states: Sequence[str], limit: int, *, district: str | None,
    **values: Any,
) -> list[Row]:  # fmt: skip
    """The next links of a walk in these states with a side in the district, fewer than `limit` at its end only.

    A walk meets links of three districts wherever they lie: those of others count for nothing, and no page ends there.
    """
    found: list[Row] = []
    while True:
        parts = [asdict(part) for part in left]
        met = await tx.listed(query, stretches=parts, states=list(states), limit=limit, district=district, **values)
        rows = await links_of(tx, (row["link_id"] for row in met))
        found += [row for row in rows if district in {where for side in "ab" for _, where in row[side]["cases"]}]
        if len(met) < limit or len(found) >= limit or not rows:
            return found[:limit]
        left = remaining(left, Position("", rows[-1]["urgency"], rows[-1]["link_id"]))


async def sheets(
    tx: Tx, known: KnownVictims, filters: Filters, wanted: Iterable[Offer], now: datetime
) -> dict[str, Sheet]:
    """The contact sheets by item; an item of which somebody has a link, or of which none is left open, has none."""
    asked: list[Row] = []
    for offer in wanted:
        light, heavy = sorted(offer.units, key=lambda unit: _WEIGHT[unit.kind])
        asked.append({"item": offer.item, **_named("", light), **_named("other_", heavy)})
    found = await tx.listed(queries.LINKS_OF_ITEMS, items=asked, states=open_states(filters))
    rows = await links_of(tx, (row["link_id"] for row in found))
    gathered: defaultdict[str, list[tuple[Row, Endpoint, Endpoint]]] = defaultdict(list)
    everything = Filters(leads=filters.leads, identified=filters.identified)
    had = {_item_of(row) for row in rows if row["claimed_until"] > now.isoformat()}
    free = {row["item"] for row in asked} - had
    for row, a, b in await _open_rows(tx, rows, everything, known, now):
        if (item := item_id(a.subject, b.subject)) in free:
            gathered[item].append((row, a, b))
    return {item: sheet_of(item, members) for item, members in gathered.items()}


def sheet_of(item: str, members: Iterable[tuple[Row, Endpoint, Endpoint]]) -> Sheet:
    """The contact sheet of an item's rows, in the order of sealed links; what is over LINKS_MAX comes back later."""
    ordered = sorted(members, key=lambda one: hardest_first(one[0]))[:LINKS_MAX]
    return Sheet(item, tuple(row for row, _, _ in ordered), tuple((a, b) for _, a, b in ordered))


def hardest_first(row: Row) -> tuple[float, str]:
    return poorest_first(row["a"]["quality"], row["b"]["quality"], row["link_id"])


async def items(tx: Tx, known: KnownVictims, found: Sequence[Sheet]) -> list[Item]:
    """The sheets as the person may see them."""
    links = await seen_links(tx, (link_id for sheet in found for link_id in sheet.link_ids), viewer=known.viewer)
    units = {place.visible_subject for sheet in found for sides in sheet.places for place in sides}
    groups = sorted(unit.id for unit in units if unit is not None and unit.kind is Kind.GROUP)
    rows = await tx.rows(queries.GROUP_FACES, groups=groups, limit=SHEET_MAX) if groups else []
    of_group: dict[str, list[str]] = {row["group_id"]: row["faces"] for row in rows}
    places = (place for sheet in found for sides in sheet.places for place in sides)
    of_victims = {place.face_id for place in places if place.subject.kind is Kind.VICTIM}
    seen = await known.view(of_victims)
    return [_item(sheet, links, of_group, seen) for sheet in found]


def _item(sheet: Sheet, links: dict[str, VisibleLink], of_group: dict[str, list[str]], known: VictimView) -> Item:
    faces: defaultdict[Subject, list[str]] = defaultdict(list)
    shown: defaultdict[Subject, set[Subject]] = defaultdict(set)
    for place in (place for places in sheet.places for place in places):
        faces[place.subject].append(place.face_id)
        shown[place.subject] |= {place.visible_subject} if place.visible_subject is not None else set()
    # A side that is told by its name, then by its faces: the order of the others' ids would tell of them.
    first = sorted(faces, key=lambda unit: (not shown[unit], sorted(shown[unit]), min(faces[unit])))
    seen: list[SeenUnit] = []
    for unit in (first[0], first[-1]):
        told = min(shown[unit], default=None)
        beside = of_group.get(told.id, []) if told is not None and told.kind is Kind.GROUP else []
        on_sheet = dict.fromkeys([*beside, *faces[unit], *sorted(known.other_faces(faces[unit]))])
        seen.append(SeenUnit(told.kind if told else None, told.id if told else None, tuple(on_sheet)))
    return Item(
        sheet.urgency, sheet.submitted_at, (seen[0], seen[1]),
        tuple(links[link_id] for link_id in sheet.link_ids if link_id in links),
    )  # fmt: skip


def _item_of(row: Row) -> str:
    return item_id(endpoint_of(row["a"]).subject, endpoint_of(row["b"]).subject)


async def _way(tx: Tx, filters: Filters, person: Person) -> tuple[LiteralString, dict[str, Any]]:
    """Where the walk begins; a case or victim that the person may not know has no links, as one that is not there."""
    if filters.victim_id is not None:
        try:
            found = await find_victim(tx, filters.victim_id, person)
        except NotFound:
            return queries.WALK_FACES, {"faces": []}
        mine = found.faces & found.view.own
        return (queries.WALK_FACES, {"faces": sorted(mine)}) if len(mine) <= SMALL else (queries.WALK, {})
    if filters.case_id is not None:
        size = await tx.one(queries.SIZE, case_id=filters.case_id, district=person.district)
        if size is None or size["media"] <= SMALL:
            return queries.WALK_CASE, {"case_id": filters.case_id}
    return queries.WALK, {}


async def _open_rows(
    tx: Tx, rows: Sequence[Row], filters: Filters, known: KnownVictims, now: datetime
) -> list[tuple[Row, Endpoint, Endpoint]]:
    """The rows that wait for this person: free, let through, and not *unsure* with nothing new since."""
    person = known.viewer
    free = [row for row in rows if row["claimed_until"] <= now.isoformat()]
    met = await placed(free, known)
    met = [(row, a, b) for row, a, b in met if filters.allows(a, b, person.district)]
    unsure = [row["link_id"] for row, _, _ in met if row["state"] == State.UNSURE]
    gained: set[str] = set()
    if unsure:
        gained = {row["link_id"] for row in await tx.rows(queries.GAINED, links=unsure)}
    met = [(row, a, b) for row, a, b in met if row["state"] != State.UNSURE or row["link_id"] in gained]
    own = await _taken_back(tx, [row["link_id"] for row, _, _ in met if row["version"] > 0], person, now)
    return [(row, a, b) for row, a, b in met if row["link_id"] not in own]


async def _taken_back(tx: Tx, links: Sequence[str], person: Person, now: datetime) -> set[str]:
    """Of these links those whose last act was the person's own reopening, not long ago: others judge them first."""
    if not links:
        return set()
    since = (now - SKIPPED_FOR).isoformat()
    return {row["link_id"] for row in await tx.rows(queries.TAKEN_BACK, links=links, by=person.actor, since=since)}


async def _taken(tx: Tx, names: Collection[str], person: Person, now: datetime) -> set[str]:
    if not names:
        return set()
    rows = await tx.rows(queries.TAKEN, items=sorted(names), by=person.actor, now=now.isoformat())
    return {row["item"] for row in rows}


def _named(prefix: str, unit: Subject) -> Row:
    return {f"{prefix}kind": unit.kind.value, f"{prefix}id": unit.id}
