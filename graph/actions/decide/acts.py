"""An act on several links, reopened or approved as one, and the result of an act.

To a person an act consists of its links that touch their district: these are decided as one, the rest is unchanged.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from graph.actions.access import Access
from graph.actions.decide.decision import Deciding, Locked, Planned, Seen, Step
from graph.actions.decide.verdicts import check_version, decided_since, links_of_act, write
from graph.domain import ids, link
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Conflict, Invalid, NotFound
from graph.domain.link import SecondDecision, State
from graph.domain.people import Permission, Person, check_may, may
from graph.store import log
from graph.store.queries import review as queries
from graph.store.session import Tx


@dataclass(frozen=True, slots=True)
class DecidedLink:
    """A link of an act, with the state and version that the act leads to."""

    link_id: str
    state: State
    version: int


@dataclass(frozen=True, slots=True)
class ChangedVictim:
    """A victim that faces have moved to, with the number of its faces that the viewer may know."""

    victim_id: str
    faces: int


@dataclass(frozen=True, slots=True)
class Done:
    """What an act changed, as far as its maker may know it; `act_id` is None for a preview.

    `faces` of `cases` cases are in another victim than before. `in_part`: some links of a reopened act are unchanged,
    because they belong to other districts.
    """

    act_id: str | None
    links: tuple[DecidedLink, ...]
    faces: int
    cases: int
    victims: tuple[ChangedVictim, ...]
    pending: tuple[str, ...]
    identifications_to_approve_again: tuple[str, ...]
    in_part: bool = False


def done_of(act_id: str | None, planned: Planned, viewer: Person) -> Done:
    """The result of a planned act, computed from what the viewer may know before and after it."""
    before, after = planned.before.view_of(viewer), planned.after.view_of(viewer)
    old_of_face, new_of_face = before.victims.of_face, after.victims.of_face
    changed = [face for face in after.near.faces if old_of_face.get(face) != new_of_face.get(face)]
    cases = {case.case_id for face in changed if face in after.faces for case in planned.before.cases[face]}
    named = sorted({new_of_face[face] for face in changed if face in new_of_face})
    lapsed = [item for item in planned.effects.to_approve_again if before.includes(item)]
    return Done(
        act_id=act_id,
        links=tuple(DecidedLink(item.locked.link_id, item.state, item.locked.version + 1) for item in planned.outcomes),
        faces=len(changed),
        cases=len(cases),
        victims=tuple(ChangedVictim(name, len(after.victims.by_id[name].faces)) for name in named),
        pending=tuple(sorted(after.victims.pending & {item.locked.link_id for item in planned.outcomes})),
        identifications_to_approve_again=tuple(item.identification_id for item in lapsed),
    )


async def do_act_reopening(access: Access, act_id: str, reason: str) -> Done:
    """The result of reopening the links of an act that touch the person's district, as one.

    Raises Conflict `half_undo`, which names the links, where a later act decided some of them: also to who may not take
    that one back.
    """
    link.check_text(reason, needed=True)
    actor, deciding = access.person, Deciding(access, "reopening", AuditAction.ACT_REOPENED)

    async def work(tx: Tx, head: log.Head) -> Done:
        visible, others_stand = await links_of_act(tx, act_id, actor)
        if not visible:
            raise NotFound("there is no such act")
        standing = {key: locked for key, (locked, verdict_id) in visible.items() if locked.is_in_force(verdict_id)}
        decided_later: list[Locked] = []
        for key, locked in standing.items():
            own = next(act for act in locked.status.acts if act.verdict_id == visible[key][1])
            check_may(actor, Permission.REOPEN, locked.districts, made_by=own.by)
            if locked.status.last is not own:
                decided_later.append(locked)
        if decided_later:
            raise decided_since(decided_later, act_id, actor)
        if not standing:
            raise Conflict("nothing of this act stands any more", code="nothing_to_reopen")
        steps = [Step(key, None, text=reason) for key in sorted(standing)]
        new = ids.new_id()
        planned = await write(tx, head, standing, steps, deciding, new)
        return replace(done_of(new, planned, actor), in_part=others_stand)

    return await log.write(access.store, work)


async def do_act_approval(
    access: Access,
    act_id: str,
    seen: Sequence[Seen],
    decision: SecondDecision,
    reason: str,
    *,
    faces: tuple[str, ...] | None = None,
) -> Done:
    """The result of a second person's decision, as one, on the confirmed links of an act that are named in `seen`."""
    link.check_text(reason, needed=decision is SecondDecision.RETURNED)
    action = AuditAction.LINKS_RETURNED if decision is SecondDecision.RETURNED else AuditAction.LINKS_APPROVED
    actor, deciding = access.person, Deciding(access, "approval", action, faces)

    async def work(tx: Tx, head: log.Head) -> Done:
        visible, _ = await links_of_act(tx, act_id, actor)
        # A link that the person may not see is answered as one that does not exist, whether it is of the act or not.
        named = await tx.rows(queries.LINKS, links=[item.link_id for item in seen])
        if not visible or sum(may(actor, Permission.SEE, row["districts"]) for row in named) != len(seen):
            raise NotFound("there is no such act, or no such link")
        if not seen or {item.link_id for item in seen} - visible.keys():
            raise Invalid("links: name links of this act, with the versions that you saw")
        found = {item.link_id: visible[item.link_id][0] for item in seen}
        for item in seen:
            locked = found[item.link_id]
            confirmation = locked.status.confirmation
            made_by = confirmation.by if confirmation else ""
            check_may(actor, Permission.APPROVE, locked.districts, made_by=made_by)
            check_version(locked, item.version, actor)
        steps = [Step(key, decision, text=reason) for key in sorted(found)]
        new = ids.new_id()
        return done_of(new, await write(tx, head, found, steps, deciding, new), actor)

    return await log.write(access.store, work)
