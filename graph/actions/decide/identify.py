"""The identity of a victim: one person proposes it with its basis, a second one decides; it rests on certain faces."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Self

from graph.actions import victims
from graph.actions.decide.decision import check_shown
from graph.actions.known import find_victim
from graph.actions.notices import Notice, store_notices
from graph.actions.victims import Surroundings
from graph.domain import audit, ids, link
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Conflict, Invalid, NotFound
from graph.domain.identification import (
    AWAITS_APPROVAL,
    DECIDED,
    Basis,
    Identification,
    IdentificationState,
    identities,
)
from graph.domain.known_victims import VictimView
from graph.domain.link import SecondDecision
from graph.domain.people import Maker, Permission, Person, check_may, display_name
from graph.domain.text import is_blank
from graph.store import log
from graph.store.queries import victims as queries
from graph.store.session import Row, Store, Tx

REFERENCE_LIMIT = 200
_OUTCOME = {IdentificationState.APPROVED: "identified", IdentificationState.PROPOSED: "identification_reopened"}
_STANDING = {IdentificationState.APPROVED: "approved", IdentificationState.PROPOSED: "assessed"}


@dataclass(frozen=True, slots=True)
class Proposal:
    """That a victim is a person known to the case system; `person_ref` is that system's reference, never a name."""

    person_ref: str
    basis: Basis
    reason: str
    faces: tuple[str, ...] | None = None
    """Those of the victim that the person saw; None: not stated."""


@dataclass(frozen=True, slots=True)
class VisibleIdentification:
    """An identification as one person may see it; proposer and decider are named by `display_name`."""

    identification_id: str
    victim_id: str | None
    person_ref: str
    basis: Basis
    reason: str
    state: IdentificationState
    version: int
    by: str
    at: str
    face_ids: tuple[str, ...]
    decided_by: str | None
    decided_at: str | None
    decision_reason: str | None


@dataclass(frozen=True, slots=True)
class _Stored:
    """An identification as the graph holds it; the last five are None until a second person decides."""

    identification_id: str
    person_ref: str
    basis: Basis
    reason: str
    state: IdentificationState
    version: int
    by: str
    at: str
    face_ids: tuple[str, ...]
    role: str | None = None
    district: str | None = None
    decided_by: str | None = None
    decided_role: str | None = None
    decided_district: str | None = None
    decided_at: str | None = None
    decision_reason: str | None = None

    @classmethod
    def of(cls, row: Row) -> Self:
        typed: Row = {
            "basis": Basis(row["basis"]),
            "state": IdentificationState(row["state"]),
            "face_ids": tuple(row["face_ids"]),
        }
        return cls(**{**row, **typed})

    @property
    def row(self) -> Row:
        return {**asdict(self), "face_ids": list(self.face_ids)}

    def reopened(self) -> Self:
        """The same without its second person's decision."""
        return replace(
            self,
            state=IdentificationState.PROPOSED,
            version=self.version + 1,
            decided_by=None,
            decided_role=None,
            decided_district=None,
            decided_at=None,
            decision_reason=None,
        )

    def proposer(self, viewer: Person) -> str:
        """Who proposed it, as shown to this viewer."""
        return self._shown(viewer, Maker(self.by, self.role, self.district))

    def decider(self, viewer: Person) -> str | None:
        """Who decided on it, as shown to this viewer; None while nobody has."""
        if self.decided_by is None:
            return None
        return self._shown(viewer, Maker(self.decided_by, self.decided_role, self.decided_district))

    def _shown(self, viewer: Person, maker: Maker) -> str:
        return display_name(viewer, maker, approved=self.state is IdentificationState.APPROVED)

    def visible(self, view: VictimView, viewer: Person) -> VisibleIdentification:
        """As this person may see it."""
        return VisibleIdentification(
            identification_id=self.identification_id,
            victim_id=view.name_of(self.face_ids),
            person_ref=self.person_ref,
            basis=self.basis,
            reason=self.reason,
            state=self.state,
            version=self.version,
            by=self.proposer(viewer),
            at=self.at,
            face_ids=tuple(sorted(view.faces & set(self.face_ids))),
            decided_by=self.decider(viewer),
            decided_at=self.decided_at,
            decision_reason=self.decision_reason,
        )


