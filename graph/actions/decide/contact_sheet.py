"""One decision on a contact sheet, and its preview.

All or nothing: one outdated version refuses the whole act. An act on a contact sheet confirms one link from each face
of a side to that side's best face, and the best face to the other side; that settles every link between the two sides.
Faces ticked off as different are dismissed in the same act.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graph.actions import victims
from graph.actions.access import Access
from graph.actions.decide.acts import Done, done_of
from graph.actions.decide.decision import PLAIN, Deciding, Locked, Seen, Step
from graph.actions.decide.verdicts import check_judge, check_version, lock, plan, write
from graph.actions.victims import Surroundings
from graph.domain import ids, link
from graph.domain.audit_actions import AuditAction
from graph.domain.contact_sheet import ContactSheet, Pair, SheetSubject, pairs_to_confirm, pairs_to_dismiss
from graph.domain.errors import Conflict, Invalid, NotFound
from graph.domain.link import AWAITS_VERDICT, JOINS, Decision, State
from graph.domain.people import Permission, Person, may
from graph.store import log
from graph.store.queries import ingest
from graph.store.queries import review as queries
from graph.store.session import Row, Tx

LINKS_MAX = 1000
"""Links in one act: a contact sheet that a person can still have reviewed."""
Pairs = Mapping[str, Pair]
"""Two face ids by link id."""


@dataclass(frozen=True, slots=True)
class SheetJudgement:
    """One person's decision on the links of a contact sheet, except that `faces_apart` show somebody else.

    `faces` are those of a group or victim that the person saw on the sheet without a link of their own; None: not
    stated. An act joins what was seen: a face that link adds to the group meanwhile waits for its own decision, and one
    that people joined to the victim meanwhile makes the sheet outdated.
    """

    links: tuple[Seen, ...]
    decision: Decision
    reasons: tuple[str, ...]
    text: str
    faces_apart: tuple[str, ...] = ()
    faces: tuple[str, ...] | None = None

    def check(self) -> None:
        """Refuses an act on no link, on one link twice, or with faces beside links that are not confirmed."""
        link.check_reasons(self.decision, self.reasons, self.text)
        if not 1 <= len(self.links) <= LINKS_MAX:
            raise Invalid(f"links: from 1 to {LINKS_MAX} of them")
        if len({item.link_id for item in self.links}) != len(self.links):
            raise Invalid("links: one of them is named twice")
        if (self.faces_apart or self.faces) and self.decision is not Decision.CONFIRMED:
            raise Invalid("faces, faces_apart: only where the others are confirmed")


@dataclass(frozen=True, slots=True)
class _SheetPlan:
    """The steps of an act, the links that it creates, and the surroundings of all faces of the sheet."""

    steps: list[Step]
    created: Pairs
    around: Surroundings


async def do_act(access: Access, judgement: SheetJudgement) -> Done:
    """The result of one act on a contact sheet; raises what `do_verdict` raises, for the whole of it."""
    judgement.check()
    act_id, actor = ids.new_id(), access.person
    deciding = Deciding(access, "verdict", AuditAction.LINKS_JUDGED, judgement.faces)

    async def work(tx: Tx, head: log.Head) -> Done:
        found = await lock_seen(tx, judgement.links, access)
        sheet = await _plan_sheet(tx, judgement, found, access)
        if sheet.created:
            await create(tx, sheet.created, access)
        found |= await lock(tx, [step.link_id for step in sheet.steps if step.link_id not in found])
        return done_of(act_id, await write(tx, head, found, sheet.steps, deciding, act_id, sheet.around), actor)

    return await log.write(access.store, work)


async def preview(access: Access, judgement: SheetJudgement) -> Done:
    """What the act would change, with every refusal that it would meet. Nothing is decided; the access is audited."""
    judgement.check()
    actor = access.person
    deciding = Deciding(access, "verdict", AuditAction.LINKS_JUDGED, judgement.faces)

    async def work(tx: Tx) -> Done:
        found = await lock_seen(tx, judgement.links, access, read_only=True)
        sheet = await _plan_sheet(tx, judgement, found, access, read_only=True)
        found |= {link_id: Locked.not_made(link_id, a, b) for link_id, (a, b) in sheet.created.items()}
        found |= await lock(tx, [step.link_id for step in sheet.steps if step.link_id not in found], read_only=True)
        return done_of(None, await plan(tx, found, sheet.steps, deciding, "", sheet.around), actor)

    done = await access.store.read(work)
    shown = [seen.link_id for seen in judgement.links]
    await access.record(AuditAction.ACT_PREVIEWED, "links", shown=shown)
    return done


async def create(tx: Tx, pairs: Pairs, access: Access) -> None:
    """Creates links by hand, with their places in the queue."""
    made: Row = {"proposed_by": access.person.actor, "proposed_in": access.person.district}
    rows: list[Row] = [{"link_id": link_id, "a": a, "b": b, **made} for link_id, (a, b) in pairs.items()]
    await tx.do(queries.CREATE_LINKS, rows=rows, at=access.at.isoformat())
    await tx.do(ingest.PLACE_LINKS_BY_ID, links=[*pairs])


async def lock_seen(tx: Tx, seen: Sequence[Seen], access: Access, *, read_only: bool = False) -> dict[str, Locked]:
    """The links with their histories, if the person may judge them all and saw their present versions."""
    found = await lock(tx, [item.link_id for item in seen], read_only=read_only)
    for item in seen:
        if item.link_id not in found:
            raise NotFound("there is no such link")
        check_judge(access, found[item.link_id])
        check_version(found[item.link_id], item.version, access.person)
    return found


async def _plan_sheet(
    tx: Tx, judgement: SheetJudgement, found: Mapping[str, Locked], access: Access, *, read_only: bool = False
) -> _SheetPlan:
    """What the act decides on each link, including links that the machine did not propose and the act creates."""
    linked, actor = {face for locked in found.values() for face in locked.faces}, access.person
    shown = linked | set(judgement.faces or ())
    if not set(judgement.faces_apart) <= shown:
        raise Invalid("faces_apart: only faces of these links, or named in `faces`")
    around = await victims.load(tx, shown)
    if judgement.decision is not Decision.CONFIRMED:
        steps = [Step(key, judgement.decision, judgement.reasons, judgement.text) for key in sorted(found)]
        return _SheetPlan(steps, {}, around)
    apart = set(judgement.faces_apart)
    sheet, unlinked = await _sheet(tx, judgement, found, around, actor)
    confirmed = {ids.link_id(*pair): pair for pair in pairs_to_confirm(sheet)}
    dismissed = {ids.link_id(*pair): pair for pair in pairs_to_dismiss(sheet, unlinked)}
    pairs = confirmed | dismissed
    # Links that the machine proposed between a face ticked off and one that was not are answered too, but for those
    # that somebody else is judging.
    between = await _open_links(tx, apart, sheet.side_of) if apart else set[str]()
    known = {**found, **await lock(tx, between | (pairs.keys() - found.keys()), read_only=read_only)}
    may_dismiss = {
        key
        for key in between & known.keys()
        if may(actor, Permission.JUDGE, known[key].districts) and not known[key].is_claimed_from(access)
    }
    states = {key: known[key].status.state if key in known else State.WITHDRAWN for key in pairs}
    for key in pairs:
        # A link of the sheet itself that waits for no verdict is refused where its step is planned.
        settled = JOINS if key in confirmed else {State.DISMISSED}
        if key not in found and states[key] not in AWAITS_VERDICT and states[key] not in settled:
            current = {"kind": states[key].value, **known[key].current_for(actor)}
            message = "two faces of this sheet were judged to be one person"
            if key in confirmed:
                message = "two faces of this sheet were judged to differ: tick one of them off"
            raise Conflict(PLAIN, code="contradiction", disclosed=message, current=current)
    due = {key for key in pairs if key in found or states[key] in AWAITS_VERDICT}
    different = {key for key, locked in found.items() if apart & set(locked.faces)}
    different |= (due & dismissed.keys()) | may_dismiss
    steps = [
        Step(key, Decision.CONFIRMED, judgement.reasons, judgement.text) for key in sorted(due) if key in confirmed
    ]
    steps += [Step(key, Decision.DISMISSED, text=judgement.text) for key in sorted(different)]
    return _SheetPlan(steps, {key: pair for key, pair in pairs.items() if key not in known}, around)


async def _open_links(tx: Tx, faces: set[str], others: Mapping[str, object]) -> set[str]:
    """The links between these faces and the others that wait for a verdict."""
    states = sorted(AWAITS_VERDICT)
    rows = await tx.rows(queries.OPEN_BETWEEN, some=sorted(faces), others=sorted(others), states=states)
    return {row["link_id"] for row in rows}


async def _sheet(
    tx: Tx, judgement: SheetJudgement, found: Mapping[str, Locked], around: Surroundings, actor: Person
) -> tuple[ContactSheet, dict[str, SheetSubject]]:
    """The two sides of the links that remain without the faces apart.

    Also the faces apart that no link of the act touches, each with the group in which it was shown.
    """
    linked = {face for locked in found.values() for face in locked.faces}
    apart, shown = set(judgement.faces_apart), linked | set(judgement.faces or ())
    if not shown - linked <= around.view_of(actor).faces:
        raise NotFound("there is no such face", code="face_unknown")
    of_face = around.victims.of_face
    facts = {row["face_id"]: row for row in await tx.rows(queries.UNITS, faces=sorted(shown))}

    def side(face: str) -> SheetSubject:
        if face in of_face:
            return SheetSubject("victim", of_face[face])
        group = facts[face]["group"]
        if group is None:
            return SheetSubject("face", face)
        return SheetSubject("group" if may(actor, Permission.SEE, [group["district"]]) else "far", group["group_id"])

    pairs = tuple(locked.faces for locked in found.values() if not apart & set(locked.faces))
    sides = {side(face) for pair in pairs for face in pair}
    elsewhere = sorted(
        face for face in shown - linked if side(face) not in sides or side(face).kind not in ("group", "victim")
    )
    if pairs and elsewhere:
        message = "these faces are not in the groups or victims of these links any more: look at the sheet again"
        raise Conflict(message, code="stale_version", current={"faces": elsewhere})
    side_of = {face: side(face) for face in shown - apart if side(face) in sides}
    quality = {face: facts[face]["quality"] or 0.0 for face in side_of}
    return ContactSheet(pairs, side_of, quality), {face: side(face) for face in apart - linked}
