"""One decision on two faces that a person put side by side: a link made by hand, and the preview of *same person*."""

from collections.abc import Sequence

from graph.actions.access import Access
from graph.actions.decide.acts import Done, done_of
from graph.actions.decide.contact_sheet import create, lock_seen
from graph.actions.decide.decision import Deciding, Locked, Seen, Step
from graph.actions.decide.verdicts import lock, plan, write
from graph.actions.read.links import find_link
from graph.domain import ids, link
from graph.domain.audit_actions import AuditAction
from graph.domain.contact_sheet import Pair
from graph.domain.errors import Conflict, Invalid, NotFound
from graph.domain.link import Decision
from graph.domain.people import Permission, Person, check_may, may
from graph.domain.visibility import VisibleLink
from graph.store import log
from graph.store.queries import review as queries
from graph.store.session import Row, Tx


async def do_link(
    access: Access,
    faces: tuple[str, str],
    reasons: Sequence[str],
    text: str,
    *,
    shown: tuple[str, ...] | None = None,
) -> VisibleLink:
    """The link that a person makes between two faces which the machine did not propose; it is confirmed at once.

    Raises Conflict `link_exists`, with its id, where there is one already, whatever its state.
    """
    link.check_reasons(Decision.CONFIRMED, reasons, text)
    link_id, pair = _link_of(faces)
    step = Step(link_id, Decision.CONFIRMED, tuple(reasons), text)
    deciding = Deciding(access, "verdict", AuditAction.LINK_MADE, shown)

    async def work(tx: Tx, head: log.Head) -> VisibleLink:
        await _check_unlinked(tx, pair, access.person)
        await create(tx, {link_id: pair}, access)
        await write(tx, head, await lock(tx, [link_id]), [step], deciding, ids.new_id())
        return await find_link(tx, link_id, viewer=access.person)

    return await log.write(access.store, work)


async def preview_pair(
    access: Access, faces: tuple[str, str], version: int | None, shown: tuple[str, ...] | None
) -> Done:
    """What *same person* would change, with every refusal that it would meet. Nothing is decided; it is audited.

    `version` is that of the faces' link, None where they have none; `shown` are the faces that the person saw.
    """
    link_id, pair = _link_of(faces)
    deciding = Deciding(access, "verdict", AuditAction.LINK_JUDGED, shown)

    async def work(tx: Tx) -> Done:
        if version is None:
            await _check_unlinked(tx, pair, access.person)
            found = {link_id: Locked.not_made(link_id, *pair)}
        else:
            found = await lock_seen(tx, [Seen(link_id, version)], access, read_only=True)
        return done_of(None, await plan(tx, found, [Step(link_id, Decision.CONFIRMED)], deciding, ""), access.person)

    done = await access.store.read(work)
    await access.record(AuditAction.ACT_PREVIEWED, link_id, shown=[link_id])
    return done


def _link_of(faces: tuple[str, str]) -> tuple[str, Pair]:
    """The id of the faces' link, and the faces in its order."""
    if faces[0] == faces[1]:
        raise Invalid("a link joins two different faces")
    pair = ids.ordered(*faces)
    return ids.link_id(*pair), pair


async def _check_unlinked(tx: Tx, faces: Pair, actor: Person) -> None:
    """Refuses a pair of which the person may not know both faces, may not judge, or which has a link."""
    pair = await tx.one(queries.PAIR, a=faces[0], b=faces[1], by=actor.actor)
    if pair is None or not (_may_know(actor, pair, "a", "b") and _may_know(actor, pair, "b", "a")):
        raise NotFound("there is no such face", code="face_unknown")
    check_may(actor, Permission.JUDGE, [*pair["a_districts"], *pair["b_districts"]])
    if pair["link"] is not None:
        raise Conflict("these faces are linked already: judge that link", code="link_exists", current=pair["link"])


def _may_know(actor: Person, pair: Row, side: str, other: str) -> bool:
    """Whether the person may know of the face on this side of the pair.

    Its case is in the person's district, it was an answer to a search of theirs, or it is listed as similar to the
    other face, whose case is in the person's district.
    """
    listed = bool(pair[f"{side}_listed"]) and may(actor, Permission.SEE, pair[f"{other}_districts"])
    return listed or may(actor, Permission.SEE, pair[f"{side}_districts"]) or bool(pair[f"{side}_found"])
