"""People decide on links: verdict, approval, reopening, one link or many in one act. No machine decides here.

Checks and writes of an act (state, history, victims, notices, audit entry) are one transaction, which begins by locking
the audit head, so no two decisions interleave.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from graph.actions import victims
from graph.actions.access import Access
from graph.actions.decide.decision import (
    JOINING,
    PERMISSIONS,
    Deciding,
    Judgement,
    LinkClaim,
    Locked,
    Outcome,
    Planned,
    Seen,
    Step,
    check_consistent,
    check_shown,
)
from graph.actions.decide.decision_records import decision_records
from graph.actions.read.links import find_link
from graph.actions.victims import Surroundings
from graph.domain import audit, ids, link
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Conflict, NotFound
from graph.domain.link import LinkAct, LinkStatus, SecondDecision, State
from graph.domain.people import Permission, Person, check_may, display_name, may, same_person
from graph.domain.victim import LinkFacts
from graph.domain.visibility import UNSEALING, VisibleLink, was_shown_score
from graph.store import log
from graph.store.queries import review as queries
from graph.store.session import Row, Tx

Check = Callable[[Tx, Access, Locked], Awaitable[None]]


async def do_verdict(access: Access, judgement: Judgement) -> VisibleLink:
    """The link after the verdict, which is committed together with its audit entry.

    Raises NotFound for an unknown link, Forbidden if the person may not judge it, Invalid for wrong reasons, and
    Conflict if somebody acted since the person saw it (`stale_version`), if somebody else holds it by a claim
    (`claimed`), if the link waits for no verdict (`already_decided`), or if two people would become one person
    (`contradiction`).
    """
    link.check_reasons(judgement.decision, judgement.reasons, judgement.text)
    step = Step(judgement.link_id, judgement.decision, judgement.reasons, judgement.text)
    deciding = Deciding(access, "verdict", AuditAction.LINK_JUDGED, judgement.faces)
    return await _decide(Seen(judgement.link_id, judgement.version), step, deciding, _check_judge)


async def do_approval(
    access: Access, seen: Seen, decision: SecondDecision, reason: str, *, faces: tuple[str, ...] | None = None
) -> VisibleLink:
    """The link after a second person's decision; returning it needs a reason for the first person."""
    link.check_text(reason, needed=decision is SecondDecision.RETURNED)
    step = Step(seen.link_id, decision, text=reason)
    action = AuditAction.LINK_RETURNED if decision is SecondDecision.RETURNED else AuditAction.LINK_APPROVED
    deciding = Deciding(access, "approval", action, faces)
    return await _decide(seen, step, deciding, _check_approve)


async def do_reopening(access: Access, seen: Seen, reason: str) -> VisibleLink:
    """The link as it was before the last act that nobody has taken back.

    Raises Conflict `half_undo` where that act also decided other links that nobody has reopened: then the whole act
    has to be reopened.
    """
    link.check_text(reason, needed=True)
    step = Step(seen.link_id, None, text=reason)
    deciding = Deciding(access, "reopening", AuditAction.LINK_REOPENED)
    return await _decide(seen, step, deciding, _check_reopen)


async def _decide(seen: Seen, step: Step, deciding: Deciding, check: Check) -> VisibleLink:
    """The link after one step on it: locked, checked, written and read back in one transaction."""

    actor = deciding.access.person

    async def work(tx: Tx, head: log.Head) -> VisibleLink:
        found = await lock(tx, [seen.link_id])
        if seen.link_id not in found:
            raise NotFound("there is no such link")
        await check(tx, deciding.access, found[seen.link_id])
        check_version(found[seen.link_id], seen.version, actor)
        await write(tx, head, found, [step], deciding, ids.new_id())
        return await find_link(tx, seen.link_id, viewer=actor)

    return await log.write(deciding.access.store, work)


async def _check_judge(_: Tx, access: Access, locked: Locked) -> None:
    check_judge(access, locked)


def check_judge(access: Access, locked: Locked) -> None:
    """Refuses a verdict on a link that the person may not judge, or that somebody else holds by a claim (`claimed`)."""
    check_visible(access.person, locked)
    check_may(access.person, Permission.JUDGE, locked.districts)
    if locked.claim is not None and locked.is_claimed_from(access):
        until, who = locked.claim.until, display_name(access.person, locked.claim.holder, approved=False)
        raise Conflict(
            "somebody else is judging this: wait until their time is over",
            code="claimed",
            current={"link_id": locked.link_id, "by": who, "until": until},
            disclosed=f"{who} is judging this, until {until} at the latest",
        )


