"""Looks at cases, links and faces, each audited before it is answered; and counts for whoever runs the system."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from typing import Any

from graph.actions.access import AccessEvent, AccessLog
from graph.actions.known import KnownVictims
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import NotFound
from graph.domain.link import State
from graph.domain.people import Permission, Person, districts_of
from graph.domain.visibility import (
    VisibleCase,
    VisibleLink,
    linked_cases,
    may_see_case,
    may_see_face,
    may_see_link,
    visible_link,
    visible_media,
)
from graph.files import UPLOAD_SCHEME, MediaStore
from graph.store import migrate
from graph.store.queries import read as queries
from graph.store.queries import relay, schema
from graph.store.session import Row, Store, Tx

SHOWN_WITHOUT_LEADS = [state.value for state in State if state is not State.LEAD]
WITH_LEADS = [state.value for state in State]
ROWS_A_PAGE = 1000


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link with its score, for tables and measurements: never for a person who is going to judge it."""

    link_id: str
    state: str
    score: float
    threshold: float
    a_face: str
    a_media: str
    a_cases: tuple[str, ...]
    a_box: tuple[int, ...]
    b_face: str
    b_media: str
    b_cases: tuple[str, ...]
    b_box: tuple[int, ...]

    @property
    def between_cases(self) -> bool:
        """Whether the two faces connect two different cases."""
        return any(a != b for a in self.a_cases for b in self.b_cases)


async def read_link(store: Store, access_log: AccessLog, link_id: str, *, access: AccessEvent) -> VisibleLink:
    """The link with as much of its history as this person may read; the look is in the audit."""
    found = await store.read(lambda tx: seen_link(tx, link_id, viewer=access.person))
    await access_log.record(access.act(AuditAction.LINK_SEEN, link_id))
    return found


async def read_links(
    store: Store,
    access_log: AccessLog,
    *,
    state: State,
    case_id: str | None,
    after: str,
    limit: int,
    access: AccessEvent,
) -> tuple[list[VisibleLink], str | None]:
    """At most `limit` links in one state by link id, which tells no score, and where the next page begins.

    A case that the person may not see has no links, as one that does not exist.
    """

    async def work(tx: Tx) -> list[Row]:
        page: dict[str, Any] = {"after": after, "limit": limit + 1}
        if case_id is None:
            districts = sorted(districts_of(access.person, Permission.SEE))
            return await tx.listed(queries.LINKS, state=state.value, districts=districts, **page)
        case = await tx.one(queries.CASE, case_id=case_id)
        if case is None or not may_see_case(access.person, case["case"]):
            return []
        return await tx.listed(queries.LINKS_OF_CASE, states=[state.value], case_id=case_id, **page)

    rows = await store.read(work)
    links = [visible_link(row, access.person) for row in rows[:limit] if may_see_link(access.person, row)]
    subject = f"case:{case_id}" if case_id is not None else "register"
    await access_log.record(access.act(AuditAction.LINKS_SEEN, subject, shown=[item.link_id for item in links]))
    return links, links[-1].link_id if len(rows) > limit else None


async def read_case(
    store: Store, access_log: AccessLog, case_id: str, *, leads: bool, access: AccessEvent
) -> VisibleCase:
    """The case with its media, faces, links and linked cases; the look is in the audit."""

    async def work(tx: Tx) -> VisibleCase:
        case = await tx.one(queries.CASE, case_id=case_id)
        if case is None or not may_see_case(access.person, case["case"]):
            raise NotFound("there is no such case")
        states = WITH_LEADS if leads else SHOWN_WITHOUT_LEADS
        graph = await tx.one(queries.GRAPH_OF_CASE, case_id=case_id, states=states) or {}
        sides = {side["face_id"]: side for side in graph["sides"]}
        media, faces = graph["media"], graph["faces"]
        found = [{**row, "a": sides[row["a"]], "b": sides[row["b"]]} for row in graph["links"]]
        linked = linked_cases(case_id, found, media, access.person)
        shown = [visible_media(row, access.person) for row in media]
        return VisibleCase(case["case"], shown, faces, [visible_link(row, access.person) for row in found], linked)

    seen = await store.read(work)
    shown = [row["face"]["face_id"] for row in seen.faces] + [item.link_id for item in seen.links]
    await access_log.record(access.act(AuditAction.CASE_SEEN, case_id, shown=shown))
    return seen