async def do_identification(
    store: Store, victim_id: str, proposal: Proposal, *, actor: Person, now: datetime, purpose: str = ""
) -> VisibleIdentification:
    """The proposed identification of a victim; it has no effect until another person approves it.

    Raises NotFound for an unknown victim or one without a face that this person may see, Invalid for an empty
    reference or reason.
    """
    reference = proposal.person_ref.strip()
    if is_blank(reference) or len(reference) > REFERENCE_LIMIT:
        raise Invalid(f"person_ref: from 1 to {REFERENCE_LIMIT} characters")
    link.check_text(proposal.reason, needed=True)
    identification_id = ids.new_id()

    async def work(tx: Tx) -> VisibleIdentification:
        head = await log.lock_head(tx)
        found = await find_victim(tx, victim_id, actor)
        if found.victim is None:
            raise NotFound("there is no such victim")
        check_may(actor, Permission.IDENTIFY, found.around.districts(found.faces))
        _check_approved_links(found.view, victim_id)
        if proposal.faces is not None or len(found.faces) > 1:
            check_shown(found.faces, proposal.faces)
        faces = sorted(found.faces)
        maker = Maker.of(actor, Permission.IDENTIFY)
        stored = _Stored(
            identification_id=identification_id,
            person_ref=reference,
            basis=proposal.basis,
            reason=proposal.reason,
            state=IdentificationState.PROPOSED,
            version=0,
            by=maker.actor,
            role=maker.role,
            district=maker.district,
            at=now.isoformat(),
            face_ids=tuple(faces),
        )
        name = found.around.victims.of_face[faces[0]]
        await tx.do(queries.CREATE_IDENTIFICATION, victim_id=name, identification=stored.row)
        digest = audit.content_digest({"victim_id": victim_id, **asdict(proposal)})
        act = audit.Act(now, actor.actor, AuditAction.VICTIM_IDENTIFIED, f"victim:{victim_id}", purpose, digest)
        await log.append(tx, head, [act])
        return stored.visible(found.view, actor)

    return await store.write(work)


async def do_identification_approval(
    store: Store,
    identification_id: str,
    version: int,
    decision: SecondDecision,
    reason: str,
    *,
    actor: Person,
    now: datetime,
    purpose: str = "",
    faces: tuple[str, ...] | None = None,
) -> VisibleIdentification:
    """The identification after a second person's decision; approved, it is the victim's identity.

    Raises Conflict if it waits for no decision, if its faces are several victims now (`no_longer_one`), or if the
    victim is identified as somebody else (`contradiction`).
    """
    link.check_text(reason, needed=decision is SecondDecision.RETURNED)

    async def work(tx: Tx) -> VisibleIdentification:
        head = await log.lock_head(tx)
        stored, name, around = await _load(tx, identification_id, actor)
        view = around.view_of(actor)
        districts = around.districts(view.faces & set(stored.face_ids))
        check_may(actor, Permission.APPROVE_IDENTIFICATION, districts, made_by=stored.by)
        _check_version(stored, version, AWAITS_APPROVAL, actor)
        maker = Maker.of(actor, Permission.APPROVE_IDENTIFICATION)
        decided = replace(
            stored,
            state=IdentificationState(decision.value),
            version=version + 1,
            decided_by=maker.actor,
            decided_role=maker.role,
            decided_district=maker.district,
            decided_at=now.isoformat(),
            decision_reason=reason,
        )
        if decision is SecondDecision.APPROVED:
            rests_on = _check_one_victim(around, stored, view)
            check_shown(set(rests_on) - set(stored.face_ids), faces)
            decided = replace(decided, face_ids=tuple(rests_on))
        await tx.do(queries.DECIDE_IDENTIFICATION, identification_id=identification_id, change=decided.row)
        outgoing: list[log.Outgoing] = []
        if decision is SecondDecision.APPROVED:
            await tx.do(queries.SET_IDENTITIES, rows=[{"victim_id": name, "identity": stored.person_ref}])
            outgoing = await store_notices(tx, _notices(decided, around), now)
        digest = audit.content_digest({"decision": decision.value, "reason": reason})
        action = AuditAction(f"identification.{decided.state.value}")
        act = audit.Act(now, actor.actor, action, f"identification:{identification_id}", purpose, digest)
        await log.append(tx, head, [act], outgoing)
        return decided.visible(view, actor)

    return await store.write(work)


