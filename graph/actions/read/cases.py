"""Reads cases: the graph of one case, its counts, its media; every access is in the audit before its answer leaves."""

from dataclasses import dataclass

from graph.actions.access import Access
from graph.actions.read.case_list import find_case
from graph.domain.audit_actions import AuditAction
from graph.domain.case_view import Case, CaseFace, CaseMedia, VisibleCase, linked_cases, media_facts
from graph.domain.link import State
from graph.domain.visibility import visible_link
from graph.paging import Page
from graph.store.queries import media as media_queries
from graph.store.queries import read as queries
from graph.store.session import Row, Tx

STATES_WITHOUT_LEADS = [state.value for state in State if state is not State.LEAD]
ALL_STATES = [state.value for state in State]


@dataclass(frozen=True, slots=True)
class CaseFacts(Case):
    """A case with the number of its media, faces, faces too poor to compare, and links by state without leads."""

    media: int
    faces: int
    too_poor: int
    links: dict[State, int]


@dataclass(frozen=True, slots=True)
class CountedMedia(CaseMedia):
    """A media of a case with the number of its faces, and of those too poor to compare."""

    faces: int
    too_poor: int


async def read_case(access: Access, case_id: str, *, leads: bool) -> VisibleCase:
    """The case with its media, faces, links and linked cases; with `leads` also links below the threshold."""
    viewer = access.person

    async def work(tx: Tx) -> VisibleCase:
        case = await find_case(tx, case_id, viewer)
        states = ALL_STATES if leads else STATES_WITHOUT_LEADS
        graph = await tx.one(queries.GRAPH_OF_CASE, case_id=case_id, states=states) or {}
        sides = {side["face_id"]: side for side in graph["sides"]}
        links = [{**row, "a": sides[row["a"]], "b": sides[row["b"]]} for row in graph["links"]]
        return VisibleCase(
            case=case,
            media=tuple(CaseMedia(**media_facts(row, viewer)) for row in graph["media"]),
            faces=tuple(CaseFace(**row["face"], media_id=row["media_id"]) for row in graph["faces"]),
            links=tuple(visible_link(row, viewer) for row in links),
            cases=linked_cases(case_id, links, graph["media"], viewer),
        )

    seen = await access.store.read(work)
    shown = [*(face.face_id for face in seen.faces), *(link.link_id for link in seen.links)]
    await access.record(AuditAction.CASE_SEEN, case_id, shown=shown)
    return seen


async def read_case_facts(access: Access, case_id: str) -> CaseFacts:
    """The case with counts of its contents."""

    async def work(tx: Tx) -> CaseFacts:
        await find_case(tx, case_id, access.person)
        row = await tx.one(media_queries.CASE, case_id=case_id) or {}
        links = await tx.rows(media_queries.LINKS_OF_CASE_BY_STATE, case_id=case_id)
        numbers = {item["state"]: item["number"] for item in links if item["state"] != State.LEAD}
        return CaseFacts(**row["case"], media=row["media"], faces=row["faces"], too_poor=row["too_poor"], links=numbers)

    facts = await access.store.read(work)
    await access.record(AuditAction.CASE_SEEN, case_id)
    return facts


async def read_media_of_case(access: Access, case_id: str, *, after: str, limit: int) -> Page[CountedMedia]:
    """At most `limit` media of the case, by media id."""

    async def work(tx: Tx) -> list[Row]:
        await find_case(tx, case_id, access.person)
        return await tx.rows(media_queries.MEDIA_OF_CASE, case_id=case_id, after=after, limit=limit + 1)

    rows = await access.store.read(work)
    page = [
        CountedMedia(**media_facts(row, access.person), faces=row["faces"], too_poor=row["too_poor"])
        for row in rows[:limit]
    ]
    shown = [item.media_id for item in page]
    await access.record(AuditAction.CASE_MEDIA_SEEN, case_id, shown=shown)
    return Page(page, shown[-1] if len(rows) > limit else None)
