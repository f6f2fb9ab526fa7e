"""Looks at one case, at its media, and at one media with its faces; what lies in another district is absent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from graph.actions.access import AccessEvent, AccessLog
from graph.actions.known import KnownAs, KnownVictims
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import NotFound
from graph.domain.link import State
from graph.domain.people import Maker, Permission, Person, display_name_on_face, may
from graph.domain.visibility import with_visible_statements
from graph.store.queries import mark as marking
from graph.store.queries import media as queries
from graph.store.session import Row, Store, Tx


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """A case with how much there is in it; `links` counts by state, leads left out."""

    case: Row
    media: int
    faces: int
    too_poor: int
    links: dict[str, int]


@dataclass(frozen=True, slots=True)
class MediaFaces:
    """The faces of one media; `waiting` are those that people marked and link has not taken in yet."""

    faces: tuple[Row, ...]
    waiting: tuple[Row, ...]


def check_visible(person: Person, districts: Iterable[str | None], what: str) -> None:
    """NotFound, as if it were absent, where the person may not see what lies in these districts."""
    if not may(person, Permission.SEE, districts):
        raise NotFound(f"there is no such {what}")


def masked(person: Person, case: Row) -> Row:
    """The case as this person may see it: of one in another district only the district and the duty contact."""
    if may(person, Permission.SEE, [case["district"]]):
        return case
    return {name: case[name] if name in ("district", "contact") else None for name in case}


async def read_case_facts(store: Store, access_log: AccessLog, case_id: str, *, access: AccessEvent) -> CaseFacts:
    """The case without what is in it; the look is in the audit."""

    async def work(tx: Tx) -> CaseFacts:
        row = await check_case(tx, case_id, access.person)
        links = await tx.rows(queries.LINKS_OF_CASE_BY_STATE, case_id=case_id)
        numbers = {item["state"]: item["number"] for item in links if item["state"] != State.LEAD}
        return CaseFacts(row["case"], row["media"], row["faces"], row["too_poor"], numbers)

    facts = await store.read(work)
    await access_log.record(access.act(AuditAction.CASE_SEEN, case_id))
    return facts


async def check_case(tx: Tx, case_id: str, person: Person) -> Row:
    """The row of `queries.CASE`; NotFound where there is no such case or this person may not see it."""
    row = await tx.one(queries.CASE, case_id=case_id)
    check_visible(person, [row["case"]["district"]] if row else [], "case")
    assert row is not None
    return row


async def read_media_of_case(
    store: Store, access_log: AccessLog, case_id: str, *, after: str, limit: int, access: AccessEvent
) -> tuple[list[Row], str | None]:
    """At most `limit` media of the case by id, and where the next page begins."""

    async def work(tx: Tx) -> list[Row]:
        await check_case(tx, case_id, access.person)
        return await tx.rows(queries.MEDIA_OF_CASE, case_id=case_id, after=after, limit=limit + 1)

    rows = await store.read(work)
    page: list[Row] = [
        {**with_visible_statements(row, access.person), "others": _readable(access.person, row["others"])}
        for row in rows[:limit]
    ]
    shown = [row["media"]["media_id"] for row in page]
    await access_log.record(access.act(AuditAction.CASE_MEDIA_SEEN, case_id, shown=shown))
    return page, shown[-1] if len(rows) > limit else None


@dataclass(frozen=True, slots=True)
class OnItsWay:
    """An uploaded media that nothing is known of yet: `submitted`, or `quarantined` because it can't be processed."""

    media_id: str
    status: Literal["submitted", "quarantined"]


async def read_media(store: Store, access_log: AccessLog, media_id: str, *, access: AccessEvent) -> Row | OnItsWay:
    """The media with its memberships, those in other districts masked; the look is in the audit.

    Of one that lies in no case of the district yet, but was uploaded into one, that it is on its way.
    """

    async def work(tx: Tx) -> tuple[Row | None, list[Row]]:
        row = await tx.one(queries.MEDIA, media_id=media_id)
        if row is not None and may(access.person, Permission.SEE, [item["district"] for item in row["memberships"]]):
            return row, []
        return None, await tx.rows(queries.UPLOADS, media_id=media_id)

    row, uploads = await store.read(work)
    if row is None:
        mine = [upload["status"] for upload in uploads if may(access.person, Permission.SEE, [upload["district"]])]
        if not mine:
            raise NotFound("there is no such media")
        await access_log.record(access.act(AuditAction.MEDIA_SEEN, media_id))
        return OnItsWay(media_id, "submitted" if "submitted" in mine else "quarantined")
    await access_log.record(access.act(AuditAction.MEDIA_SEEN, media_id))
    return {**with_visible_statements(row, access.person), "memberships": _told(row["memberships"], access.person)}


def _told(memberships: Sequence[Row], person: Person) -> list[Row]:
    """One's own memberships by case; behind them which other districts have the picture, not in how many cases."""
    own = [item for item in memberships if may(person, Permission.SEE, [item["district"]])]
    others = {(item["district"] or "", item["contact"] or ""): item for item in memberships if item not in own}
    return [*own, *(masked(person, others[place]) for place in sorted(others))]


async def read_faces(store: Store, access_log: AccessLog, media_id: str, *, access: AccessEvent) -> MediaFaces:
    """The faces of a media in their order, and what was marked in it and waits; the look is in the audit."""

    async def work(tx: Tx) -> MediaFaces:
        districts = await tx.rows(queries.DISTRICTS_OF_MEDIA, media_id=media_id)
        check_visible(access.person, [row["district"] for row in districts], "media")
        marks = await tx.one(marking.WAITING, media_id=media_id)
        faces = await tx.rows(queries.FACES_OF_MEDIA, media_id=media_id)
        victims = {row["face"]["face_id"]: row["victim_id"] for row in faces if row["victim_id"] is not None}
        names = await KnownVictims(tx, access.person).names(victims)
        places = [row["district"] for row in districts]

        def by(act: Row, name: str) -> str:
            return display_name_on_face(access.person, Maker(act[name], act["role"], act["district"]), places)

        told = [
            {**row, "victim_id": _victim_id(names.get(row["face"]["face_id"])),
             "mark": row["mark"] and {**row["mark"], "by": by(row["mark"], "by")}}
            for row in faces
        ]  # fmt: skip
        waiting = [{**mark, "marked_by": by(mark, "marked_by")} for mark in (marks["waiting"] if marks else ())]
        return MediaFaces(tuple(told), tuple(waiting))

    found = await store.read(work)
    shown = [*(row["face"]["face_id"] for row in found.faces), *(row["face_id"] for row in found.waiting)]
    await access_log.record(access.act(AuditAction.MEDIA_FACES_SEEN, media_id, shown=shown))
    return found


def _victim_id(name: KnownAs | None) -> str | None:
    return name.victim_id if name else None


def _readable(person: Person, cases: Iterable[Row]) -> list[Row]:
    return [case for case in cases if may(person, Permission.SEE, [case["district"]])]
