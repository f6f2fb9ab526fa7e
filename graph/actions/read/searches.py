"""Reads the list of searches, and what a search could not compare; every access is in the audit before its answer."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Final

from graph.actions.access import Access
from graph.actions.read.search import check_sees, is_open, milliseconds
from graph.domain.audit_actions import AuditAction
from graph.domain.comparison import HIDDEN_LABELS
from graph.domain.people import Permission, Role, check_role, districts_of
from graph.domain.visibility import may_see_case
from graph.paging import Page
from graph.store.queries import search as queries
from graph.store.session import Row, Tx

WALK: Final = 2000
"""Media that one page of uncompared media examines at most."""


@dataclass(frozen=True, slots=True)
class SearchFacts:
    """A search without its answer; `open`: link may still add to the answer, until `open_until`."""

    search_id: str
    status: str
    case_id: str
    within: str
    purpose: str
    requested_by: str
    asked_at: str
    answered_at: str | None
    keep_asking: bool
    open: bool
    open_until: str | None
    ended_at: str | None
    ended_because: str | None
    victim_id: str | None


@dataclass(frozen=True, slots=True)
class SearchLine(SearchFacts):
    """A search in a list; `found` counts the faces returned, `similar` those above the threshold.

    `added` of the found ones came after the first answer, the last of them at `added_at`.
    """

    found: int
    similar: int
    added: int
    added_at: str | None


def search_facts(search: Row, now: datetime) -> Row:
    """The fields of `SearchFacts`, of a search's row."""
    until = search["until"]
    return {
        **{field.name: search[field.name] for field in fields(SearchFacts) if field.name != "open_until"},
        "open": is_open(search, now),
        "open_until": None if until is None else datetime.fromtimestamp(until / 1000, UTC).isoformat(),
    }


@dataclass(frozen=True, slots=True)
class Filters:
    """Which searches to list; None means any, `mine` a supervisor's own only."""

    case_id: str | None = None
    within: str | None = None
    status: str | None = None
    open: bool | None = None
    mine: bool = False


async def read_searches(access: Access, filters: Filters, *, after: str, limit: int) -> Page[SearchLine]:
    """At most `limit` of the person's own searches, for a supervisor those of the district, the latest first."""
    viewer = access.person
    check_role(viewer, Permission.SEE_SEARCH)
    asked_at, _, last = after.partition("|")
    is_supervisor = Role.SUPERVISOR in viewer.roles
    districts = sorted(districts_of(viewer, Permission.SEE_SEARCH)) if is_supervisor else []
    query = queries.SEARCHES_OF_DISTRICT if districts and not filters.mine else queries.OWN_SEARCHES
    values = {
        "case_id": filters.case_id,
        "within": filters.within,
        "status": filters.status,
        "open": filters.open,
        "now": milliseconds(access.at),
        "limit": limit + 1,
        "by": viewer.actor,
        "districts": districts,
        # Without `after`: texts that sort after every time and every id.
        "asked_at": asked_at or "9",
        "search_id": last or "g",
    }
    rows = await access.store.read(lambda tx: tx.rows(query, **values))
    page = [
        SearchLine(
            **search_facts(row["search"], access.at),
            found=row["returned"],
            similar=row["above"],
            added=row["added"],
            added_at=row["added_at"],
        )
        for row in rows[:limit]
    ]
    shown = [line.search_id for line in page]
    await access.record(AuditAction.SEARCHES_SEEN, "searches", shown=shown)
    return Page(page, f"{page[-1].asked_at}|{page[-1].search_id}" if len(rows) > limit else None)


@dataclass(frozen=True, slots=True)
class PoorFace:
    """A face that is too poor to compare."""

    face_id: str
    box: list[int] | None
    page: int
    quality: float | None
    too_poor_because: str


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A media in which faces are too poor to compare, no face was found, or not everything was examined."""

    media_id: str
    case_ids: tuple[str, ...]
    faces: tuple[PoorFace, ...]
    frames: int
    frames_examined: int
    partial_percent: int | None


async def read_unjudged(access: Access, search_id: str, *, after: str, limit: int) -> Page[Unjudged]:
    """At most `limit` media in the search's scope that the machine could not compare whole, as far as the person sees.

    A page may be short: it examines WALK media at most.
    """
    viewer = access.person

    async def work(tx: Tx) -> list[Row]:
        row = await tx.one(queries.SEARCH, search_id=search_id)
        search = check_sees(row["search"] if row else None, viewer)
        values = {"after": after, "walk": WALK, "hidden": sorted(HIDDEN_LABELS)}
        if search["within"] != "register":
            case_id = search["within"].removeprefix("case:")
            return await tx.rows(queries.UNJUDGED_IN_CASE, case_id=case_id, **values)
        districts = sorted(districts_of(viewer, Permission.SEE))
        return await tx.rows(queries.UNJUDGED_IN_REGISTER, case_id=search["case_id"], districts=districts, **values)

    examined = await access.store.read(work)
    page: list[Unjudged] = []
    following = examined[-1]["media_id"] if len(examined) == WALK else None
    for row in examined:
        case_ids = tuple(case["case_id"] for case in row["cases"] if may_see_case(viewer, case))
        parts: Row = {name: row[name] for name in ("frames", "frames_examined", "partial_percent")}
        in_part = row["frames_examined"] < row["frames"] or row["partial_percent"] is not None
        if row["reached"] and case_ids and (row["faces"] or in_part or not row["has_faces"]):
            faces = tuple(PoorFace(**face) for face in row["faces"])
            page.append(Unjudged(row["media_id"], case_ids, faces, **parts))
            if len(page) == limit:
                following = row["media_id"] if row is not examined[-1] or following else None
                break
    shown = [name for item in page for name in (item.media_id, *(face.face_id for face in item.faces))]
    await access.record(AuditAction.SEARCH_UNJUDGED_SEEN, search_id, shown=shown)
    return Page(page, following)
