"""Reads what waits for a second person: confirmed links, one item per act and victim, and identifications.

The second person sees faces and facts, but neither the first person's reasons nor any score.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from graph.actions import victims
from graph.actions.access import Access
from graph.actions.known import KnownVictims
from graph.actions.read.links import find_links
from graph.actions.read.queue_walk import LARGEST_PAGE, QueueLink, Walk, queue_links, rows_of
from graph.domain.audit_actions import AuditAction
from graph.domain.known_victims import VictimView
from graph.domain.link import State
from graph.domain.people import Maker, Permission, Person, check_district, display_name, may
from graph.domain.queue import LINKS_MAX, Kind, Position, Subject
from graph.domain.visibility import VisibleLink
from graph.paging import Page
from graph.store.queries import review as queries
from graph.store.session import Row, Tx

START: Final = "0" * 64
"""Where the walk through the confirmed links begins; nobody chooses among them, so it need not be random."""
IDENTIFICATIONS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class WaitingIdentification:
    """An identification without the first person's reason; `version` is the one that a decision names."""

    identification_id: str
    version: int
    state: Literal["proposed", "to_be_approved_again"]
    person_ref: str
    basis: str
    face_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Approval:
    """One decision of one person that waits for another: an identification, or the links of an act and victim.

    `by` decided at `at`; `face_ids` are those of the links and victims that the reader may know.
    """

    urgency: int
    by: str
    at: str
    victim_ids: tuple[str, ...]
    face_ids: tuple[str, ...]
    act_id: str | None = None
    links: tuple[VisibleLink, ...] = ()
    identification: WaitingIdentification | None = None

    @property
    def kind(self) -> str:
        return "links" if self.identification is None else "identification"


@dataclass(frozen=True, slots=True)
class _Confirmed:
    """A confirmed link and the act that confirmed it: a row of `queries.review.CONFIRMED_BY`."""

    link: QueueLink
    act: Row

    @property
    def key(self) -> tuple[str, frozenset[Subject]]:
        """Act and subjects: one victim, or the two that the link does not join yet."""
        return self.act["act_id"], frozenset(endpoint.subject for endpoint in self.link.endpoints)


async def read_approvals(
    access: Access,
    *,
    limit: int,
    after: Position | None,
    choose: Callable[[list[Approval]], list[Approval]] = list,
) -> Page[Approval]:
    """What this person may approve, the most urgent first; on a page the oldest first within one urgency.

    `choose` picks what is shown of it: only that is recorded as seen.
    """
    person = access.person
    check_district(person, Permission.APPROVE)

    async def work(tx: Tx) -> Page[Approval]:
        identifications = [] if after else await _identifications(tx, person)
        links, position = await _links(tx, KnownVictims(tx, person), limit, after)
        page = sorted([*identifications, *links], key=lambda approval: (-approval.urgency, approval.at))
        return Page(choose(page), str(position) if position else None)

    page = await access.store.read(work)
    shown = [link.link_id for approval in page.items for link in approval.links]
    shown += [approval.identification.identification_id for approval in page.items if approval.identification]
    await access.record(AuditAction.APPROVALS_SEEN, "approvals", shown=shown)
    return page


async def _identifications(tx: Tx, person: Person) -> list[Approval]:
    rows = await tx.rows(queries.IDENTIFICATIONS, by=person.actor, district=person.district, limit=IDENTIFICATIONS_MAX)
    if not rows:
        return []
    around = await victims.load(tx, {face for row in rows for face in row["identification"]["face_ids"] or ()})
    view = around.view_of(person)
    of_face = view.victims.of_face
    found: list[Approval] = []
    for row in rows:
        node = row["identification"]
        if not (faces := view.faces & set(node["face_ids"] or ())):
            continue
        names = ("identification_id", "version", "state", "person_ref", "basis")
        approval = Approval(
            urgency=row["urgency"],
            by=_decider(person, node),
            at=node["at"],
            victim_ids=tuple(sorted({of_face[face] for face in faces if face in of_face})),
            face_ids=tuple(sorted(faces | view.other_faces(faces))),
            identification=WaitingIdentification(**{name: node[name] for name in names}, face_ids=tuple(sorted(faces))),
        )
        found.append(approval)
    return found


