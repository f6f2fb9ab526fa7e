"""Search: the question, and the list of those that were asked. `api.pages.answers` shows what they found."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.deps import CASE_ID_MAX, VICTIM_ID_MAX, ServicesDep
from api.pages.access import Searcher
from api.pages.page import PageDep
from api.upload import check_media, checked, read_form
from api.wire import CaseIdIn, Digest, Stated
from graph.actions.access import Access
from graph.actions.read import search as actions
from graph.actions.read.search import Picture, Question
from graph.actions.read.searches import Filters, SearchLine, read_searches
from graph.actions.read.sheet_faces import SheetFace, read_chosen_faces
from graph.paging import Page as ListPage

router = APIRouter()

A_PAGE: Final = 20


class AskForm(BaseModel):
    """A question. Without `in_case` a search in one case is in the one that it is for.

    `search_id` is made by the page's script, which sends a picture again when no answer comes.
    """

    case_id: CaseIdIn = Field(max_length=CASE_ID_MAX)
    where: Literal["case", "register"] = "case"
    in_case: Annotated[str, Field(max_length=CASE_ID_MAX)] = ""
    purpose: Stated
    legal_basis: Stated
    keep_asking: bool = False
    rotate: Literal["0", "90", "180", "270"] = "0"
    face: list[Digest] = Field(default_factory=list[str], max_length=actions.FACES_MAX)
    victim: str = Field(default="", max_length=VICTIM_ID_MAX)
    search_id: str = Field(default="", pattern="^([0-9a-f]{32})?$")

    def question(self) -> Question:
        within = "register" if self.where == "register" else f"case:{self.in_case.strip() or self.case_id}"
        return Question(self.case_id, self.purpose, self.legal_basis, within, keep_asking=self.keep_asking)


@router.get("/search", name="search")
async def search(
    access: Searcher,
    page: PageDep,
    face: Annotated[list[str], Query(max_length=actions.FACES_MAX)] = [],  # noqa: B006 - FastAPI copies it
    victim: Annotated[str, Query(max_length=VICTIM_ID_MAX)] = "",
    case: Annotated[str, Query(max_length=CASE_ID_MAX)] = "",
    only_open: Annotated[bool, Query(alias="open")] = False,
    after: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """A form for faces of one person, for a victim or for a picture; beside it what was asked before."""
    filters = Filters(open=True if only_open else None)
    asked = await read_searches(access, filters, after=after, limit=A_PAGE)
    faces = await chosen_faces(access, face)
    case_id = case or next((name for known in faces for name in known.case_ids), "")
    form: dict[str, Any] = {"case_id": case_id, "victim": victim, "where": "case", "in_case": "", "legal_basis": ""}
    return page(
        "search.html",
        **question_of(access, asked, faces, form),
        views={face.face_id: face.view for face in faces if face.view is not None},
        asked=asked,
        only_open=only_open,
        after=after,
    )


@router.post("/search", name="ask")
async def ask(request: Request, access: Searcher, services: ServicesDep, page: PageDep) -> Response:
    """Asks; the browser then shows the answer as it grows."""
    if request.headers.get("content-type", "").startswith("multipart/"):
        sent = await read_form(request, services.space)
        form = checked(AskForm, sent.fields)
        check_media(sent.data)
        picture = Picture(sent.data, sent.content_type, int(form.rotate))
        search_id = await actions.ask_with_picture(access, services.files, form.question(), picture, form.search_id)
        return page.go_on(page.path("answer", search_id=search_id))
    fields = await request.form()
    values: dict[str, Any] = {name: value for name, value in fields.multi_items() if isinstance(value, str)}
    form = checked(AskForm, {**values, "face": [str(face) for face in fields.getlist("face")]})
    if form.face or not form.victim:
        search_id = await actions.ask_with_faces(access, form.question(), form.face)
    else:
        search_id = await actions.ask_with_victim(access, form.question(), form.victim)
    return page.go_on(page.path("answer", search_id=search_id))


async def chosen_faces(access: Access, face_ids: list[str]) -> list[SheetFace]:
    """The faces that a search is for, in their order."""
    return list((await read_chosen_faces(access, face_ids)).values())


def question_of(
    access: Access, asked: ListPage[SearchLine], faces: list[SheetFace], form: dict[str, Any]
) -> dict[str, Any]:
    """The variables of the form's template; earlier cases and purposes are offered again."""
    cases = dict.fromkeys(name for line in asked.items for name in (line.case_id, line.within.removeprefix("case:")))
    return {
        "faces": faces,
        "form": {"purpose": access.purpose, "keep_asking": False, **form},
        "cases": [name for name in cases if name != "register"],
        "purposes": list(dict.fromkeys([access.purpose, *(line.purpose for line in asked.items)])),
        "rotations": ("0", "90", "180", "270"),
    }