async def read_crop(
    store: Store, files: MediaStore, access_log: AccessLog, face_id: str, *, leads: bool = False, access: AccessEvent
) -> bytes:
    """The face's display crop as JPEG; the look is in the audit. Leads show the faces of other districts if asked."""
    row = await store.read(lambda tx: tx.one(queries.FACES, faces=[face_id], leads=leads))
    if row is None or not may_see_face(access.person, row):
        raise NotFound("there is no such face")
    if row["display_crop"] is None:
        raise NotFound("this face was erased: there is no picture of it", code="file_gone")
    crop = await asyncio.to_thread(files.read_crop, row["display_crop"])
    await access_log.record(access.act(AuditAction.FACE_SEEN, face_id))
    return crop


async def seen_link(tx: Tx, link_id: str, *, viewer: Person) -> VisibleLink:
    """The link as `viewer` may see it now; NotFound where there is none, or none that they may know of."""
    row = next(iter(await tx.listed(queries.LINK, link_id=link_id)), None)
    if row is None or not may_see_link(viewer, row):
        raise NotFound("there is no such link")
    sides = row["a"]["face_id"], row["b"]["face_id"]
    beside = (await KnownVictims(tx, viewer).view(sides)).other_faces(sides)
    return replace(visible_link(row, viewer, row["acts"]), face_ids=(*sides, *sorted(beside)))


async def seen_links(tx: Tx, link_ids: Iterable[str], *, viewer: Person) -> dict[str, VisibleLink]:
    """The links by id, without their history, as `viewer` may see them now; an unknown one is left out."""
    rows = await tx.listed(queries.LINKS_BY_ID, links=list(link_ids))
    return {row["link"]["link_id"]: visible_link(row, viewer) for row in rows if may_see_link(viewer, row)}


async def sizes(store: Store) -> Row:
    """Cases, media and faces stored; quarantined events, outbox rows that wait or are withheld. Cheap at any size."""
    return await store.read(lambda tx: tx.one(queries.SIZES)) or {}


async def counts(store: Store) -> Row:
    """How much there is: cases, media, faces, too_poor, quarantined, outbox (waiting), links by state.

    `withheld` says by topic how many records wait for a source that is not configured.
    """

    async def work(tx: Tx) -> Row:
        numbers, too_poor = await tx.one(queries.SIZES), await tx.one(queries.TOO_POOR)
        by_state = {row["state"]: row["number"] for row in await tx.rows(queries.LINKS_BY_STATE)}
        withheld = {row["topic"]: row["records"] for row in await tx.rows(relay.WITHHELD)}
        return {
            **(numbers or {}),
            **(too_poor or {}),
            "withheld": withheld,
            "links": {state.value: by_state.get(state.value, 0) for state in State},
        }

    return await store.read(work)


async def link_rows(store: Store) -> AsyncIterator[LinkRow]:
    """Every link of the graph by link id, within a case too, leads too; read page by page."""
    after = ""
    while True:
        page = await store.read(lambda tx, a=after: tx.rows(queries.LINK_ROWS, after=a, limit=ROWS_A_PAGE))
        for row in page:
            yield _link_row(row)
        if len(page) < ROWS_A_PAGE:
            return
        after = page[-1]["link_id"]


async def candidates_between_cases(store: Store) -> list[LinkRow]:
    """All candidates that connect two cases, best score first."""
    found = [row async for row in link_rows(store) if row.state == State.CANDIDATE and row.between_cases]
    return sorted(found, key=lambda row: (-row.score, row.link_id))


async def stores_files(store: Store) -> bool:
    """Whether the graph knows of a file in the media store: a face's crop, or an upload."""
    row = await store.read(lambda tx: tx.one(queries.STORES_FILES, uploads=UPLOAD_SCHEME))
    return bool(row and row["stores"])


async def missing_migrations(store: Store) -> list[str]:
    """The names of the migrations that the graph has not seen; raises StoreUnavailable where Neo4j is away."""
    done = {row["number"] for row in await store.read(lambda tx: tx.rows(schema.MIGRATIONS))}
    return [name for number, name, _ in migrate.migrations() if number not in done]


def _link_row(row: Row) -> LinkRow:
    return LinkRow(
        link_id=row["link_id"],
        state=row["state"],
        score=row["score"],
        threshold=row["threshold"],
        a_face=row["a_face"],
        a_media=row["a_media"],
        a_cases=tuple(row["a_cases"]),
        a_box=tuple(row["a_box"] or ()),
        b_face=row["b_face"],
        b_media=row["b_media"],
        b_cases=tuple(row["b_cases"]),
        b_box=tuple(row["b_box"] or ()),
    )
