"""The identity of a victim: one person proposes it with its basis, a second one decides; it rests on certain faces."""

from dataclasses import asdict, dataclass, replace

from graph.actions import victims
from graph.actions.access import Access
from graph.actions.decide.decision import check_shown
from graph.actions.identification import (
    REFERENCE_LIMIT,
    Proposal,
    StoredIdentification,
    VisibleIdentification,
    notices_of,
)
from graph.actions.known import Found, find_victim
from graph.actions.notices import store_notices
from graph.actions.victims import Surroundings
from graph.domain import ids, link
from graph.domain.audit import content_digest
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Conflict, Invalid, NotFound
from graph.domain.identification import AWAITS_APPROVAL, DECIDED, Identification, IdentificationState, identities
from graph.domain.known_victims import VictimView
from graph.domain.link import SecondDecision
from graph.domain.people import Permission, check_may
from graph.domain.text import is_blank
from graph.store import log
from graph.store.queries import victims as queries
from graph.store.session import Row, Tx


@dataclass(frozen=True, slots=True)
class _Locked:
    """An identification that a person may decide on, the victim that it is attached to, and what surrounds them."""

    stored: StoredIdentification
    victim_id: str
    around: Surroundings
    view: VictimView


async def do_identification(access: Access, victim_id: str, proposal: Proposal) -> VisibleIdentification:
    """The proposed identification of a victim; it has no effect until another person approves it.

    Raises NotFound for an unknown victim or one without a face that this person may see, Invalid for an empty
    reference or reason, Conflict (`already_proposed`) where the person's own equal proposal waits for approval.
    """
    reference, actor = proposal.person_ref.strip(), access.person
    if is_blank(reference) or len(reference) > REFERENCE_LIMIT:
        raise Invalid(f"person_ref: from 1 to {REFERENCE_LIMIT} characters")
    link.check_text(proposal.reason, needed=True)
    identification_id = ids.new_id()

    async def work(tx: Tx, head: log.Head) -> VisibleIdentification:
        found = await find_victim(tx, victim_id, actor)
        if found.victim is None:
            raise NotFound("there is no such victim")
        check_may(actor, Permission.IDENTIFY, found.around.districts(found.faces))
        _check_approved_links(found.view, victim_id)
        _check_new(found, replace(proposal, person_ref=reference), actor.actor)
        if proposal.faces is not None or len(found.faces) > 1:
            check_shown(found.faces, proposal.faces)
        faces = sorted(found.faces)
        made: Row = {
            **access.made_under(Permission.IDENTIFY),
            "identification_id": identification_id,
            "person_ref": reference,
            "basis": proposal.basis,
            "reason": proposal.reason,
            "state": IdentificationState.PROPOSED,
            "version": 0,
            "face_ids": faces,
        }
        stored = StoredIdentification.of(made)
        name = found.around.victims.of_face[faces[0]]
        await tx.do(queries.CREATE_IDENTIFICATION, victim_id=name, identification=stored.row)
        digest = content_digest({"victim_id": victim_id, **asdict(proposal)})
        await log.append(tx, head, [access.act(AuditAction.VICTIM_IDENTIFIED, f"victim:{victim_id}", digest=digest)])
        return stored.visible(found.view, actor)

    return await log.write(access.store, work)


async def do_identification_approval(
    access: Access,
    identification_id: str,
    version: int,
    decision: SecondDecision,
    reason: str,
    *,
    faces: tuple[str, ...] | None = None,
) -> VisibleIdentification:
    """The identification after a second person's decision; approved, it is the victim's identity.

    Raises Conflict if it waits for no decision, if its faces are several victims now (`no_longer_one`), or if the
    victim is identified as somebody else (`contradiction`).
    """
    link.check_text(reason, needed=decision is SecondDecision.RETURNED)
    permission, state = Permission.APPROVE_IDENTIFICATION, IdentificationState(decision.value)

    async def work(tx: Tx, head: log.Head) -> VisibleIdentification:
        found = await _lock(tx, identification_id, version, access, permission)
        decided = found.stored.decided(state, {**access.made_under(permission), "reason": reason})
        if state is IdentificationState.APPROVED:
            rests_on = _check_one_victim(found)
            check_shown(set(rests_on) - set(decided.face_ids), faces)
            decided = replace(decided, face_ids=tuple(rests_on))
        await tx.do(queries.DECIDE_IDENTIFICATION, identification_id=identification_id, change=decided.row)
        outgoing: list[log.Outgoing] = []
        if state is IdentificationState.APPROVED:
            identity = {"victim_id": found.victim_id, "identity": decided.person_ref}
            await tx.do(queries.SET_IDENTITIES, rows=[identity])
            outgoing = await store_notices(tx, notices_of(decided, found.around), access.at)
        action = AuditAction(f"identification.{state.value}")
        digest = content_digest({"decision": decision.value, "reason": reason})
        entry = access.act(action, f"identification:{identification_id}", digest=digest)
        await log.append(tx, head, [entry], outgoing)
        return decided.visible(found.view, access.person)

    return await log.write(access.store, work)


