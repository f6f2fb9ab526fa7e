"""People decide about links: verdict, approval, reopening, one link or many in one act. No machine comes through here.

Every act checks first, then writes state, history, victims, notices and audit entry in one transaction that begins
with the audit head, so no two decisions ever interleave.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from graph.actions import victims
from graph.actions.decide.statements import tell_decision
from graph.actions.read.links import find_link
from graph.actions.victims import Effects
from graph.domain import audit, ids, link
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Conflict, NotFound
from graph.domain.link import REOPENED, Decision, LinkAct, LinkStatus, SecondDecision, State
from graph.domain.people import Maker, Permission, Person, check_may, display_name, may
from graph.domain.victim import Neighbourhood, Victims
from graph.domain.visibility import UNSEALING, VisibleLink, was_shown_score
from graph.store import log
from graph.store.queries import review as queries
from graph.store.session import Row, Store, Tx

DEEDS: Final = {"verdict": Permission.JUDGE, "approval": Permission.APPROVE, "reopening": Permission.REOPEN}
"""What a person does who makes an act of this kind."""
JOINING: Final = frozenset({Decision.CONFIRMED, SecondDecision.APPROVED})
"""Decisions that make one victim of two sides: they rest on all faces of both."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A link and the version that the person saw."""

    link_id: str
    version: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one person says of one link; `version` and `faces`, of its victims, are those that the person saw."""

    link_id: str
    version: int
    decision: Decision
    reasons: tuple[str, ...]
    text: str
    faces: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One link's part in an act: what is said of it, and the state that this leads to."""

    link_id: str
    decision: Decision | SecondDecision | None
    reasons: tuple[str, ...] = ()
    text: str = ""

    @property
    def said(self) -> str:
        return REOPENED if self.decision is None else self.decision.value


@dataclass(frozen=True, slots=True)
class Locked:
    """A link under its lock: what the graph holds and where people have brought it."""

    row: Row
    now: LinkStatus
    history: tuple[LinkAct, ...] = ()

    def stands(self, verdict_id: str) -> bool:
        """Whether this verdict was not taken back."""
        return verdict_id in {entry.verdict_id for entry in self.now.acts}

    def told_to(self, viewer: Person) -> dict[str, Any]:
        """What a caller is told who acted on another version."""
        told: dict[str, Any] = {"link_id": self.row["link_id"], "state": self.row["state"]}
        told["version"] = self.row["version"]
        if self.now.last is not None:
            told |= {"by": self.last_by(viewer), "at": self.now.last.at, "decision": self.now.last.decision}
        return told

    def last_by(self, viewer: Person) -> str | None:
        """Who made the last act that still stands, as this viewer is told."""
        approved = self.now.state is State.APPROVED
        return None if self.now.last is None else display_name(viewer, self.now.last.maker, approved=approved)


async def do_verdict(store: Store, said: Judgement, *, actor: Person, now: datetime, purpose: str = "") -> VisibleLink:
    """The link as it stands after the verdict, which is committed together with its audit entry.

    Raises NotFound for an unknown link, Forbidden for who may not judge it, Invalid for wrong reasons, and Conflict
    where somebody acted since the person looked (`stale_version`), where the link waits for no verdict
    (`already_decided`), and where two people would become one person (`contradiction`).
    """
    link.check_reasons(said.decision, said.reasons, said.text)
    step = Step(said.link_id, said.decision, said.reasons, said.text)
    deciding = Deciding(actor, now, purpose, "verdict", AuditAction.LINK_JUDGED, said.faces)
    return await _one(store, Seen(said.link_id, said.version), step, deciding, _check_judge)


async def do_approval(
    store: Store, seen: Seen, decision: SecondDecision, reason: str, *, actor: Person, now: datetime,
    purpose: str = "", faces: tuple[str, ...] | None = None,
) -> VisibleLink:  # fmt: skip
    """The link after a second person's decision; returning it needs a reason for the first person."""
    link.check_text(reason, needed=decision is SecondDecision.RETURNED)
    step = Step(seen.link_id, decision, text=reason)
    action = AuditAction.LINK_RETURNED if decision is SecondDecision.RETURNED else AuditAction.LINK_APPROVED
    deciding = Deciding(actor, now, purpose, "approval", action, faces)
    return await _one(store, seen, step, deciding, _check_approve)


async def do_reopening(
    store: Store, seen: Seen, reason: str, *, actor: Person, now: datetime, purpose: str = ""
) -> VisibleLink:
    """The link as it was before the last act still standing.

    Raises Conflict `half_undo` where that act decided other links too that still stand: then the act is undone as one.
    """
    link.check_text(reason, needed=True)
    step = Step(seen.link_id, None, text=reason)
    deciding = Deciding(actor, now, purpose, "reopening", AuditAction.LINK_REOPENED)
    return await _one(store, seen, step, deciding, _check_reopen)


