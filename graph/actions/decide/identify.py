"""Who a victim is: one person proposes it with its basis, a second one decides; it rests on the faces of then."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from graph.actions import victims
from graph.actions.known import find_victim
from graph.actions.notices import Notice, store_notices
from graph.domain import audit, ids, link, victim
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
_UNDECIDED: Final[Row] = dict.fromkeys(
    ("decided_by", "decided_role", "decided_district", "decided_at", "decision_reason")
)
"""What a node of one that nobody decided does not hold."""
_STANDING = {IdentificationState.APPROVED: "approved", IdentificationState.PROPOSED: "assessed"}


@dataclass(frozen=True, slots=True)
class Proposal:
    """That a victim is a person known to the case system; `person_ref` is that system's reference, never a name."""

    person_ref: str
    basis: Basis
    reason: str
    faces: tuple[str, ...] | None = None
    """Those of the victim that the person saw; None: nothing is said."""


@dataclass(frozen=True, slots=True)
class SeenIdentification:
    """As one person may see it: who proposed and who decided are named as `display_name` does."""

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


async def do_identification(
    store: Store, victim_id: str, said: Proposal, *, actor: Person, now: datetime, purpose: str = ""
) -> SeenIdentification:
    """The proposed identification of a victim; it changes nothing until another person approves it.

    Raises NotFound for an unknown victim or one without a face that this person may see, Invalid for an empty
    reference or reason.
    """
    reference = said.person_ref.strip()
    if is_blank(reference) or len(reference) > REFERENCE_LIMIT:
        raise Invalid(f"person_ref: from 1 to {REFERENCE_LIMIT} characters")
    link.check_text(said.reason, needed=True)
    identification_id = ids.new_id()

    async def work(tx: Tx) -> SeenIdentification:
        head = await log.lock_head(tx)
        found = await find_victim(tx, victim_id, actor)
        if found.victim is None:
            raise NotFound("there is no such victim")
        check_may(actor, Permission.IDENTIFY, _districts(found.around, found.faces))
        _check_joined(found.seen, victim_id)
        if said.faces is not None or len(found.faces) > 1:
            victims.check_shown(found.faces, said.faces)
        faces = sorted(found.faces)
        name = victim.victims(found.around.near).of_face[faces[0]]
        maker = Maker.of(actor, Permission.IDENTIFY)
        row: Row = {
            **_UNDECIDED, "identification_id": identification_id, "person_ref": reference, "basis": said.basis.value,
            "reason": said.reason, "state": IdentificationState.PROPOSED.value, "version": 0, "by": maker.actor,
            "role": maker.role, "district": maker.district, "at": now.isoformat(), "face_ids": faces,
        }  # fmt: skip
        await tx.do(queries.CREATE_IDENTIFICATION, victim_id=name, identification=row)
        digest = audit.content_digest({"victim_id": victim_id, **asdict(said)})
        act = audit.Act(now, actor.actor, AuditAction.VICTIM_IDENTIFIED, f"victim:{victim_id}", purpose, digest)
        await log.append(tx, head, [act])
        return _seen(row, found.seen, actor)

    return await store.write(work)


