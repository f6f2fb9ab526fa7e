"""Gathers the links of queue items, and shows the items as one person may see them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from graph.actions.known import KnownVictims
from graph.actions.read.links import find_links
from graph.actions.read.queue_walk import QueueLink, open_states, rows_of, waiting_links
from graph.domain.group import SHEET_MAX
from graph.domain.known_victims import VictimView
from graph.domain.people import CLAIM_PURPOSE
from graph.domain.queue import LINKS_MAX, Filters, Kind, Subject
from graph.domain.visibility import VisibleLink
from graph.store.queries import queue as queries
from graph.store.session import Row, Tx

_WEIGHT: Final = {Kind.FACE: 0, Kind.GROUP: 1, Kind.VICTIM: 2}


@dataclass(frozen=True, slots=True)
class ItemLinks:
    """The open links of an item, the poorest picture first."""

    item: str
    links: tuple[QueueLink, ...]

    @classmethod
    def of(cls, item: str, links: Iterable[QueueLink]) -> Self:
        """At most LINKS_MAX of the links; the others come back as the next item."""
        return cls(item, tuple(sorted(links, key=QueueLink.difficulty)[:LINKS_MAX]))

    @property
    def link_ids(self) -> list[str]:
        return [link.link_id for link in self.links]

    @property
    def urgency(self) -> int:
        return max(link.urgency for link in self.links)

    @property
    def submitted_at(self) -> int:
        """The submission of the item's oldest link: milliseconds since 1970, UTC."""
        return min(max(link.a.submitted_at, link.b.submitted_at) for link in self.links)


@dataclass(frozen=True, slots=True)
class VisibleSubject:
    """One subject of an item; kind and id are None where it lies in another district.

    The faces are those of the item's links; of a group also all that wait for people, the poorest picture first; of a
    victim also all that the person may know. An act on the item names them.
    """

    kind: Kind | None
    id: str | None
    face_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """One person's lease of an item; `seed` is the start of the walk that found the item."""

    claim_id: str
    seed: str
    at: str
    until: str

    @property
    def purpose(self) -> str:
        """The purpose that an access under this claim states."""
        return f"{CLAIM_PURPOSE}{self.claim_id}"


@dataclass(frozen=True, slots=True)
class Returned:
    """Who returned what the reader had confirmed, when and why."""

    by: str
    at: str
    reason: str


@dataclass(frozen=True, slots=True)
class QueueItem:
    """What one person decides in one act: two subjects and the open links between them, the poorest picture first.

    `claim` if the reader has claimed it, `returned` if a second person returned it to the reader.
    """

    urgency: int
    submitted_at: int
    subjects: tuple[VisibleSubject, VisibleSubject]
    links: tuple[VisibleLink, ...]
    claim: Claim | None = None
    returned: Returned | None = None

    @property
    def status(self) -> str:
        return "claimed" if self.claim else "returned" if self.returned else "waiting"

    @property
    def face_ids(self) -> list[str]:
        return [face_id for subject in self.subjects for face_id in subject.face_ids]


async def unclaimed_links(
    tx: Tx, known: KnownVictims, filters: Filters, offers: Sequence[QueueLink], now: datetime
) -> dict[str, ItemLinks]:
    """The open links of the offered items, by item; absent are items with a claimed link or without an open one."""
    asked: list[Row] = []
    for offer in offers:
        light, heavy = sorted((offer.a.subject, offer.b.subject), key=lambda subject: _WEIGHT[subject.kind])
        names = {"kind": light.kind.value, "id": light.id, "other_kind": heavy.kind.value, "other_id": heavy.id}
        asked.append({"item": offer.item, **names})
    found = await tx.listed(queries.LINKS_OF_ITEMS, items=asked, states=open_states(filters))
    rows = await rows_of(tx, (row["link_id"] for row in found))
    claimed = [row for row in rows if row["claimed_until"] > now.isoformat()]
    free = {row["item"] for row in asked} - {QueueLink.of(row).item for row in claimed}
    by_item: defaultdict[str, list[QueueLink]] = defaultdict(list)
    everything = Filters(leads=filters.leads, identified=filters.identified)
    for link in await waiting_links(tx, rows, everything, known, now):
        if link.item in free:
            by_item[link.item].append(link)
    return {item: ItemLinks.of(item, links) for item, links in by_item.items()}


async def visible_items(tx: Tx, known: KnownVictims, found: Sequence[ItemLinks]) -> list[QueueItem]:
    """The items as the person may see them."""
    endpoints = [endpoint for item in found for link in item.links for endpoint in link.endpoints]
    links = await find_links(tx, (link_id for item in found for link_id in item.link_ids), viewer=known.viewer)
    subjects = {endpoint.visible_subject for endpoint in endpoints}
    groups = sorted(subject.id for subject in subjects if subject is not None and subject.kind is Kind.GROUP)
    rows = await tx.rows(queries.GROUP_FACES, groups=groups, limit=SHEET_MAX) if groups else []
    of_group: dict[str, list[str]] = {row["group_id"]: row["faces"] for row in rows}
    victims = await known.view({item.face_id for item in endpoints if item.subject.kind is Kind.VICTIM})
    return [_item(item, links, of_group, victims) for item in found]


def _item(
    item: ItemLinks, links: Mapping[str, VisibleLink], of_group: Mapping[str, list[str]], victims: VictimView
) -> QueueItem:
    faces: defaultdict[Subject, list[str]] = defaultdict(list)
    visible: defaultdict[Subject, set[Subject]] = defaultdict(set)
    for endpoint in (endpoint for link in item.links for endpoint in link.endpoints):
        faces[endpoint.subject].append(endpoint.face_id)
        visible[endpoint.subject] |= {endpoint.visible_subject} if endpoint.visible_subject is not None else set()
    # Ordered by what the person may see: the order of hidden ids would disclose something about them.
    ordered = sorted(faces, key=lambda subject: (not visible[subject], sorted(visible[subject]), min(faces[subject])))
    shown: list[VisibleSubject] = []
    for subject in (ordered[0], ordered[-1]):
        seen = min(visible[subject], default=None)
        group = of_group.get(seen.id, []) if seen is not None and seen.kind is Kind.GROUP else []
        on_sheet = dict.fromkeys([*group, *faces[subject], *sorted(victims.other_faces(faces[subject]))])
        shown.append(VisibleSubject(seen.kind if seen else None, seen.id if seen else None, tuple(on_sheet)))
    visible_links = tuple(links[link_id] for link_id in item.link_ids if link_id in links)
    return QueueItem(item.urgency, item.submitted_at, (shown[0], shown[1]), visible_links)