Check = Callable[[Tx, Person, Locked], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Deciding:
    """Who acts, when, what for, and how the act is called in the graph and in the audit.

    `faces` are those of the victims, beside its links' own, that the person says were shown; None: nothing is said.
    """

    actor: Person
    now: datetime
    purpose: str
    kind: str
    action: AuditAction
    faces: tuple[str, ...] | None = None


async def _one(store: Store, seen: Seen, step: Step, deciding: Deciding, check: Check) -> VisibleLink:
    async def work(tx: Tx) -> VisibleLink:
        head = await log.lock_head(tx)
        found = await lock(tx, [seen.link_id])
        if seen.link_id not in found:
            raise NotFound("there is no such link")
        await check(tx, deciding.actor, found[seen.link_id])
        check_version(found[seen.link_id], seen.version, deciding.actor)
        await write(tx, head, found, [step], deciding, ids.new_id())
        return await find_link(tx, seen.link_id, viewer=deciding.actor)

    return await store.write(work)


async def _check_judge(_: Tx, actor: Person, found: Locked) -> None:
    check_sees(actor, found)
    check_may(actor, Permission.JUDGE, found.row["districts"])


async def _check_approve(_: Tx, actor: Person, found: Locked) -> None:
    check_sees(actor, found)
    if found.now.state not in link.AWAITS_APPROVAL:
        check_may(actor, Permission.APPROVE, found.row["districts"], made_by="")
        link.next_state(found.now.state, SecondDecision.APPROVED)  # refuses
    confirmation = found.now.confirmation
    check_may(actor, Permission.APPROVE, found.row["districts"], made_by=confirmation.by if confirmation else None)


async def _check_reopen(tx: Tx, actor: Person, found: Locked) -> None:
    check_sees(actor, found)
    if (last := found.now.last) is None:
        link.state_after_reopening(found.now)  # refuses
        return
    check_may(actor, Permission.REOPEN, found.row["districts"], made_by=last.by)
    of_act, _ = await of_act_for(tx, last.act_id, actor)
    standing = [key for key, (other, verdict_id) in of_act.items()
                if key != found.row["link_id"] and other.stands(verdict_id)]  # fmt: skip
    if standing:
        raise Conflict(
            "this was decided together with other links: reopen the whole act",
            code="half_undo",
            current={"act_id": last.act_id, "links": standing},
            disclosed=f"this was decided together with {len(standing)} other links: reopen the whole act",
        )


async def of_act_for(tx: Tx, act_id: str, actor: Person) -> tuple[dict[str, tuple[Locked, str]], dict[str, Locked]]:
    """The links of an act that the person sees, each with its verdict in the act; and those that they do not see.

    For them the act consists of the former: what touches their district is one unit, and the rest is others'.
    """
    verdicts = {row["link_id"]: row["verdict_id"] for row in await tx.rows(queries.LINKS_OF_ACT, act_id=act_id)}
    found = await lock(tx, verdicts)
    seen = {key for key, item in found.items() if may(actor, Permission.SEE, item.row["districts"])}
    mine = {key: (found[key], verdicts[key]) for key in sorted(seen)}
    rest = {key: item for key, item in found.items() if key not in seen and item.stands(verdicts[key])}
    return mine, rest


def check_sees(actor: Person, found: Locked) -> None:
    """A link of which neither side lies in the person's district is answered as one that is not there."""
    if not may(actor, Permission.SEE, found.row["districts"]):
        raise NotFound("there is no such link")


def check_version(found: Locked, version: int, actor: Person) -> None:
    """Refuses an act on an outdated view, and says what another person did."""
    if found.row["version"] == version:
        return
    state, last = found.row["state"], found.now.last
    plain = "the version you saw is not the one that stands: look at the link again"
    if last is None or found.row["version"] == 0:
        told = f"the version you saw is not the one that stands: this link is {state}"
    else:
        told = f"{found.last_by(actor)} acted first ({last.decision}, {last.at}): this link is {state} now"
    raise Conflict(plain, code="stale_version", current=found.told_to(actor), disclosed=told)


async def lock(tx: Tx, link_ids: Iterable[str], *, only_look: bool = False) -> dict[str, Locked]:
    """These links with their histories, under their locks unless somebody only looks; unknown ids are left out."""
    query = queries.LINKS if only_look else queries.LOCK_LINKS
    wanted = sorted(link_ids)
    if not wanted:
        return {}
    found: dict[str, Locked] = {}
    for row in await tx.rows(query, links=wanted):
        history = tuple(
            LinkAct(past["verdict_id"], past["act_id"], past["by"], past["at"], past["decision"],
                  State(past["state_then"]), past["undoes"], past["role"], past["district"], past["opened"])
            for past in row["history"]
        )  # fmt: skip
        found[row["link_id"]] = Locked(row, link.link_status(State(row["state"]), history), history)
    return found


@dataclass(frozen=True, slots=True)
class Outcome:
    """A step and what it makes of its link."""

    step: Step
    found: Locked
    state: State
    verdict_id: str
    then: LinkStatus
    undone: LinkAct | None

    @property
    def faces(self) -> tuple[str, str]:
        return self.found.row["a"], self.found.row["b"]


def outcome(step: Step, found: Locked, deciding: Deciding, act_id: str) -> Outcome:
    """What a step makes of its link; Conflict where the link waits for no such act."""
    try:
        verdict_id = ids.verdict_id(act_id, step.link_id)
        if step.decision is None:
            state, undone = link.state_after_reopening(found.now)
            return Outcome(step, found, state, verdict_id, LinkStatus(state, found.now.acts[:-1]), undone)
        state = link.next_state(found.now.state, step.decision)
    except Conflict as refused:
        current = found.told_to(deciding.actor)
        raise Conflict(refused.message, code=refused.code, current=current, disclosed=refused.disclosed) from refused
    at = deciding.now.isoformat()
    entry = LinkAct(verdict_id, act_id, deciding.actor.actor, at, step.said, found.now.state)
    return Outcome(step, found, state, verdict_id, LinkStatus(state, (*found.now.acts, entry)), None)


@dataclass(frozen=True, slots=True)
class Planned:
    """An act before it is written: its outcomes, and what hangs together with them before and then."""

    outcomes: tuple[Outcome, ...]
    around: victims.Around
    then: Neighbourhood
    after: Victims
    follows: Effects


async def plan(
    tx: Tx, found: dict[str, Locked], steps: Sequence[Step], deciding: Deciding, act_id: str,
    around: victims.Around | None = None,
) -> Planned:  # fmt: skip
    """What the steps lead to, checked against everything that hangs together with them; nothing is written.

    That is `around` where the caller has read it in this transaction, for all faces of these steps.
    """
    outcomes = tuple(outcome(step, found[step.link_id], deciding, act_id) for step in steps)
    around = around or await victims.load(tx, {face for item in outcomes for face in item.faces})
    then = around.near.changed(
        victims.link_facts({**item.found.row, "state": item.state, "confirmed_at": _confirmed(item.then)[0]})
        for item in outcomes
    )
    if joined := {face for item in outcomes if item.step.decision in JOINING for face in item.faces}:
        linked = {face for item in found.values() for face in (item.row["a"], item.row["b"])}
        beside = around.known_to(deciding.actor).other_faces(joined) - linked
        victims.check_shown(beside, deciding.faces)
    after = victims.check_agrees(around, then, deciding.actor)
    return Planned(outcomes, around, then, after, victims.effects(around, after))


async def write(
    tx: Tx, head: log.Head, found: dict[str, Locked], steps: Sequence[Step], deciding: Deciding, act_id: str,
    around: victims.Around | None = None,
) -> Planned:  # fmt: skip
    """Writes an act with all that follows of it: histories, victims, notices, audit entry."""
    planned = await plan(tx, found, steps, deciding, act_id, around)
    at = deciding.now.isoformat()
    maker = Maker.of(deciding.actor, DEEDS[deciding.kind])
    undone = {item.undone.act_id for item in planned.outcomes if item.undone is not None}
    await tx.do(
        queries.WRITE_ACT, act_id=act_id, kind=deciding.kind, by=maker.actor, role=maker.role,
        district=maker.district, at=at, undoes=min(undone, default=None),
        rows=[_row(item, deciding.actor) for item in planned.outcomes],
    )  # fmt: skip
    await victims.settle(tx, planned.around, planned.after, planned.follows, at=at)
    await victims.name_across(tx, planned.around, planned.then)
    outgoing = await tell_decision(tx, planned, deciding.now)
    said = [[item.step.link_id, item.step.said, list(item.step.reasons), item.step.text] for item in planned.outcomes]
    subject = steps[0].link_id if len(steps) == 1 else f"act:{act_id}"
    digest = audit.content_digest({"act_id": act_id, "said": said})
    entry = audit.Act(deciding.now, deciding.actor.actor, deciding.action, subject, deciding.purpose, digest)
    await log.append(tx, head, [entry], outgoing)
    return planned


def _row(item: Outcome, actor: Person) -> Row:
    last, (confirmed_at, confirmed_by) = item.then.last, _confirmed(item.then)
    return {
        "link_id": item.step.link_id, "verdict_id": item.verdict_id, "decision": item.step.said,
        "reasons": list(item.step.reasons), "text": item.step.text, "state_then": item.found.now.state.value,
        "state": item.state.value, "version": item.found.row["version"] + 1,
        "supersedes": item.found.now.last.verdict_id if item.found.now.last else None,
        "undoes": item.undone.verdict_id if item.undone else None,
        "standing": last.verdict_id if last else None, "confirmed_at": confirmed_at, "confirmed_by": confirmed_by,
        "blind": None if item.undone else not was_shown_score(actor, item.found.history),
        "opened": item.step.said in UNSEALING,
    }  # fmt: skip


def _confirmed(then: LinkStatus) -> tuple[str | None, str | None]:
    confirmation = then.confirmation
    return (confirmation.at, confirmation.by) if confirmation else (None, None)