async def do_identification_approval(
    store: Store, identification_id: str, version: int, decision: SecondDecision, reason: str, *, actor: Person,
    now: datetime, purpose: str = "", faces: tuple[str, ...] | None = None,
) -> SeenIdentification:  # fmt: skip
    """The identification after a second person's decision; approved, it is the victim's identity.

    Raises Conflict where it waits for no decision, where its faces are several victims now (`no_longer_one`), or where
    the victim is identified as somebody else (`contradiction`).
    """
    link.check_text(reason, needed=decision is SecondDecision.RETURNED)

    async def work(tx: Tx) -> SeenIdentification:
        head = await log.lock_head(tx)
        row, name, around = await _identification(tx, identification_id, actor)
        seen = around.known_to(actor)
        districts = _districts(around, seen.faces & set(row["face_ids"]))
        check_may(actor, Permission.APPROVE_IDENTIFICATION, districts, made_by=row["by"])
        _check_stands(row, version, AWAITS_APPROVAL, actor)
        state, maker = IdentificationState(decision.value), Maker.of(actor, Permission.APPROVE_IDENTIFICATION)
        rests_on: list[str] = row["face_ids"]
        if state is IdentificationState.APPROVED:
            rests_on = _check_one(around, row, actor)
            victims.check_shown(set(rests_on) - set(row["face_ids"]), faces)
        change: Row = {
            "state": state.value, "version": version + 1, "decided_by": maker.actor, "decided_role": maker.role,
            "decided_district": maker.district, "decided_at": now.isoformat(), "decision_reason": reason,
            "face_ids": rests_on,
        }  # fmt: skip
        decided = row | change
        await tx.do(queries.DECIDE_IDENTIFICATION, identification_id=identification_id, change=change)
        outgoing: list[log.Outgoing] = []
        if state is IdentificationState.APPROVED:
            await tx.do(queries.SET_IDENTITIES, rows=[{"victim_id": name, "identity": row["person_ref"]}])
            outgoing = await store_notices(tx, _told(decided, around), now)
        digest = audit.content_digest({"decision": decision.value, "reason": reason})
        action = AuditAction(f"identification.{state.value}")
        act = audit.Act(now, actor.actor, action, f"identification:{identification_id}", purpose, digest)
        await log.append(tx, head, [act], outgoing)
        return _seen(decided, seen, actor)

    return await store.write(work)


async def do_identification_reopening(
    store: Store, identification_id: str, version: int, reason: str, *, actor: Person, now: datetime, purpose: str = ""
) -> SeenIdentification:
    """The identification without its second person's decision: it is proposed again, and nobody's identity.

    Raises Conflict where no decision stands.
    """
    link.check_text(reason, needed=True)

    async def work(tx: Tx) -> SeenIdentification:
        head = await log.lock_head(tx)
        row, _, around = await _identification(tx, identification_id, actor)
        seen = around.known_to(actor)
        districts = _districts(around, seen.faces & set(row["face_ids"]))
        check_may(actor, Permission.REOPEN, districts, made_by=row["decided_by"])
        _check_stands(row, version, DECIDED, actor)
        change: Row = {**_UNDECIDED, "state": IdentificationState.PROPOSED.value, "version": version + 1}
        again = row | change
        await tx.do(queries.DECIDE_IDENTIFICATION, identification_id=identification_id, change=change)
        await victims.recompute(tx, row["face_ids"], at=now.isoformat())
        told = _told(again, around) if row["state"] == IdentificationState.APPROVED else []
        digest = audit.content_digest({"reason": reason})
        subject = f"identification:{identification_id}"
        act = audit.Act(now, actor.actor, AuditAction.IDENTIFICATION_REOPENED, subject, purpose, digest)
        await log.append(tx, head, [act], await store_notices(tx, told, now))
        return _seen(again, seen, actor)

    return await store.write(work)


async def _identification(tx: Tx, identification_id: str, actor: Person) -> tuple[Row, str, victims.Around]:
    """The identification, its victim and what hangs together with it; NotFound where this person may not see it."""
    found = await tx.one(queries.LOCK_IDENTIFICATION, identification_id=identification_id)
    around = await victims.load(tx, found["identification"]["face_ids"] if found else ())
    if found is None or around.known_to(actor).faces.isdisjoint(found["identification"]["face_ids"]):
        raise NotFound("there is no such identification")
    return _UNDECIDED | found["identification"], found["victim_id"], around


def _check_stands(row: Row, version: int, states: Collection[IdentificationState], actor: Person) -> None:
    if row["version"] != version or row["state"] not in states:
        raise Conflict(
            "the version you saw is not the one that stands: look at the identification again", code="stale_version",
            disclosed=f"this identification is {row['state']}",
            current={"state": row["state"], "version": row["version"],
                     "by": _decider(row, actor) or _proposer(row, actor)},
        )  # fmt: skip