async def _links(
    tx: Tx, known: KnownVictims, limit: int, after: Position | None
) -> tuple[list[Approval], Position | None]:
    """The items that the walk meets, each at the first of its links, and the position to continue from."""
    found: list[list[_Confirmed]] = []
    end: Position | None = None
    size = min(4 * limit, LARGEST_PAGE)
    pages = Walk.after(START, after).pages(tx, [State.CONFIRMED.value], size, known.viewer.district)
    async for rows, following in pages:
        confirmed = await _approvable(tx, rows, known)
        acts = await _acts(tx, {one.act["act_id"] for one in confirmed}, known)
        for one in confirmed:
            members, position = acts.get(one.key, []), one.link.position(START)
            if members and min(member.link.position(START).order for member in members) == position.order:
                found.append(members)
                if len(found) == limit:
                    return await _approvals(tx, found, known), position
        end = following
    return await _approvals(tx, found, known), end


async def _approvable(tx: Tx, rows: Sequence[Row], known: KnownVictims) -> list[_Confirmed]:
    """The links that the person may approve: confirmed by somebody else, with a face in the person's district."""
    person = known.viewer
    links = [row["link_id"] for row in rows]
    acts = {row["link_id"]: row for row in await tx.listed(queries.CONFIRMED_BY, links=links)}
    confirmed = [row for row in rows if row["link_id"] in acts and row["state"] == State.CONFIRMED]
    found = [_Confirmed(link, acts[link.link_id]) for link in await queue_links(confirmed, known)]
    return [
        one
        for one in found
        if may(
            person,
            Permission.APPROVE,
            (district for endpoint in one.link.endpoints for _, district in endpoint.cases),
            made_by=one.act["by"],
        )
    ]


async def _acts(
    tx: Tx, acts: Collection[str], known: KnownVictims
) -> dict[tuple[str, frozenset[Subject]], list[_Confirmed]]:
    """The links of these acts that the person may approve, by act and subjects."""
    if not acts:
        return {}
    links = [row["link_id"] for row in await tx.rows(queries.LINKS_OF_ACTS, acts=sorted(acts))]
    found: defaultdict[tuple[str, frozenset[Subject]], list[_Confirmed]] = defaultdict(list)
    for one in await _approvable(tx, await rows_of(tx, links), known):
        found[one.key].append(one)
    return found


async def _approvals(tx: Tx, found: Sequence[Sequence[_Confirmed]], known: KnownVictims) -> list[Approval]:
    if not found:
        return []
    items = [sorted(members, key=lambda one: one.link.difficulty())[:LINKS_MAX] for members in found]
    links = await find_links(tx, (one.link.link_id for item in items for one in item), viewer=known.viewer)
    view = await known.view({face for item in items for face in _faces(item)})
    return [_approval(item, links, view, known.viewer) for item in items]


def _approval(
    item: Sequence[_Confirmed], links: Mapping[str, VisibleLink], view: VictimView, person: Person
) -> Approval:
    faces, act = _faces(item), item[0].act
    subjects = {endpoint.visible_subject for one in item for endpoint in one.link.endpoints}
    victims = {subject.id for subject in subjects if subject is not None and subject.kind is Kind.VICTIM}
    return Approval(
        urgency=max(one.link.urgency for one in item),
        by=_decider(person, act),
        at=act["at"],
        victim_ids=tuple(sorted(victims)),
        face_ids=tuple(sorted(faces | view.other_faces(faces))),
        act_id=act["act_id"],
        links=tuple(links[one.link.link_id] for one in item if one.link.link_id in links),
    )


def _faces(item: Sequence[_Confirmed]) -> set[str]:
    return {endpoint.face_id for one in item for endpoint in one.link.endpoints}


def _decider(person: Person, act: Row) -> str:
    return display_name(person, Maker(act["by"], act["role"], act["district"]), approved=False)
