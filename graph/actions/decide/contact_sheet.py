"""A contact sheet judged in one act, its preview, and a link that a person makes by hand.

All or nothing: one stale version refuses the whole act. An act on a contact sheet confirms one link from each face of a
side to that side's best face, and the best face to the other side; what lies between the same two people is settled by
that. Faces ticked off as different are dismissed in the same act.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from graph.actions import victims
from graph.actions.access import AccessEvent, AccessLog
from graph.actions.decide.acts import Done, done_of
from graph.actions.decide.verdicts import Deciding, Locked, Seen, Step, check_sees, check_version, lock, plan, write
from graph.actions.read.links import find_link
from graph.domain import ids, link, victim
from graph.domain.audit_actions import AuditAction
from graph.domain.contact_sheet import ContactSheet, Pair, SheetSubject, pairs_to_confirm, pairs_to_dismiss
from graph.domain.errors import Conflict, Invalid, NotFound
from graph.domain.link import AWAITS_VERDICT, JOINS, Decision, LinkStatus, State
from graph.domain.people import Permission, Person, check_may, may
from graph.domain.visibility import VisibleLink
from graph.store import log
from graph.store.queries import ingest
from graph.store.queries import review as queries
from graph.store.session import Row, Store, Tx

LINKS_MAX = 1000
"""Links in one act: a contact sheet that a person can still have looked at."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one person says of a contact sheet: of its links, but for the `faces_apart`, which show somebody else.

    `faces` are those of a group or victim that the person saw on the sheet without a link of their own; None where
    that is not said. An act joins what was seen: a face that link puts into the group meanwhile waits for its own, and
    one that people joined to the victim meanwhile makes the sheet stale.
    """

    links: tuple[Seen, ...]
    decision: Decision
    reasons: tuple[str, ...]
    text: str
    faces_apart: tuple[str, ...] = ()
    faces: tuple[str, ...] | None = None


async def do_act(store: Store, said: Said, *, actor: Person, now: datetime, purpose: str = "") -> Done:
    """Judges a contact sheet in one act; raises what `do_verdict` raises, for the whole of it."""
    check_said(said)
    act_id = ids.new_id()
    deciding = Deciding(actor, now, purpose, "verdict", AuditAction.LINKS_JUDGED, said.faces)

    async def work(tx: Tx) -> Done:
        head = await log.lock_head(tx)
        found = await _locked(tx, said, actor)
        steps, missing, around = await _steps(tx, said, found, actor)
        if missing:
            await _create(tx, missing, actor, now)
        found |= await lock(tx, [step.link_id for step in steps if step.link_id not in found])
        return done_of(act_id, await write(tx, head, found, steps, deciding, act_id, around), actor)

    return await store.write(work)


async def preview(store: Store, access_log: AccessLog, said: Said, *, access: AccessEvent) -> Done:
    """What the act would change, and every refusal that it would meet; nothing is decided, the look is in the audit."""
    check_said(said)
    deciding = Deciding(access.person, access.at, access.purpose, "verdict", AuditAction.LINKS_JUDGED, said.faces)

    async def work(tx: Tx) -> Done:
        found = await _locked(tx, said, access.person, only_look=True)
        steps, missing, around = await _steps(tx, said, found, access.person, only_look=True)
        found |= {row["link_id"]: _imagined(row) for row in missing}
        found |= await lock(tx, [step.link_id for step in steps if step.link_id not in found], only_look=True)
        return done_of(None, await plan(tx, found, steps, deciding, "", around), access.person)

    done = await store.read(work)
    await access_log.record(access.act(AuditAction.ACT_PREVIEWED, "links", shown=[seen.link_id for seen in said.links]))
    return done


async def do_link(
    store: Store, faces: tuple[str, str], reasons: Sequence[str], text: str, *, actor: Person, now: datetime,
    purpose: str = "", shown: tuple[str, ...] | None = None,
) -> VisibleLink:  # fmt: skip
    """The link that a person makes between two faces which the machine did not propose; it is confirmed at once.

    Raises Conflict `link_exists`, with its id, where there is one already, whatever its state.
    """
    link.check_reasons(Decision.CONFIRMED, reasons, text)
    if faces[0] == faces[1]:
        raise Invalid("a link joins two different faces")
    a, b = ids.ordered(*faces)
    link_id = ids.link_id(a, b)
    step = Step(link_id, Decision.CONFIRMED, tuple(reasons), text)

    async def work(tx: Tx) -> VisibleLink:
        head = await log.lock_head(tx)
        pair = await tx.one(queries.PAIR, a=a, b=b, by=actor.actor)
        if pair is None or not (_knows(actor, pair, "a") and _knows(actor, pair, "b")):
            raise NotFound("there is no such face", code="face_unknown")
        check_may(actor, Permission.JUDGE, [*pair["a_districts"], *pair["b_districts"]])
        if pair["link"] is not None:
            raise Conflict("these faces are linked already: judge that link", code="link_exists", current=pair["link"])
        await _create(tx, [{"link_id": link_id, "a": a, "b": b}], actor, now)
        deciding = Deciding(actor, now, purpose, "verdict", AuditAction.LINK_MADE, shown)
        await write(tx, head, await lock(tx, [link_id]), [step], deciding, ids.new_id())
        return await find_link(tx, link_id, viewer=actor)

    return await store.write(work)


async def _create(tx: Tx, pairs: Sequence[Row], actor: Person, now: datetime) -> None:
    """Creates links by hand, with their places in the queue."""
    rows: list[Row] = [{**row, "proposed_by": actor.actor, "proposed_in": actor.district} for row in pairs]
    await tx.do(queries.CREATE_LINKS, rows=rows, at=now.isoformat())
    await tx.do(ingest.PLACE_LINKS_BY_ID, links=[row["link_id"] for row in rows])


def _knows(actor: Person, pair: Row, side: str) -> bool:
    """Whether the person may know of this face: it is of the person's district, was an answer to a search, or is listed
    as similar to the other one, which is of the person's district."""
    other = "b" if side == "a" else "a"
    listed = bool(pair[f"{side}_listed"]) and may(actor, Permission.SEE, pair[f"{other}_districts"])
    return listed or may(actor, Permission.SEE, pair[f"{side}_districts"]) or bool(pair[f"{side}_found"])


