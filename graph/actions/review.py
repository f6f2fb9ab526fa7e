"""People judge links: state, verdict and audit entry in one transaction. No machine comes through here."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from graph.actions.read import seen_link
from graph.actions.seen import SeenLink
from graph.domain import audit, link
from graph.domain.errors import Conflict, NotFound
from graph.domain.link import Decision, State
from graph.domain.people import Deed, Person, check_may, may
from graph.store import log
from graph.store.queries import review as queries
from graph.store.session import Row, Store, Tx


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one person says of one link; `version` is the one that the person saw."""

    link_id: str
    version: int
    decision: Decision
    reasons: tuple[str, ...]
    text: str


async def do_verdict(store: Store, said: Judgement, *, actor: Person, now: datetime, purpose: str = "") -> SeenLink:
    """The link as it stands after the verdict, which is committed together with its audit entry.

    Raises NotFound for an unknown link, Forbidden for who may not judge it, Invalid for wrong reasons, and Conflict
    where somebody acted since the person looked (`stale_version`), where the link waits for no verdict
    (`already_decided`), and where two faces of one picture would become one person (`contradiction`).
    """
    link.check_reasons(said.decision, list(said.reasons), said.text)
    act_id, verdict_id = uuid.uuid4().hex, uuid.uuid4().hex

    async def work(tx: Tx) -> SeenLink:
        head = await log.lock_head(tx)
        stands = await tx.one(queries.LOCK_LINK, link_id=said.link_id)
        if stands is None or not may(actor, Deed.SEE, stands["districts"]):
            raise NotFound("there is no such link")
        check_may(actor, Deed.JUDGE, stands["districts"])
        last = await tx.one(queries.LAST_VERDICT, link_id=said.link_id)
        state = _check_verdict(said, stands, last)
        await tx.do(
            queries.WRITE_VERDICT,
            link_id=said.link_id,
            state=state.value,
            version=said.version + 1,
            act_id=act_id,
            verdict_id=verdict_id,
            by=actor.actor,
            at=now.isoformat(),
            decision=said.decision.value,
            reasons=list(said.reasons),
            text=said.text,
            state_then=stands["state"],
            supersedes=last["verdict_id"] if last else None,
        )
        entry = audit.Act(now, actor.actor, "link.judged", said.link_id, purpose, audit.content_digest(asdict(said)))
        await log.append(tx, head, [entry])
        return await seen_link(tx, said.link_id, viewer=actor)

    return await store.write(work)


def _check_verdict(said: Judgement, stands: Row, last: Row | None) -> State:
    """The state that the verdict leads to; refuses one on an outdated view, a decided link or a contradiction."""
    if stands["version"] != said.version:
        raise Conflict(_what_happened(stands, last), code="stale_version", current=_current(stands, last))
    try:
        state = link.after_verdict(State(stands["state"]), said.decision)
    except Conflict as decided:
        raise Conflict(decided.message, code=decided.code, current=_current(stands, last)) from decided
    if state is State.CONFIRMED and stands["one_frame"]:
        raise Conflict("two faces of one picture are never one person", code="contradiction")
    return state


def _what_happened(stands: Row, last: Row | None) -> str:
    if last is None or stands["version"] == 0:
        return f"the version you saw is not the one that stands: this link is {stands['state']}"
    return f"{last['by']} acted first ({last['decision']}, {last['at']}): this link is {stands['state']} now"


def _current(stands: Row, last: Row | None) -> dict[str, Any]:
    current: dict[str, Any] = {"state": stands["state"], "version": stands["version"]}
    if last is not None:
        current |= {"by": last["by"], "at": last["at"], "decision": last["decision"]}
    return current
