"""Reads a victim with what its page shows besides its faces: capture dates, acts, identifications, what waits.

Every access is in the audit before its answer leaves.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from graph.actions.access import Access
from graph.actions.identification import StoredIdentification, VisibleIdentification
from graph.actions.known import Found, find_victim
from graph.actions.read.victim import Moved, VisibleVictim, successor, visible_victim
from graph.domain.audit_actions import AuditAction
from graph.domain.capture_time import Dates
from graph.domain.identification import AWAITS_APPROVAL, IdentificationState
from graph.domain.link import State
from graph.domain.people import Permission, Person, may, same_person
from graph.domain.visibility import PastVerdict, VisibleLink, has_unsealed, may_see_link, visible_history, visible_link
from graph.paging import Page
from graph.store.queries import read
from graph.store.queries import victims as queries
from graph.store.session import Row, Tx


@dataclass(frozen=True, slots=True)
class Picture:
    """The picture of a face: its capture date as the viewer may know it, and why the face is hard to compare."""

    captured_at: str | None
    quality_because: str | None
    frame_ms: int | None


@dataclass(frozen=True, slots=True)
class PastAct:
    """What one person decided at one time on `links` links of a victim, as `PastVerdict` tells it."""

    verdict: PastVerdict
    links: int


@dataclass(frozen=True, slots=True)
class MissingApproval:
    """A confirmed link that waits for a second person.

    `elsewhere`: it leads to a face of another district that the viewer does not know until then; no identification can
    be proposed before.
    """

    link_id: str
    confirmed_at: str
    elsewhere: bool


@dataclass(frozen=True, slots=True)
class VictimPage:
    """A victim with its `pictures` by face id, its acts (latest first), and its identifications (latest first)."""

    victim: VisibleVictim
    pictures: Mapping[str, Picture]
    acts: tuple[PastAct, ...]
    missing: tuple[MissingApproval, ...]
    identifications: tuple[VisibleIdentification, ...]


async def read_victim_page(access: Access, victim_id: str) -> VictimPage | Moved:
    """The victim with everything that its page shows, or where a former id leads; raises as `read_victim`."""
    viewer = access.person

    async def work(tx: Tx) -> tuple[Found, VictimPage | None]:
        found = await find_victim(tx, victim_id, viewer)
        seen = await visible_victim(tx, victim_id, found, viewer)
        if seen is None or found.victim is None:
            return found, None
        pictures = await tx.listed(queries.PICTURES_OF_FACES, faces=sorted(found.faces))
        page = VictimPage(
            victim=seen,
            pictures={row["face_id"]: _picture(row, viewer) for row in pictures},
            acts=await _acts(tx, found, viewer),
            missing=_missing(found),
            identifications=await _identifications(tx, victim_id, found, viewer),
        )
        return found, page

    found, page = await access.store.read(work)
    if page is None:
        return await successor(access, victim_id, found)
    shown = [*page.victim.face_ids, *(item.identification_id for item in page.identifications)]
    await access.record(AuditAction.VICTIM_SEEN, victim_id, shown=shown)
    return page


async def read_identifications(access: Access, victim_id: str) -> tuple[VisibleIdentification, ...] | Moved:
    """The victim's identifications, the latest first, or where a former id leads; raises as `read_victim`."""

    async def work(tx: Tx) -> tuple[Found, tuple[VisibleIdentification, ...]]:
        found = await find_victim(tx, victim_id, access.person)
        return found, await _identifications(tx, victim_id, found, access.person)

    found, items = await access.store.read(work)
    if found.victim is None:
        return await successor(access, victim_id, found)
    await access.record(AuditAction.VICTIM_SEEN, victim_id, shown=[one.identification_id for one in items])
    return items