def check_said(said: Said) -> None:
    """Refuses an act on nothing, on a link twice, or with faces apart where nothing is confirmed."""
    link.check_reasons(said.decision, said.reasons, said.text)
    if not 1 <= len(said.links) <= LINKS_MAX:
        raise Invalid(f"links: from 1 to {LINKS_MAX} of them")
    if len({item.link_id for item in said.links}) != len(said.links):
        raise Invalid("links: one of them is named twice")
    if (said.faces_apart or said.faces) and said.decision is not Decision.CONFIRMED:
        raise Invalid("faces, faces_apart: only where the others are confirmed")


async def _locked(tx: Tx, said: Said, actor: Person, *, only_look: bool = False) -> dict[str, Locked]:
    found = await lock(tx, [item.link_id for item in said.links], only_look=only_look)
    for item in said.links:
        if item.link_id not in found:
            raise NotFound("there is no such link")
        check_sees(actor, found[item.link_id])
        check_may(actor, Permission.JUDGE, found[item.link_id].row["districts"])
        check_version(found[item.link_id], item.version, actor)
    return found


async def _steps(
    tx: Tx, said: Said, found: dict[str, Locked], actor: Person, *, only_look: bool = False
) -> tuple[list[Step], list[Row], victims.Around]:
    """What the act says of each link, the links that it makes because the machine did not propose them, and all that
    hangs together with the faces of the sheet."""
    linked = {face for item in found.values() for face in (item.row["a"], item.row["b"])}
    shown = linked | set(said.faces or ())
    if not set(said.faces_apart) <= shown:
        raise Invalid("faces_apart: only faces of these links, or named in `faces`")
    around = await victims.load(tx, shown)
    if said.decision is not Decision.CONFIRMED:
        return [Step(key, said.decision, said.reasons, said.text) for key in sorted(found)], [], around
    apart = set(said.faces_apart)
    sheet, lone = await _sheet(tx, said, found, around, actor)
    joining = {ids.link_id(*pair): pair for pair in pairs_to_confirm(sheet)}
    parting = {ids.link_id(*pair): pair for pair in pairs_to_dismiss(sheet, lone)}
    pairs = joining | parting
    # Whatever the machine proposed between who was ticked off and who was not is answered too, and never asked again.
    between = (
        await tx.rows(
            queries.OPEN_BETWEEN, some=sorted(apart), others=sorted(sheet.side_of), states=sorted(AWAITS_VERDICT)
        )
        if apart
        else []
    )
    others = {row["link_id"] for row in between} | pairs.keys() - found.keys()
    known = found | await lock(tx, others, only_look=only_look)
    open_links = {
        row["link_id"] for row in between if may(actor, Permission.JUDGE, known[row["link_id"]].row["districts"])
    }
    missing = [{"link_id": key, "a": a, "b": b} for key, (a, b) in pairs.items() if key not in known]
    state = {key: known[key].now.state if key in known else State.CANDIDATE for key in pairs}
    for key in pairs:
        # A link of the sheet itself that waits for nobody is refused where its step is planned.
        settled = JOINS if key in joining else {State.DISMISSED}
        if key not in found and state[key] not in AWAITS_VERDICT and state[key] not in settled:
            judged = "to differ: tick one of them off" if key in joining else "to be one person"
            raise Conflict(victims.PLAIN, code="contradiction",
                           disclosed=f"two faces of this sheet were judged {judged}",
                           current={"kind": state[key].value, **known[key].told_to(actor)})  # fmt: skip
    due = [key for key in pairs if key in found or state[key] in AWAITS_VERDICT]
    different = {key for key, item in found.items() if {item.row["a"], item.row["b"]} & apart}
    different |= {key for key in due if key in parting} | (open_links & known.keys())
    steps = [Step(key, Decision.CONFIRMED, said.reasons, said.text) for key in sorted(due) if key in joining]
    return steps + [Step(key, Decision.DISMISSED, text=said.text) for key in sorted(different)], missing, around