async def do_identification_reopening(
    store: Store, identification_id: str, version: int, reason: str, *, actor: Person, now: datetime, purpose: str = ""
) -> VisibleIdentification:
    """The identification without its second person's decision: it is proposed again, and nobody's identity.

    Raises Conflict if nobody has decided on it.
    """
    link.check_text(reason, needed=True)

    async def work(tx: Tx) -> VisibleIdentification:
        head = await log.lock_head(tx)
        stored, _, around = await _load(tx, identification_id, actor)
        view = around.view_of(actor)
        districts = around.districts(view.faces & set(stored.face_ids))
        check_may(actor, Permission.REOPEN, districts, made_by=stored.decided_by)
        _check_version(stored, version, DECIDED, actor)
        reopened = stored.reopened()
        await tx.do(queries.DECIDE_IDENTIFICATION, identification_id=identification_id, change=reopened.row)
        await victims.recompute(tx, stored.face_ids, at=now.isoformat())
        was_approved = stored.state is IdentificationState.APPROVED
        outgoing = await store_notices(tx, _notices(reopened, around) if was_approved else [], now)
        digest = audit.content_digest({"reason": reason})
        subject = f"identification:{identification_id}"
        act = audit.Act(now, actor.actor, AuditAction.IDENTIFICATION_REOPENED, subject, purpose, digest)
        await log.append(tx, head, [act], outgoing)
        return reopened.visible(view, actor)

    return await store.write(work)


async def _load(tx: Tx, identification_id: str, actor: Person) -> tuple[_Stored, str, Surroundings]:
    """The identification, its victim and their surroundings; NotFound where this person may not see it."""
    found = await tx.one(queries.LOCK_IDENTIFICATION, identification_id=identification_id)
    around = await victims.load(tx, found["identification"]["face_ids"] if found else ())
    if found is None or around.view_of(actor).faces.isdisjoint(found["identification"]["face_ids"]):
        raise NotFound("there is no such identification")
    return _Stored.of(found["identification"]), found["victim_id"], around


def _check_version(stored: _Stored, version: int, states: Collection[IdentificationState], actor: Person) -> None:
    if stored.version != version or stored.state not in states:
        by = stored.decider(actor) or stored.proposer(actor)
        raise Conflict(
            "the version you saw is not the one that stands: look at the identification again",
            code="stale_version",
            disclosed=f"this identification is {stored.state.value}",
            current={"state": stored.state.value, "version": stored.version, "by": by},
        )


def _check_approved_links(view: VictimView, name: str) -> None:
    """Refuses an identification across a link to another district that only one person has confirmed.

    The face at its other end shows somebody whom only that district may know until a second person approves the link.
    """
    if waiting := view.unapproved(name):
        message = "a link of this victim to another district waits for approval: have it approved, or take it back"
        raise Conflict(message, code="unapproved_link", current={"links": waiting})


def _check_one_victim(around: Surroundings, stored: _Stored, view: VictimView) -> list[str]:
    """The faces that the approval rests on: those of the victim that the person knows now, and those of the proposal.

    Raises Conflict if they are several victims, or one that is identified as another person.
    """
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


def _notices(stored: _Stored, around: Surroundings) -> list[Notice]:
    """One notice to each case system that may know a face of the identification."""
    subject, outcome = f"identification:{stored.identification_id}", _OUTCOME[stored.state]
    notices: list[Notice] = []
    for source in around.sources:
        view = around.view_of_source(source)
        if not view.own.isdisjoint(stored.face_ids):
            body: Row = {
                "identification_id": stored.identification_id,
                "person_ref": stored.person_ref,
                "basis": stored.basis.value,
                "standing": _STANDING[stored.state],
                "victim_id": view.name_of(stored.face_ids),
            }
            notices.append(Notice(f"{subject}@{source}", source, outcome, body, supersedes=True))
    return notices
