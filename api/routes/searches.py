"""Searches: a person's question, its answer as it grows, and what is left to look at oneself."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response

from api import clock
from api.identity import Asker, Looking, SearchEnder, StatedPurpose
from api.limits import Id
from api.problems import ACTING, BODY, FILES, LOOKING, problems
from api.services import Use
from api.upload import check_media, checked, read_form
from api.wire_searches import (
    AskedOut,
    PictureIn,
    SearchIn,
    SearchLineOut,
    SearchOut,
    SearchPage,
    Status,
    UnjudgedOut,
    UnjudgedPage,
)
from graph.actions.read import answers, search
from graph.actions.read.answers import Filters
from graph.actions.read.search import Picture
from graph.domain.errors import Invalid

router = APIRouter(tags=["searches"])


def _form_schema() -> dict[str, Any]:
    schema = PictureIn.model_json_schema()
    schema["properties"] = {"file": {"type": "string", "format": "binary"}, **schema["properties"]}
    schema["required"] = ["file", *schema["required"]]
    return schema


_LOCATION = {"Location": {"description": "where the answer will be", "schema": {"type": "string"}}}
FORM = ("empty_file", "unsupported_content_type", "no_space")
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": SearchIn.model_json_schema()},
            "multipart/form-data": {"schema": _form_schema()},
        },
    }
}


@router.post(
    "/searches",
    status_code=202,
    openapi_extra=_BODY,
    responses={
        202: {"headers": _LOCATION},
        **problems("case_unknown", "face_unknown", "not_found", *FORM, *BODY, *FILES, *ACTING),
    },
)
async def ask(request: Request, response: Response, use: Use, actor: Asker) -> AskedOut:
    """Asks with faces of one person or a victim (JSON), or with the faces of a picture (multipart).

    Location has the answer. It names the picture's faces with their boxes: to ask about one of them, ask again with its
    id; one that the detector missed can be marked in `picture` first.
    """
    now = clock.now()
    match request.headers.get("content-type", "").partition(";")[0].strip().lower():
        case "application/json":
            asked = checked(SearchIn, await request.body())
            question = asked.question()
            if asked.faces is not None:
                search_id = await search.ask_with_faces(use.store, question, asked.faces, actor=actor, now=now)
            else:
                search_id = await search.ask_with_victim(
                    use.store, question, asked.victim_id or "", actor=actor, now=now
                )
        case "multipart/form-data":
            form = await read_form(request, use.space)
            said = checked(PictureIn, form.fields)
            check_media(form.data)
            picture = Picture(form.data, form.content_type)
            search_id = await search.ask_with_picture(
                use.store, use.files, said.question(), picture, actor=actor, now=now, rotate=int(said.rotate)
            )
        case _:
            raise Invalid("ask as application/json or multipart/form-data", code="unsupported_content_type")
    response.headers["Location"] = f"/searches/{quote(search_id)}"
    return AskedOut(search_id=search_id)


@router.get("/searches", responses=problems("purpose_missing", *LOOKING))
async def searches(
    use: Use,
    access: Looking,
    case_id: Annotated[str | None, Query(max_length=200, description="the case that asks")] = None,
    within: Annotated[
        str | None, Query(alias="in", max_length=200, description="`register` or `case:<case id>`")
    ] = None,
    status: Status | None = None,
    open: Annotated[bool | None, Query(description="whether more may be added to the answer")] = None,
    mine: Annotated[bool, Query(description="a supervisor's own ones only")] = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(max_length=100, description="`next` of the page before")] = "",
) -> SearchPage:
    """Your searches, for a supervisor those of the district, the latest first."""
    filters = Filters(case_id, within, status, open, mine)
    rows, following = await answers.read_searches(
        use.store, use.access_log, filters, after=after, limit=limit, access=access
    )  # fmt: skip
    return SearchPage(items=[SearchLineOut.from_row(row) for row in rows], next=following)


@router.get("/searches/{search_id}", responses=problems("not_found", *LOOKING))
async def answer(
    search_id: Id,
    use: Use,
    access: Looking,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: Annotated[str, Query(max_length=25, description="`next` of the page before")] = "",
) -> SearchOut:
    """The search and, once link has answered, the faces by part and rank, as they were found then.

    An empty answer says what it was compared with. Of one case it holds all that is similar, page by page.
    """
    found = await answers.read_search(use.store, use.access_log, search_id, after=after, limit=limit, access=access)
    return SearchOut.from_answer(found)


@router.get("/searches/{search_id}/unjudged", responses=problems("not_found", *LOOKING))
async def unjudged(
    search_id: Id,
    use: Use,
    access: Looking,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(max_length=64, description="`next` of the page before")] = "",
) -> UnjudgedPage:
    """Look yourself: what in the search's reach the machine could not judge, by media id, as far as you may see it.

    Media with faces that are too poor to compare, and media in which no face was found.
    """
    rows, following = await answers.read_unjudged(
        use.store, use.access_log, search_id, after=after, limit=limit, access=access
    )  # fmt: skip
    return UnjudgedPage(items=[UnjudgedOut.from_row(row) for row in rows], next=following)


@router.delete(
    "/searches/{search_id}", status_code=204, responses=problems("not_found", "forbidden", "not_open", *ACTING)
)
async def end(search_id: Id, use: Use, actor: SearchEnder, purpose: StatedPurpose) -> None:
    """Ends a search that is open: nothing more is added to its answer, which stays."""
    await search.do_end(use.store, search_id, actor=actor, now=clock.now(), purpose=purpose)