async def _sheet(
    tx: Tx, said: Said, found: dict[str, Locked], around: victims.Around, actor: Person
) -> tuple[ContactSheet, dict[str, SheetSubject]]:
    """The two sides of the links that are left once the faces apart are taken out.

    Beside it the faces apart that no link of the act touches, with the group that they were shown in.
    """
    linked = {face for item in found.values() for face in (item.row["a"], item.row["b"])}
    apart, shown = set(said.faces_apart), linked | set(said.faces or ())
    if not shown - linked <= around.known_to(actor).faces:
        raise NotFound("there is no such face", code="face_unknown")
    of_face = victim.victims(around.near).of_face
    facts = {row["face_id"]: row for row in await tx.rows(queries.UNITS, faces=sorted(shown))}

    def side(face: str) -> SheetSubject:
        if face in of_face:
            return SheetSubject("victim", of_face[face])
        group = facts[face]["group"]
        if group is None:
            return SheetSubject("face", face)
        return SheetSubject("group" if may(actor, Permission.SEE, [group["district"]]) else "far", group["group_id"])

    pairs = [
        Pair(item.row["a"], item.row["b"]) for item in found.values() if not {item.row["a"], item.row["b"]} & apart
    ]
    sides = {side(face) for pair in pairs for face in (pair.a, pair.b)}
    elsewhere = sorted(
        face for face in shown - linked if side(face) not in sides or side(face).kind not in ("group", "victim")
    )
    if pairs and elsewhere:
        raise Conflict(
            "these faces are not in the groups or victims of these links any more: look at the sheet again",
            code="stale_version", current={"faces": elsewhere},
        )  # fmt: skip
    side_of = {face: side(face) for face in shown - apart if side(face) in sides}
    quality = {face: facts[face]["quality"] or 0.0 for face in side_of}
    return ContactSheet(tuple(pairs), side_of, quality), {face: side(face) for face in apart - linked}


def _imagined(row: Row) -> Locked:
    """A link that the act would make, for a preview."""
    full: Row = {**row, "state": "candidate", "version": 0, "confirmed_at": None, "districts": []}
    return Locked(full, LinkStatus(State.CANDIDATE))
