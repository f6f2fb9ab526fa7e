"""Reads links; every access is in the audit before its answer leaves."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from graph.actions.access import Access
from graph.actions.known import KnownVictims
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import NotFound
from graph.domain.link import State
from graph.domain.people import Permission, Person, districts_of
from graph.domain.visibility import VisibleLink, may_see_case, may_see_link, visible_link
from graph.paging import Page
from graph.store.queries import read as queries
from graph.store.session import Row, Tx


async def read_link(access: Access, link_id: str) -> VisibleLink:
    """The link with as much of its history as this person may read."""
    found = await access.store.read(lambda tx: find_link(tx, link_id, viewer=access.person))
    await access.record(AuditAction.LINK_SEEN, link_id)
    return found


async def read_links_by_id(access: Access, link_ids: Collection[str]) -> dict[str, VisibleLink]:
    """These links by id, without their history; absent are those that the person may not see."""
    found = await access.store.read(lambda tx: find_links(tx, link_ids, viewer=access.person))
    await access.record(AuditAction.LINKS_SEEN, "links", shown=sorted(found))
    return found


async def read_links(access: Access, *, state: State, case_id: str | None, after: str, limit: int) -> Page[VisibleLink]:
    """At most `limit` links in one state, by link id: an order that discloses no score.

    A case that the person may not see has no links, like one that does not exist.
    """
    viewer = access.person

    async def work(tx: Tx) -> list[Row]:
        page: dict[str, Any] = {"after": after, "limit": limit + 1}
        if case_id is None:
            districts = sorted(districts_of(viewer, Permission.SEE))
            return await tx.listed(queries.LINKS, state=state.value, districts=districts, **page)
        case = await tx.one(queries.CASE, case_id=case_id)
        if case is None or not may_see_case(viewer, case["case"]):
            return []
        return await tx.listed(queries.LINKS_OF_CASE, states=[state.value], case_id=case_id, **page)

    rows = await access.store.read(work)
    links = [visible_link(row, viewer) for row in rows[:limit] if may_see_link(viewer, row)]
    subject = f"case:{case_id}" if case_id is not None else "register"
    await access.record(AuditAction.LINKS_SEEN, subject, shown=[item.link_id for item in links])
    return Page(links, links[-1].link_id if len(rows) > limit else None)


async def find_link(tx: Tx, link_id: str, *, viewer: Person) -> VisibleLink:
    """The link with its history as `viewer` may see it now; NotFound where there is none that they may see."""
    row = next(iter(await tx.listed(queries.LINK, link_id=link_id)), None)
    if row is None or not may_see_link(viewer, row):
        raise NotFound("there is no such link")
    pair = row["a"]["face_id"], row["b"]["face_id"]
    others = (await KnownVictims(tx, viewer).view(pair)).other_faces(pair)
    return replace(visible_link(row, viewer, row["acts"]), face_ids=(*pair, *sorted(others)))


async def find_links(tx: Tx, link_ids: Iterable[str], *, viewer: Person) -> dict[str, VisibleLink]:
    """The links by id, without history, as `viewer` may see them now; those that they may not see are absent."""
    rows = await tx.listed(queries.LINKS_BY_ID, links=list(link_ids))
    return {row["link"]["link_id"]: visible_link(row, viewer) for row in rows if may_see_link(viewer, row)}
