"""What waits for a second person: confirmed links, one item per act and victim, and identifications.

Who approves sees faces and facts: neither the first person's reasons nor any score.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from graph.actions import victims
from graph.actions.access import AccessEvent, AccessLog
from graph.actions.known import KnownVictims
from graph.actions.read.links import seen_links
from graph.actions.read.queue_items import EXAMINED_MAX, LARGEST_PAGE, hardest_first, links_of, next_links, placed
from graph.domain.audit_actions import AuditAction
from graph.domain.known_victims import VictimView
from graph.domain.link import State
from graph.domain.people import Maker, Permission, Person, check_district, display_name, may
from graph.domain.queue import LINKS_MAX, Endpoint, Kind, Position, Subject, remaining, walk
from graph.domain.visibility import VisibleLink
from graph.store.queries import approvals as queries
from graph.store.queries import queue as queue_queries
from graph.store.session import Row, Store, Tx

FIRST: Final = "0" * 64
"""Where the walk through the confirmed links begins: nobody chooses among them, so no chance is needed."""
SOMEBODY: Final = ""
"""No person's name: to ask whether a person may approve at all what others decided."""
IDENTIFICATIONS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Identification:
    identification_id: str
    state: str
    person_ref: str
    basis: str
    face_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Approval:
    """One decision of one person that waits for another: the links of an act that concern one victim, or an
    identification; `by` decided at `at`."""

    urgency: int
    by: str
    at: str
    victim_ids: tuple[str, ...]
    face_ids: tuple[str, ...]
    act_id: str | None = None
    links: tuple[VisibleLink, ...] = ()
    identification: Identification | None = None


@dataclass(frozen=True, slots=True)
class ApprovalPage:
    items: list[Approval]
    next: str | None


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A confirmed link with its two sides, and who confirmed it in which act."""

    row: Row
    sides: tuple[Endpoint, Endpoint]
    told: Row

    @property
    def units(self) -> frozenset[Subject]:
        """Whom the link concerns: one victim, or the two that it does not join yet."""
        return frozenset(place.subject for place in self.sides)

    @property
    def faces(self) -> tuple[str, ...]:
        return tuple(place.face_id for place in self.sides)

    @property
    def key(self) -> tuple[str, frozenset[Subject]]:
        return self.told["act_id"], self.units


async def read_approvals(
    store: Store, access_log: AccessLog, *, limit: int, after: Position | None, access: AccessEvent
) -> ApprovalPage:
    """What this person may approve, the most urgent first; on a page the oldest first within an urgency."""
    person = access.person
    check_district(person, Permission.APPROVE)

    async def work(tx: Tx) -> ApprovalPage:
        others = [] if after else await _identifications(tx, person)
        found, position = await _links(tx, KnownVictims(tx, person), limit, after)
        page = sorted([*others, *found], key=lambda approval: (-approval.urgency, approval.at))
        return ApprovalPage(page, str(position) if position else None)

    page = await store.read(work)
    shown = [link.link_id for approval in page.items for link in approval.links]
    shown += [approval.identification.identification_id for approval in page.items if approval.identification]
    await access_log.record(access.act(AuditAction.APPROVALS_SEEN, "approvals", shown=shown))
    return page


async def _identifications(tx: Tx, person: Person) -> list[Approval]:
    rows = await tx.rows(queries.IDENTIFICATIONS, by=person.actor, district=person.district, limit=IDENTIFICATIONS_MAX)
    if not rows:
        return []
    around = await victims.load(tx, {face for row in rows for face in row["identification"]["face_ids"] or ()})
    seen = around.view_of(person)
    of_face = seen.victims.of_face
    found: list[Approval] = []
    for row in rows:
        told = row["identification"]
        if not (faces := seen.faces & set(told["face_ids"] or ())):
            continue
        by = display_name(person, Maker(told["by"], told["role"], told["district"]), approved=False)
        found.append(
            Approval(
                row["urgency"], by, told["at"], tuple(sorted({of_face[face] for face in faces if face in of_face})),
                tuple(sorted(faces | seen.other_faces(faces))),
                identification=Identification(
                    told["identification_id"], told["state"], told["person_ref"], told["basis"], tuple(sorted(faces))
                ),
            )
        )  # fmt: skip
    return found


async def _links(
    tx: Tx, known: KnownVictims, limit: int, after: Position | None
) -> tuple[list[Approval], Position | None]:
    """The items that the walk meets, each where it meets the first of its links, and where to go on."""
    left = remaining(walk(FIRST), after) if after else walk(FIRST)
    found: list[list[_Waiting]] = []
    examined, size = 0, min(4 * limit, LARGEST_PAGE)
    while True:
        rows = await next_links(
            tx, queue_queries.WALK, left, [State.CONFIRMED.value], size, district=known.viewer.district
        )  # fmt: skip
        met = await _of_others(tx, rows, known)
        acts = await _acts(tx, {one.told["act_id"] for one in met}, known)
        for one in met:
            members, at = acts.get(one.key, []), _position(one)
            if members and min(_position(other).order for other in members) == at.order:
                found.append(members)
                if len(found) == limit:
                    return await _approvals(tx, found, known), at
        examined += len(rows)
        if len(rows) < size:
            return await _approvals(tx, found, known), None
        last = Position(FIRST, rows[-1]["urgency"], rows[-1]["link_id"])
        if examined >= EXAMINED_MAX:
            return await _approvals(tx, found, known), last
        left = remaining(left, last)


async def _of_others(tx: Tx, rows: Sequence[Row], known: KnownVictims) -> list[_Waiting]:
    """The rows that the person may approve: confirmed by somebody else, with a side in the person's district."""
    person = known.viewer
    told = {
        row["link_id"]: row
        for row in await tx.listed(queries.CONFIRMED_BY, links=[row["link_id"] for row in rows])
    }  # fmt: skip
    confirmed = [row for row in rows if row["link_id"] in told and row["state"] == State.CONFIRMED]
    met = [_Waiting(row, (a, b), told[row["link_id"]]) for row, a, b in await placed(confirmed, known)]
    return [
        one
        for one in met
        if may(
            person,
            Permission.APPROVE,
            (where for place in one.sides for _, where in place.cases),
            made_by=one.told["by"],
        )
    ]


