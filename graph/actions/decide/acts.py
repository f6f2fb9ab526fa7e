"""An act on several links taken back or approved as one, and what an act says that it changed.

To a person an act consists of its links that touch their district: that part is decided as one, the rest stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from graph.actions.decide.verdicts import Deciding, Planned, Seen, Step, check_version, of_act_for, write
from graph.domain import ids, link
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Conflict, Invalid, NotFound
from graph.domain.link import SecondDecision
from graph.domain.people import Permission, Person, check_may, may
from graph.store import log
from graph.store.queries import review as queries
from graph.store.session import Row, Store, Tx


@dataclass(frozen=True, slots=True)
class Done:
    """An act and what it changed, as far as its maker may know it; `act_id` is None for a preview.

    `in_part` says that of an act taken back something stands in another district.
    """

    act_id: str | None
    links: tuple[Row, ...]
    faces: int
    cases: int
    victims: tuple[Row, ...]
    pending: tuple[str, ...]
    to_approve_again: tuple[str, ...]
    in_part: bool = False


def done_of(act_id: str | None, planned: Planned, viewer: Person) -> Done:
    """What an act that was planned so changed, computed from what the viewer may know before it and then."""
    around = planned.around
    before, after = around.known_to(viewer), around.known_to(viewer, planned.then)
    was, now = before.victims.of_face, after.victims.of_face
    changed = [face for face in after.near.faces if was.get(face) != now.get(face)]
    cases = {case["case_id"] for face in changed if face in after.faces for case in around.cases[face]}
    named = sorted({now[face] for face in changed if face in now})
    fallen = [item for item in planned.follows.to_approve_again if before.includes(item)]
    return Done(
        act_id=act_id,
        links=tuple(
            {"link_id": item.step.link_id, "state": item.state.value, "version": item.found.row["version"] + 1}
            for item in planned.outcomes
        ),
        faces=len(changed),
        cases=len(cases),
        victims=tuple({"victim_id": name, "faces": len(after.victims.by_id[name].faces)} for name in named),
        pending=tuple(sorted(after.victims.pending & {item.step.link_id for item in planned.outcomes})),
        to_approve_again=tuple(item.identification_id for item in fallen),
    )


async def do_act_reopening(
    store: Store, act_id: str, reason: str, *, actor: Person, now: datetime, purpose: str = ""
) -> Done:
    """Takes back what of an act touches the person's district, as one.

    Refused as a half undo where something was decided on top of it, which it names.
    """
    link.check_text(reason, needed=True)
    deciding = Deciding(actor, now, purpose, "reopening", AuditAction.ACT_REOPENED)

    async def work(tx: Tx) -> Done:
        head = await log.lock_head(tx)
        mine, rest = await of_act_for(tx, act_id, actor)
        if not mine:
            raise NotFound("there is no such act")
        standing = {key: item for key, (item, verdict_id) in mine.items() if item.stands(verdict_id)}
        in_the_way: list[dict[str, Any]] = []
        for key, item in standing.items():
            last = item.now.last
            check_may(actor, Permission.REOPEN, item.row["districts"], made_by=last.by if last else None)
            if last is not None and last.verdict_id != mine[key][1]:
                in_the_way.append(item.told_to(actor))
        if in_the_way:
            raise Conflict(
                "links of it were decided again since: take those acts back first", code="half_undo",
                current={"act_id": act_id, "links": in_the_way},
                disclosed=f"{len(in_the_way)} of its links were decided again since: take those acts back first",
            )  # fmt: skip
        if not standing:
            raise Conflict("nothing of this act stands any more", code="nothing_to_reopen")
        steps = [Step(key, None, text=reason) for key in sorted(standing)]
        new = ids.new_id()
        planned = await write(tx, head, standing, steps, deciding, new)
        return replace(done_of(new, planned, actor), in_part=bool(rest))

    return await store.write(work)


async def do_act_approval(
    store: Store, act_id: str, seen: Sequence[Seen], decision: SecondDecision, reason: str, *, actor: Person,
    now: datetime, purpose: str = "", faces: tuple[str, ...] | None = None,
) -> Done:  # fmt: skip
    """A second person's decision on all confirmed links of one act that are named in `seen`, as one."""
    link.check_text(reason, needed=decision is SecondDecision.RETURNED)
    action = AuditAction.LINKS_RETURNED if decision is SecondDecision.RETURNED else AuditAction.LINKS_APPROVED
    deciding = Deciding(actor, now, purpose, "approval", action, faces)

    async def work(tx: Tx) -> Done:
        head = await log.lock_head(tx)
        mine, _ = await of_act_for(tx, act_id, actor)
        # A link that the person may not see is answered as one that does not exist, whether it is of the act or not.
        named = await tx.rows(queries.LINKS, links=[item.link_id for item in seen])
        if not mine or sum(may(actor, Permission.SEE, row["districts"]) for row in named) != len(seen):
            raise NotFound("there is no such act, or no such link")
        if not seen or {item.link_id for item in seen} - mine.keys():
            raise Invalid("links: name links of this act, with the versions that you saw")
        found = {item.link_id: mine[item.link_id][0] for item in seen}
        for item in seen:
            locked = found[item.link_id]
            confirmation = locked.now.confirmation
            check_may(
                actor, Permission.APPROVE, locked.row["districts"], made_by=confirmation.by if confirmation else ""
            )  # fmt: skip
            check_version(locked, item.version, actor)
        steps = [Step(key, decision, text=reason) for key in sorted(found)]
        new = ids.new_id()
        return done_of(new, await write(tx, head, found, steps, deciding, new), actor)

    return await store.write(work)