async def _check_approve(_: Tx, access: Access, locked: Locked) -> None:
    actor = access.person
    check_visible(actor, locked)
    if locked.status.state not in link.AWAITS_APPROVAL:
        check_may(actor, Permission.APPROVE, locked.districts, made_by="")  # whether anybody like this person could
        link.next_state(locked.status.state, SecondDecision.APPROVED)  # raises
    confirmation = locked.status.confirmation
    check_may(actor, Permission.APPROVE, locked.districts, made_by=confirmation.by if confirmation else None)


async def _check_reopen(tx: Tx, access: Access, locked: Locked) -> None:
    actor = access.person
    check_visible(actor, locked)
    if (last := locked.status.last) is None:
        link.state_after_reopening(locked.status)  # raises
        return
    own = next((act for act in locked.status.acts if act.by == actor.actor), None)
    if own is not None and not may(actor, Permission.REOPEN, locked.districts, made_by=last.by):
        raise decided_since([locked], own.act_id, actor)
    check_may(actor, Permission.REOPEN, locked.districts, made_by=last.by)
    visible, _ = await links_of_act(tx, last.act_id, actor)
    others = [
        key for key, (other, verdict_id) in visible.items() if key != locked.link_id and other.is_in_force(verdict_id)
    ]
    if others:
        raise Conflict(
            "this was decided together with other links: reopen the whole act",
            code="half_undo",
            current={"act_id": last.act_id, "links": others},
            disclosed=f"this was decided together with {len(others)} other links: reopen the whole act",
        )


def decided_since(found: Sequence[Locked], act_id: str, actor: Person) -> Conflict:
    """The refusal to take an act back on links that somebody decided since: who, when, and who may take that back."""
    latest = max(found, key=lambda locked: locked.status.acts[-1].at)
    last, places = latest.status.acts[-1], " or ".join(sorted(set(latest.districts)))
    return Conflict(
        "links of it were decided again since: take those acts back first",
        code="half_undo",
        current={"act_id": act_id, "links": [locked.current_for(actor) for locked in found]},
        disclosed=f"{latest.last_by(actor)} decided since ({last.decision}, {last.at}):"
        f" a supervisor of {places} may take that back first",
    )


async def links_of_act(tx: Tx, act_id: str, actor: Person) -> tuple[dict[str, tuple[Locked, str]], bool]:
    """The links of an act that the person may see, each with its verdict id there; whether others are in force.

    For the person the act consists of the visible links: these are decided as a unit, the rest belongs to others.
    """
    verdicts = {row["link_id"]: row["verdict_id"] for row in await tx.rows(queries.LINKS_OF_ACT, act_id=act_id)}
    found = await lock(tx, verdicts)
    seen = {key for key, locked in found.items() if may(actor, Permission.SEE, locked.districts)}
    visible = {key: (found[key], verdicts[key]) for key in sorted(seen)}
    return visible, any(found[key].is_in_force(verdicts[key]) for key in found.keys() - seen)


def check_visible(actor: Person, locked: Locked) -> None:
    """Raises NotFound, as for an unknown link, if neither side lies in the person's district."""
    if not may(actor, Permission.SEE, locked.districts):
        raise NotFound("there is no such link")


def check_version(locked: Locked, version: int, actor: Person) -> None:
    """Refuses an act on an outdated view; the refusal discloses who acted since and how, also if it was oneself."""
    if locked.version == version:
        return
    state, last = locked.state.value, locked.status.last
    plain = "the version you saw is not the one that stands: look at the link again"
    if last is None or locked.version == 0:
        disclosed = f"the version you saw is not the one that stands: this link is {state}"
    else:
        who = "you" if last.by == actor.actor else locked.last_by(actor)
        disclosed = f"{who} acted first ({last.decision}, {last.at}): this link is {state} now"
    raise Conflict(plain, code="stale_version", current=locked.current_for(actor), disclosed=disclosed)


async def lock(tx: Tx, link_ids: Iterable[str], *, read_only: bool = False) -> dict[str, Locked]:
    """These links with their histories; they are locked unless `read_only`. Unknown ids are absent."""
    query = queries.LINKS if read_only else queries.LOCK_LINKS
    wanted = sorted(link_ids)
    return {row["link_id"]: _locked(row) for row in await tx.rows(query, links=wanted)} if wanted else {}


def _locked(row: Row) -> Locked:
    acts: list[Row] = [{**act, "state_then": _state_then(act, row)} for act in row["history"]]
    history = tuple(LinkAct(**act) for act in acts)
    return Locked(
        link_id=row["link_id"],
        a=row["a"],
        b=row["b"],
        state=State(row["state"]),
        version=row["version"],
        districts=tuple(row["districts"]),
        status=link.link_status(State(row["state"]), history),
        history=history,
        claim=LinkClaim.of(row["claim"]) if row["claim"] else None,
    )


