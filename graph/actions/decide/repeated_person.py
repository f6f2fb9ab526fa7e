"""People state that a picture shows the same person more than once: a collage, a mirror, a picture in the picture.

From then on two of its faces may be one person; nothing else changes. Statement, act and audit entry are one
transaction.
"""

from dataclasses import dataclass, replace

from graph.actions import victims
from graph.actions.access import Access
from graph.actions.decide.decision import check_consistent
from graph.domain import ids
from graph.domain.audit import content_digest
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Conflict, NotFound
from graph.domain.people import Maker, Permission, Person, check_may, check_stated, display_name_on_face, may
from graph.domain.repeated_person import RepeatedPerson
from graph.domain.victim import Neighbourhood
from graph.store import log
from graph.store.queries import repeated_person as queries
from graph.store.session import Row, Tx


@dataclass(frozen=True, slots=True)
class Statement:
    """One person's statement on a picture; `repeated_person` None takes it back. `version` is what the person saw."""

    media_id: str
    version: int
    repeated_person: RepeatedPerson | None
    reason: str


@dataclass(frozen=True, slots=True)
class PastStatement:
    """A statement; a maker in another district is named by role and district, without the reason."""

    act_id: str
    by: str
    at: str
    repeated_person: RepeatedPerson | None
    reason: str | None
    version: int


@dataclass(frozen=True, slots=True)
class Statements:
    """What stands of a picture, and as `items` all statements, oldest first."""

    media_id: str
    repeated_person: RepeatedPerson | None
    version: int
    items: tuple[PastStatement, ...]


async def do_statement(access: Access, statement: Statement) -> Statements:
    """The statements on the picture after this one.

    Raises NotFound for a media that the person may not see, Forbidden, Conflict `stale_version`, and Conflict
    `contradiction` where a statement is taken back on which a decision rests: two faces of the picture are one person.
    """
    check_stated("reason", statement.reason)
    act_id, actor = ids.new_id(), access.person

    async def work(tx: Tx, head: log.Head) -> Statements:
        row = _check_media(await tx.one(queries.LOCK_MEDIA, media_id=statement.media_id), actor)
        if row["version"] != statement.version:
            current = {"repeated_person": row["repeated_person"], "version": row["version"]}
            raise Conflict("somebody stated this first: see what stands now", code="stale_version", current=current)
        if statement.repeated_person is None:
            await _check_nothing_rests_on_it(tx, row["faces"], actor)
        await tx.do(
            queries.WRITE_STATEMENT,
            media_id=statement.media_id,
            act_id=act_id,
            **access.made_under(Permission.LABEL),
            repeated_person=statement.repeated_person,
            reason=statement.reason,
            version=statement.version + 1,
        )
        digest = content_digest(
            {"act_id": act_id, "repeated_person": statement.repeated_person, "reason": statement.reason}
        )
        await log.append(tx, head, [access.act(AuditAction.MEDIA_REPETITION_STATED, statement.media_id, digest=digest)])
        stated = await tx.one(queries.STATEMENTS, media_id=statement.media_id)
        assert stated is not None
        return _statements(stated, actor)

    return await log.write(access.store, work)


async def read_statements(access: Access, media_id: str) -> Statements:
    """The statements on a picture; the access is audited."""
    row = await access.store.read(lambda tx: tx.one(queries.STATEMENTS, media_id=media_id))
    check_may(access.person, Permission.SEE, row["districts"] if row else [])
    assert row is not None
    await access.record(AuditAction.MEDIA_REPETITION_SEEN, media_id)
    return _statements(row, access.person)


def _check_media(row: Row | None, actor: Person) -> Row:
    if row is None or not may(actor, Permission.SEE, row["districts"]):
        raise NotFound("there is no such media")
    check_may(actor, Permission.LABEL, row["districts"])
    return row


async def _check_nothing_rests_on_it(tx: Tx, faces: list[str], actor: Person) -> None:
    before = await victims.load(tx, faces)
    mine = set(faces)
    shown = {
        face: replace(facts, repeated_person=facts.repeated_person and face not in mine)
        for face, facts in before.near.faces.items()
    }
    check_consistent(before, replace(before, near=Neighbourhood(shown, before.near.links)), actor)


def _statements(row: Row, viewer: Person) -> Statements:
    items: list[PastStatement] = []
    for past in row["history"]:
        maker = Maker(past.pop("by"), past.pop("role"), past.pop("district"))
        by = display_name_on_face(viewer, maker, row["districts"])
        reason = past.pop("reason")
        items.append(PastStatement(**past, by=by, reason=reason if by == maker.actor else None))
    return Statements(row["media_id"], row["repeated_person"], row["version"], tuple(items))