async def read_links_of_victim(
    access: Access, victim_id: str, states: Collection[State], *, after: str, limit: int
) -> Page[VisibleLink]:
    """At most `limit` links of the victim's faces in these states, by link id: an order that discloses no score.

    Only of faces in the person's district; NotFound for a victim of which they know none.
    """
    viewer = access.person
    asked = {"states": [state.value for state in states], "after": after, "limit": limit + 1}

    async def work(tx: Tx) -> list[Row]:
        found = await find_victim(tx, victim_id, viewer)
        return await tx.listed(read.LINKS_OF_FACES, faces=sorted(found.faces & found.view.own), **asked)

    rows = await access.store.read(work)
    links = [visible_link(row, viewer) for row in rows[:limit] if may_see_link(viewer, row)]
    await access.record(AuditAction.LINKS_SEEN, f"victim:{victim_id}", shown=[link.link_id for link in links])
    return Page(links, links[-1].link_id if len(rows) > limit else None)


def _picture(row: Row, viewer: Person) -> Picture:
    known = Dates.of(row["dates"]).known_to(lambda district: may(viewer, Permission.SEE, [district]))
    return Picture(known, row["quality_because"], row["frame_ms"])


async def _acts(tx: Tx, found: Found, viewer: Person) -> tuple[PastAct, ...]:
    """What people decided on the victim's links with a face of the viewer's district."""
    assert found.victim is not None
    view, faces = found.view, found.victim.faces
    own = {
        link.link_id: link.state
        for link in view.near.links.values()
        if {link.a, link.b} <= faces and not view.own.isdisjoint({link.a, link.b})
    }
    numbers: Counter[tuple[str, str, str]] = Counter()
    first: dict[tuple[str, str, str], PastVerdict] = {}
    for row in await tx.listed(queries.HISTORIES, links=sorted(own)):
        unsealed = has_unsealed(viewer, row["acts"])
        for verdict in visible_history(own[row["link_id"]], unsealed, row["acts"], viewer):
            # The links of one act have one maker, time and decision; what one of them may not tell, another may.
            key = (verdict.at, verdict.by, verdict.decision)
            numbers[key] += 1
            first[key] = verdict if key not in first or first[key].reasons is None else first[key]
    return tuple(PastAct(first[key], numbers[key]) for key in sorted(numbers, reverse=True))


def _missing(found: Found) -> tuple[MissingApproval, ...]:
    assert found.victim is not None
    links = [found.view.near.links[link_id] for link_id in found.victim.links]
    waiting = [link for link in links if link.state is State.CONFIRMED]
    return tuple(
        MissingApproval(link.link_id, link.confirmed_at, not {link.a, link.b} <= found.view.faces)
        for link in sorted(waiting, key=lambda link: link.order)
    )


async def _identifications(tx: Tx, victim_id: str, found: Found, viewer: Person) -> tuple[VisibleIdentification, ...]:
    """The identifications on a face that the viewer may see.

    Reasons are for who proposed and who decided; whom the victim is held to be is, before the approval, for these and
    for who may approve.
    """
    mine = [item for item in found.around.identifications if found.view.includes(item)]
    rows = await tx.listed(queries.IDENTIFICATIONS_BY_ID, ids=[item.identification_id for item in mine])
    districts = found.around.districts(found.faces)
    shown: list[VisibleIdentification] = []
    for row in rows:
        stored = StoredIdentification.of(row["identification"])
        if not set(stored.face_ids) & found.faces:
            continue
        made_it = same_person(stored.by, viewer.actor)
        decided_it = stored.decided_by is not None and same_person(stored.decided_by, viewer.actor)
        approves = stored.state in AWAITS_APPROVAL and may(
            viewer, Permission.APPROVE_IDENTIFICATION, districts, made_by=stored.by
        )
        is_named = stored.state is IdentificationState.APPROVED or made_it or decided_it or approves
        one = stored.visible(found.view, viewer)
        if not is_named:
            one = replace(one, person_ref="")
        if not (made_it or decided_it):
            one = replace(one, reason="", decision_reason=None)
        shown.append(replace(one, victim_id=victim_id))
    return tuple(sorted(shown, key=lambda item: (item.at, item.identification_id), reverse=True))