def _proposer(row: Row, viewer: Person) -> str:
    return display_name(viewer, Maker(row["by"], row.get("role"), row.get("district")), approved=_is_approved(row))


def _decider(row: Row, viewer: Person) -> str | None:
    if row["decided_by"] is None:
        return None
    maker = Maker(row["decided_by"], row["decided_role"], row["decided_district"])
    return display_name(viewer, maker, approved=_is_approved(row))


def _is_approved(row: Row) -> bool:
    return row["state"] == IdentificationState.APPROVED


def _check_joined(seen: VictimView, name: str) -> None:
    """Who a victim is, is said of faces that two persons have joined: not over the word of one about a face of another
    district, which shows somebody whom only that district may know."""
    if waiting := seen.unapproved(name):
        raise Conflict(
            "a link of this victim to another district waits for approval: have it approved, or take it back",
            code="unapproved_link", current={"links": waiting},
        )  # fmt: skip


def _check_one(around: victims.Around, row: Row, actor: Person) -> list[str]:
    """The faces that the approval is made on: those of the victim that the person knows now, with those that it was
    proposed on; refused where there is more than one victim."""
    after, seen = victim.victims(around.near), around.known_to(actor)
    existing: list[str] = [face for face in row["face_ids"] if face in around.near.faces]
    names = {after.of_face.get(face, face) for face in existing}
    of_face = seen.victims.of_face
    known = sorted({of_face.get(face, face) for face in existing if face in seen.faces})
    if len(names) > 1:
        raise Conflict(
            "the faces that this was made on are no longer one victim: return it", code="no_longer_one",
            current={"victims": known},
        )  # fmt: skip
    for name in known:
        if name in seen.victims.by_id:
            _check_joined(seen, name)
    this = Identification(
        row["identification_id"], min(names, default=""), row["person_ref"], "approved", tuple(existing), row["by"]
    )
    if identities([*around.identified, this], after, around.near.faces).conflicting:
        raise Conflict(
            "this victim is identified as another person: return this one",
            code="contradiction",
            current={"kind": "identified_apart"},
        )
    joined = {face for name in known if name in seen.victims.by_id for face in seen.victims.by_id[name].faces}
    return sorted(set(existing) | (joined & seen.faces))


def _districts(around: victims.Around, faces: Iterable[str]) -> list[str]:
    return sorted({case["district"] for face in faces for case in around.cases.get(face, [])})


def _told(row: Row, around: victims.Around) -> list[Notice]:
    body: Row = {"identification_id": row["identification_id"], "person_ref": row["person_ref"],
                 "basis": row["basis"], "standing": _STANDING[row["state"]]}  # fmt: skip
    subject, outcome = f"identification:{row['identification_id']}", _OUTCOME[row["state"]]
    told: list[Notice] = []
    for source in around.sources:
        known = around.known_at(source)
        if not known.own.isdisjoint(row["face_ids"]):
            name = known.name_of(row["face_ids"])
            told.append(Notice(f"{subject}@{source}", source, outcome, {**body, "victim_id": name}, supersedes=True))
    return told


def _seen(row: Row, known: VictimView, viewer: Person) -> SeenIdentification:
    return SeenIdentification(
        identification_id=row["identification_id"],
        victim_id=known.name_of(row["face_ids"]),
        person_ref=row["person_ref"],
        basis=Basis(row["basis"]),
        reason=row["reason"],
        state=IdentificationState(row["state"]),
        version=row["version"],
        by=_proposer(row, viewer),
        at=row["at"],
        face_ids=tuple(sorted(known.faces & set(row["face_ids"]))),
        decided_by=_decider(row, viewer),
        decided_at=row["decided_at"],
        decision_reason=row["decision_reason"],
    )
