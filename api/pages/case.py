"""A case: its people in other cases as a table and as a graph, what became of its pictures, and why it is linked."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.deps import CASE_ID_MAX, AfterDigest, CaseId
from api.pages import quarantine_words
from api.pages.access import Reader
from api.pages.page import PageDep
from graph.actions.read.case_graph import read_case_graph
from graph.actions.read.cases import read_case_facts
from graph.actions.read.crop_views import read_crop_views
from graph.actions.read.outcomes import Outcome, read_completeness, read_outcomes
from graph.actions.read.paths import read_path
from graph.actions.read.queue import count_waiting
from graph.actions.read.threads import WITHOUT_LEADS, PersonRow, read_threads
from graph.domain.link import State
from graph.domain.people import Permission, may
from graph.domain.threads import Strength, Thread

router = APIRouter()

PEOPLE_A_PAGE: Final = 25
PICTURES_A_PAGE: Final = 50
CROPS_A_PICTURE: Final = 12
CASES_NAMED: Final = 100
"""Cases with the same pictures that are named; the rest is counted."""
WAITING_COUNTED: Final = 50
"""Pairs to review that are counted: more are not worth the reading on each visit."""
SHOWN: Final = {
    "": WITHOUT_LEADS,
    "candidate": frozenset({Strength.CANDIDATE}),
    "confirmed": frozenset({Strength.CONFIRMED}),
    "approved": frozenset({Strength.APPROVED, Strength.DECLARED}),
    "leads": frozenset(Strength),
}
"""The threads that each choice of the filter shows."""
Shown = Annotated[Literal["", "candidate", "confirmed", "approved", "leads"], Query()]
Key = Annotated[str, Query(max_length=2 * CASE_ID_MAX)]
"""Names a person or a case: `victim:<id>`."""
OtherCaseId = Annotated[str, Query(max_length=CASE_ID_MAX)]
POSSIBLE: Final[dict[str, list[Outcome]]] = {"": list(Outcome), "in_part": list(Outcome)} | {
    outcome.value: [outcome] for outcome in Outcome
}
Filter = Annotated[Literal["", "in_part", "compared", "too_poor", "no_face", "not_compared"], Query(alias="show")]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the table; `line` is how the line that ends in it, or passes through it, is drawn."""

    thread: Thread | None
    line: Strength | None


def cells_of(row: PersonRow, columns: int) -> list[Cell]:
    """The cells of a row: each line runs from this case through empty cells to the next case of the person."""
    cells: list[Cell] = []
    line: Strength | None = None
    for number in reversed(range(columns)):
        thread = row.threads.get(number)
        line = thread.strength if thread else line
        cells.append(Cell(thread, line))
    return cells[::-1]


# Paths that are longer than that of a case are declared before it: a case id may hold a slash.
@router.get("/cases/{case_id:path}/graph", name="case_graph")
async def graph(case_id: CaseId, access: Reader, page: PageDep, focus: Key = "", show: Shown = "") -> Response:
    """The people, cases and pictures around a focus, as a drawing and as a table."""
    found = await read_case_graph(access, case_id, focus=focus, strengths=SHOWN[show])
    return page("case_graph.html", case_id=case_id, found=found, focus=focus, show=show)


@router.get("/cases/{case_id:path}/pictures", name="case_pictures")
async def pictures(
    case_id: CaseId, access: Reader, page: PageDep, show: Filter = "", after: AfterDigest = ""
) -> Response:
    """The case's pictures with their faces, and what became of each."""
    facts = await read_completeness(access, case_id)
    found = await read_outcomes(
        access, case_id, outcomes=POSSIBLE[show], in_part=show == "in_part", after=after, limit=PICTURES_A_PAGE
    )
    shown = [face.face_id for item in found.items for face in item.faces[:CROPS_A_PICTURE]]
    return page(
        "case_pictures.html",
        case_id=case_id,
        facts=facts,
        found=found,
        views=await read_crop_views(access, shown),
        show=show,
        after=after,
        most=CROPS_A_PICTURE,
        waits_because=quarantine_words.WORDS,
    )


@router.get("/cases/{case_id:path}/why", name="why")
async def why(case_id: CaseId, access: Reader, page: PageDep, to: OtherCaseId, candidates: bool = True) -> Response:
    """Why the case is linked to another one: the shortest path, face by face."""
    found = await read_path(access, case_id, to, candidates=candidates)
    shown = [face for step in found.steps for face in (step.face_id, step.to_face_id)]
    views = await read_crop_views(access, shown)
    return page("why.html", case_id=case_id, to=to, found=found, views=views, candidates=candidates)


@router.get("/cases/{case_id:path}", name="case")
async def case(case_id: CaseId, access: Reader, page: PageDep, show: Shown = "", after: Key = "") -> Response:
    """The people of the case down, other cases across."""
    facts, complete, found = await asyncio.gather(
        read_case_facts(access, case_id),
        read_completeness(access, case_id),
        read_threads(access, case_id, strengths=SHOWN[show], after=after, limit=PEOPLE_A_PAGE),
    )
    may_judge = may(access.person, Permission.JUDGE, [facts.district])
    is_open = any(facts.links.get(state) for state in (State.CANDIDATE, State.UNSURE, State.RETURNED))
    shown = [face for row in found.rows for face in (row.face_id, *(each.face_id for each in row.threads.values()))]
    return page(
        "case.html",
        facts=facts,
        complete=complete,
        found=found,
        views=await read_crop_views(access, shown),
        cells={row.person: cells_of(row, len(found.columns)) for row in found.rows},
        shared_max=CASES_NAMED,
        show=show,
        after=after,
        waiting=await count_waiting(access, case_id, WAITING_COUNTED) if may_judge and is_open else 0,
        may_upload=may(access.person, Permission.UPLOAD, [facts.district]),
    )