async def _acts(
    tx: Tx, acts: Collection[str], known: KnownVictims
) -> dict[tuple[str, frozenset[Subject]], list[_Waiting]]:
    """What of these acts the person may approve, by act and victim."""
    if not acts:
        return {}
    links = [row["link_id"] for row in await tx.rows(queries.LINKS_OF_ACTS, acts=sorted(acts))]
    rows = await links_of(tx, links)
    gathered: defaultdict[tuple[str, frozenset[Subject]], list[_Waiting]] = defaultdict(list)
    for one in await _of_others(tx, rows, known):
        gathered[one.key].append(one)
    return gathered


async def _approvals(tx: Tx, found: Sequence[Sequence[_Waiting]], known: KnownVictims) -> list[Approval]:
    person = known.viewer
    if not found:
        return []
    sheets = [sorted(one, key=lambda waiting: hardest_first(waiting.row))[:LINKS_MAX] for one in found]
    links = await seen_links(tx, (one.row["link_id"] for sheet in sheets for one in sheet), viewer=person)
    seen = await known.view({face for sheet in sheets for one in sheet for face in one.faces})
    return [_approval(sheet, links, seen, person) for sheet in sheets]


def _approval(
    sheet: Sequence[_Waiting], links: Mapping[str, VisibleLink], known: VictimView, person: Person
) -> Approval:
    faces = {face for one in sheet for face in one.faces}
    readable = {place.visible_subject for one in sheet for place in one.sides if place.visible_subject is not None}
    told = sheet[0].told
    by = display_name(person, Maker(told["by"], told["role"], told["district"]), approved=False)
    return Approval(
        max(one.row["urgency"] or 0 for one in sheet), by, told["at"],
        tuple(sorted(unit.id for unit in readable if unit.kind is Kind.VICTIM)),
        tuple(sorted(faces | known.other_faces(faces))),
        told["act_id"], tuple(links[one.row["link_id"]] for one in sheet if one.row["link_id"] in links),
    )  # fmt: skip


def _position(one: _Waiting) -> Position:
    return Position(FIRST, one.row["urgency"] or 0, one.row["link_id"])