def _state_then(act: Row, row: Row) -> State:
    """The link's state before the act; a hand-made one that the machine has measured since is its candidate or lead."""
    state = State(act["state_then"])
    return State(row["measured"]) if state is State.WITHDRAWN and row["measured"] else state


def _outcome(step: Step, locked: Locked, deciding: Deciding, act_id: str) -> Outcome:
    """The outcome of a step; Conflict where the link waits for no such act."""
    verdict_id = ids.verdict_id(act_id, step.link_id)
    try:
        if step.decision is None:
            state, undone = link.state_after_reopening(locked.status)
            return Outcome(step, locked, LinkStatus(state, locked.status.acts[:-1]), verdict_id, undone)
        state = link.next_state(locked.status.state, step.decision)
    except Conflict as refused:
        current = locked.current_for(deciding.access.person)
        raise Conflict(refused.message, code=refused.code, current=current, disclosed=refused.disclosed) from refused
    access = deciding.access
    act = LinkAct(verdict_id, act_id, access.person.actor, access.at.isoformat(), step.name, locked.status.state)
    return Outcome(step, locked, LinkStatus(state, (*locked.status.acts, act)), verdict_id, None)


async def plan(
    tx: Tx,
    found: Mapping[str, Locked],
    steps: Sequence[Step],
    deciding: Deciding,
    act_id: str,
    around: Surroundings | None = None,
) -> Planned:
    """What the steps lead to, checked against everything connected with their links; nothing is written.

    `around` are the surroundings of all faces of these steps, if the caller has read them in this transaction.
    """
    outcomes = tuple(_outcome(step, found[step.link_id], deciding, act_id) for step in steps)
    before = around or await victims.load(tx, {face for item in outcomes for face in item.locked.faces})
    after = before.changed(
        LinkFacts(item.locked.link_id, *item.locked.faces, item.state, _confirmed(item.status)[0] or "")
        for item in outcomes
    )
    if joined := {face for item in outcomes if item.step.decision in JOINING for face in item.locked.faces}:
        linked = {face for locked in found.values() for face in locked.faces}
        check_shown(before.view_of(deciding.access.person).other_faces(joined) - linked, deciding.faces)
    check_consistent(before, after, deciding.access.person)
    return Planned(outcomes, before, after, victims.effects(after))


async def write(
    tx: Tx,
    head: log.Head,
    found: Mapping[str, Locked],
    steps: Sequence[Step],
    deciding: Deciding,
    act_id: str,
    around: Surroundings | None = None,
) -> Planned:
    """Plans an act and writes it with everything that it changes: histories, victims, notices, audit entry.

    Returns the plan, for the answer.
    """
    planned = await plan(tx, found, steps, deciding, act_id, around)
    access = deciding.access
    undone = {item.undone.act_id for item in planned.outcomes if item.undone is not None}
    await tx.do(
        queries.WRITE_ACT,
        act_id=act_id,
        kind=deciding.kind,
        **access.made_under(PERMISSIONS[deciding.kind]),
        undoes=min(undone, default=None),
        rows=[_verdict_row(item, access.person) for item in planned.outcomes],
    )
    await victims.settle(tx, planned.after, planned.effects, at=access.at.isoformat())
    outgoing = await decision_records(tx, planned, access.at)
    said = [[step.link_id, step.name, list(step.reasons), step.text] for step in steps]
    subject = steps[0].link_id if len(steps) == 1 else f"act:{act_id}"
    digest = audit.content_digest({"act_id": act_id, "said": said})
    await log.append(tx, head, [access.act(deciding.action, subject, digest=digest)], outgoing)
    return planned


def _verdict_row(item: Outcome, actor: Person) -> Row:
    before, last = item.locked.status.last, item.status.last
    confirmed_at, confirmed_by = _confirmed(item.status)
    return {
        "link_id": item.step.link_id,
        "verdict_id": item.verdict_id,
        "decision": item.step.name,
        "reasons": list(item.step.reasons),
        "text": item.step.text,
        "state_then": item.locked.status.state.value,
        "state": item.state.value,
        "version": item.locked.version + 1,
        "supersedes": before.verdict_id if before else None,
        "undoes": item.undone.verdict_id if item.undone else None,
        "answers": before.by if before and not same_person(before.by, actor.actor) else None,
        "standing": last.verdict_id if last else None,
        "confirmed_at": confirmed_at,
        "confirmed_by": confirmed_by,
        "blind": None if item.undone else not was_shown_score(actor, item.locked.history),
        "opened": item.step.name in UNSEALING,
    }


def _confirmed(status: LinkStatus) -> tuple[str | None, str | None]:
    confirmation = status.confirmation
    return (confirmation.at, confirmation.by) if confirmation else (None, None)