async def do_identification_reopening(
    access: Access, identification_id: str, version: int, reason: str
) -> VisibleIdentification:
    """The identification without its second person's decision: it is proposed again, and nobody's identity.

    Raises Conflict if nobody has decided on it.
    """
    link.check_text(reason, needed=True)

    async def work(tx: Tx, head: log.Head) -> VisibleIdentification:
        found = await _lock(tx, identification_id, version, access, Permission.REOPEN)
        reopened = found.stored.decided(IdentificationState.PROPOSED, {})
        await tx.do(queries.DECIDE_IDENTIFICATION, identification_id=identification_id, change=reopened.row)
        await victims.recompute(tx, reopened.face_ids, at=access.at.isoformat())
        was_approved = found.stored.state is IdentificationState.APPROVED
        outgoing = await store_notices(tx, notices_of(reopened, found.around) if was_approved else [], access.at)
        subject, digest = f"identification:{identification_id}", content_digest({"reason": reason})
        entry = access.act(AuditAction.IDENTIFICATION_REOPENED, subject, digest=digest)
        await log.append(tx, head, [entry], outgoing)
        return reopened.visible(found.view, access.person)

    return await log.write(access.store, work)


async def _lock(tx: Tx, identification_id: str, version: int, access: Access, permission: Permission) -> _Locked:
    """The identification, if this person may decide on it under this permission, and saw its present version.

    NotFound where the person may not see it.
    """
    actor = access.person
    row = await tx.one(queries.LOCK_IDENTIFICATION, identification_id=identification_id)
    around = await victims.load(tx, row["identification"]["face_ids"] if row else ())
    view = around.view_of(actor)
    if row is None or view.faces.isdisjoint(row["identification"]["face_ids"]):
        raise NotFound("there is no such identification")
    stored = StoredIdentification.of(row["identification"])
    is_reopening = permission is Permission.REOPEN
    made_by = stored.decided_by if is_reopening else stored.by
    check_may(actor, permission, around.districts(view.faces & set(stored.face_ids)), made_by=made_by)
    if stored.version != version or stored.state not in (DECIDED if is_reopening else AWAITS_APPROVAL):
        raise Conflict(
            "the version you saw is not the one that stands: look at the identification again",
            code="stale_version",
            disclosed=f"this identification is {stored.state.value}",
            current={
                "state": stored.state.value,
                "version": stored.version,
                "by": stored.decider(actor) or stored.proposer(actor),
            },
        )
    return _Locked(stored, row["victim_id"], around, view)


def _check_approved_links(view: VictimView, name: str) -> None:
    """Refuses an identification across a link to another district that only one person has confirmed.

    The face at its other end shows somebody whom only that district may know until a second person approves the link.
    """
    if waiting := view.unapproved(name):
        message = "a link of this victim to another district waits for approval: have it approved, or take it back"
        raise Conflict(message, code="unapproved_link", current={"links": waiting})


def _check_new(found: Found, proposal: Proposal, by: str) -> None:
    """Refuses what the person has proposed already, as a form that was sent twice does."""
    of_face = found.around.victims.of_face
    names = {of_face[face] for face in found.faces if face in of_face}
    for item in found.around.identifications:
        equal = (item.by, item.person_ref, item.basis) == (by, proposal.person_ref, proposal.basis)
        if equal and item.victim_id in names and item.state in AWAITS_APPROVAL:
            raise Conflict("your equal proposal waits for a second person", code="already_proposed")


def _check_one_victim(found: _Locked) -> list[str]:
    """The faces that the approval rests on: those of the victim that the person knows now, and those of the proposal.

    Raises Conflict if they are several victims, or one that is identified as another person.
    """
    stored, around, view = found.stored, found.around, found.view
    existing = [face for face in stored.face_ids if face in around.near.faces]
    names = {around.victims.of_face.get(face, face) for face in existing}
    of_face = view.victims.of_face
    known = sorted({of_face.get(face, face) for face in existing if face in view.faces})
    if len(names) > 1:
        message = "the faces that this was made on are no longer one victim: return it"
        raise Conflict(message, code="no_longer_one", current={"victims": known})
    known_victims = [name for name in known if name in view.victims.by_id]
    for name in known_victims:
        _check_approved_links(view, name)
    approved = Identification(
        identification_id=stored.identification_id,
        victim_id=min(names, default=""),
        person_ref=stored.person_ref,
        state=IdentificationState.APPROVED,
        face_ids=tuple(existing),
        by=stored.by,
    )
    if identities([*around.identifications, approved], around.victims, around.near.faces).conflicting:
        message = "this victim is identified as another person: return this one"
        raise Conflict(message, code="contradiction", current={"kind": "identified_apart"})
    joined = {face for name in known_victims for face in view.victims.by_id[name].faces}
    return sorted(set(existing) | (joined & view.faces))
