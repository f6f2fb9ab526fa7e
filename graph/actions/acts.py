"""An act on several links taken back or approved as one, and what an act says that it changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from graph.actions.decide import Deciding, Locked, Planned, Seen, Step, check_version, lock, write
from graph.actions.victims import Effects
from graph.domain import ids, link
from graph.domain.errors import Conflict, Invalid, NotFound
from graph.domain.link import SecondDecision
from graph.domain.people import Deed, Person, check_may, may
from graph.store import log
from graph.store.queries import review as queries
from graph.store.session import Row, Store, Tx


@dataclass(frozen=True, slots=True)
class Done:
    """An act and what it changed; `act_id` is None for a preview. Of cases only those that the person may read."""

    act_id: str | None
    links: tuple[Row, ...]
    faces: int
    cases: int
    victims: tuple[Row, ...]
    pending: tuple[str, ...]
    to_approve_again: tuple[str, ...]


def done_of(act_id: str | None, planned: Planned, follows: Effects) -> Done:
    """What an act that was planned so changed."""
    links = tuple(
        {"link_id": item.step.link_id, "state": item.state.value, "version": item.found.row["version"] + 1}
        for item in planned.outcomes
    )
    named = sorted({name for name in follows.moved.values() if name is not None})
    return Done(
        act_id=act_id,
        links=links,
        faces=follows.faces,
        cases=len(follows.cases),
        victims=tuple({"victim_id": name, "faces": len(follows.victims[name].faces)} for name in named),
        pending=tuple(sorted(follows.pending & {item.step.link_id for item in planned.outcomes})),
        to_approve_again=tuple(item.identification_id for item in follows.to_approve_again),
    )


async def do_act_reopening(
    store: Store, act_id: str, reason: str, *, actor: Person, now: datetime, purpose: str = ""
) -> Done:
    """Takes a whole act back; refused as a half undo where something was decided on top of it, which it names."""
    link.check_text(reason, needed=True)
    deciding = Deciding(actor, now, purpose, "reopening", "act.reopened")

    async def work(tx: Tx) -> Done:
        head = await log.lock_head(tx)
        found, of_act = await _of_act(tx, act_id, actor)
        standing: list[str] = []
        in_the_way: list[dict[str, Any]] = []
        for key, item in found.items():
            if of_act[key] not in {entry.verdict_id for entry in item.now.acts}:
                continue  # taken back before
            check_may(actor, Deed.REOPEN, item.row["districts"], made_by=item.now.last.by if item.now.last else None)
            standing.append(key)
            if item.now.last is not None and item.now.last.verdict_id != of_act[key]:
                in_the_way.append(item.told_to(actor))
        if in_the_way:
            raise Conflict(
                f"{len(in_the_way)} of its links were decided again since: take those acts back first",
                code="half_undo", current={"act_id": act_id, "links": in_the_way},
            )  # fmt: skip
        if not standing:
            raise Conflict("nothing of this act stands any more", code="nothing_to_reopen")
        steps = [Step(key, None, text=reason) for key in sorted(standing)]
        new = ids.new_id()
        return done_of(new, *await write(tx, head, found, steps, deciding, new))

    return await store.write(work)


async def do_act_approval(
    store: Store, act_id: str, seen: Sequence[Seen], decision: SecondDecision, reason: str, *, actor: Person,
    now: datetime, purpose: str = "",
) -> Done:  # fmt: skip
    """A second person's decision on all confirmed links of one act that are named in `seen`, as one."""
    link.check_text(reason, needed=decision is SecondDecision.RETURNED)
    deciding = Deciding(actor, now, purpose, "approval", "links.approved")

    async def work(tx: Tx) -> Done:
        head = await log.lock_head(tx)
        found, _ = await _of_act(tx, act_id, actor)
        if not seen or {item.link_id for item in seen} - found.keys():
            raise Invalid("links: name links of this act, with the versions that you saw")
        for item in seen:
            locked = found[item.link_id]
            check_version(locked, item.version, actor)
            confirmation = locked.now.confirmation
            check_may(
                actor, Deed.APPROVE, locked.row["districts"], made_by=confirmation.by if confirmation else ""
            )  # fmt: skip
        steps = [Step(key, decision, text=reason) for key in sorted({item.link_id for item in seen})]
        new = ids.new_id()
        return done_of(new, *await write(tx, head, found, steps, deciding, new))

    return await store.write(work)


async def _of_act(tx: Tx, act_id: str, actor: Person) -> tuple[dict[str, Locked], dict[str, str]]:
    of_act = {row["link_id"]: row["verdict_id"] for row in await tx.rows(queries.LINKS_OF_ACT, act_id=act_id)}
    found = await lock(tx, of_act)
    if not found or not any(may(actor, Deed.SEE, item.row["districts"]) for item in found.values()):
        raise NotFound("there is no such act")
    return found, of_act
