"""Searches: asking, listing and ending them; `api.routes.answers` reads what they found."""

from typing import Annotated, Literal, Self
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, AliasChoices, Field, model_validator

from api.deps import CASE_ID_MAX, VICTIM_ID_MAX, CaseAccess, Id, Limit, SearchEnder, Searcher, ServicesDep
from api.errors import ACTING, BODY, FILES, LOOKING, problems
from api.upload import check_media, checked, form_body, read_form
from api.wire import CaseIdIn, Digest, Number, OwnPurpose, PageOut, Stated, WireIn, WireOut, example, fields_of
from graph.actions.read import search
from graph.actions.read.search import Picture, Question
from graph.actions.read.searches import Filters, SearchFacts, SearchLine, read_searches
from graph.domain import ids
from graph.domain.comparison import SEARCH_LIMIT
from graph.domain.errors import Invalid
from graph.paging import Page

router = APIRouter(tags=["searches"])

Status = Literal["asked", "answered", "no_face", "too_poor", "quarantined"]
FACTS_EXAMPLE = """
    "search_id": "0a4f5c0e6b1d4b7e9f3a8d2c6e5b1f70", "status": "answered", "case_id": $CASE, "in": "register",
    "purpose": "victim identification", "requested_by": "anna@north", "asked_at": "2026-11-20T10:05:00+00:00",
    "answered_at": "2026-11-20T10:05:01+00:00", "keep_asking": false, "open": false, "open_until": null,
    "ended_at": null, "ended_because": null, "victim_id": null"""


def _is_scope(text: str) -> str:
    if text != "register" and not (text.startswith("case:") and ids.is_case_id(text.removeprefix("case:"))):
        raise ValueError("`register` or `case:<case id>`")
    return text


class QuestionIn(WireIn):
    """What every search says: for which case and why, and where to look."""

    case_id: CaseIdIn = Field(max_length=CASE_ID_MAX, description="the case that asks, `<source>:<local id>`")
    purpose: OwnPurpose
    legal_basis: Stated
    within: Annotated[str, AfterValidator(_is_scope)] = Field(
        alias="in", max_length=CASE_ID_MAX, description="`case:<case id>`, or `register` for all that may be compared"
    )
    limit: Number = Field(
        default=SEARCH_LIMIT, ge=1, le=search.LIMIT_MAX, description="the most people that a register search lists"
    )
    keep_asking: bool = Field(
        default=False, description="go on with everything that comes, until you end it or the case that asks is closed"
    )

    def question(self) -> Question:
        return Question(self.case_id, self.purpose, self.legal_basis, self.within, self.limit, self.keep_asking)


class SearchIn(QuestionIn):
    """A search for known faces of one person, or for a victim's faces as they are now."""

    model_config = example(
        """
        {"faces": [$FACE], "victim_id": null, "case_id": $CASE, "purpose": "victim identification",
         "legal_basis": "StPO 98c", "in": "register", "limit": 20, "keep_asking": false}
        """,
        """
        {"faces": null, "victim_id": $VICTIM_ID, "case_id": $CASE, "purpose": "victim identification",
         "legal_basis": "StPO 98c", "in": "case:north:2026-001", "limit": 20, "keep_asking": true}
        """,
    )

    faces: list[Digest] | None = Field(default=None, min_length=1, max_length=search.FACES_MAX)
    victim_id: str | None = Field(default=None, min_length=1, max_length=VICTIM_ID_MAX)

    @model_validator(mode="after")
    def _says_who(self) -> Self:
        if (self.faces is None) == (self.victim_id is None):
            raise ValueError("say who is searched for: `faces`, or `victim_id`")
        return self


class PictureIn(QuestionIn):
    """The fields beside an uploaded picture."""

    rotate: Literal["0", "90", "180", "270"] = Field(
        default="0",
        description="degrees clockwise by which the picture is turned to look for more faces; it is stored as it came, "
        "and boxes are those in it",
    )


class AskedOut(WireOut):
    search_id: str
    status: Literal["asked"] = "asked"


class SearchFactsOut(fields_of(SearchFacts)):
    status: Status
    within: str = Field(validation_alias=AliasChoices("within", "in"), serialization_alias="in")
    open: bool = Field(description="whether more may be added to the answer")
    ended_because: Literal["asker", "case_closed", "time", "erased"] | None


class SearchLineOut(SearchFactsOut, fields_of(SearchLine)):
    """A search in a list; `found` counts the faces that it returned, `similar` those above the threshold.

    `added` of them came after the first answer, the last at `added_at`.
    """


class SearchPage(PageOut[SearchLineOut]):
    """`next` is the `after` of the next page, null on the last one."""

    model_config = example(
        f'{{"items": [{{{FACTS_EXAMPLE}, "found": 1, "similar": 1, "added": 0, "added_at": null}}], "next": null}}'
    )


_LOCATION = {"Location": {"description": "where the answer will be", "schema": {"type": "string"}}}
_FORM = ("empty_file", "unsupported_content_type", "no_space")
_CONTENT = {"application/json": {"schema": SearchIn.model_json_schema()}, **form_body(PictureIn.model_json_schema())}


@router.post(
    "/searches",
    status_code=202,
    openapi_extra={"requestBody": {"required": True, "content": _CONTENT}},
    responses={
        202: {"headers": _LOCATION},
        **problems("case_unknown", "face_unknown", "not_found", *_FORM, *BODY, *FILES, *ACTING),
    },
)
async def ask(request: Request, response: Response, services: ServicesDep, access: Searcher) -> AskedOut:
    """Asks with faces of one person or a victim (JSON), or with the faces of a picture (multipart).

    Location has the answer. It names the picture's faces with their boxes: to ask about one of them, ask again with its
    id; one that the detector missed can be marked in `picture` first.
    """
    match request.headers.get("content-type", "").partition(";")[0].strip().lower():
        case "application/json":
            body = checked(SearchIn, await request.body())
            if body.faces is not None:
                search_id = await search.ask_with_faces(access, body.question(), body.faces)
            else:
                victim_id = body.victim_id or ""
                search_id = await search.ask_with_victim(access, body.question(), victim_id)
        case "multipart/form-data":
            form = await read_form(request, services.space)
            fields = checked(PictureIn, form.fields)
            check_media(form.data)
            picture = Picture(form.data, form.content_type, int(fields.rotate))
            search_id = await search.ask_with_picture(access, services.files, fields.question(), picture)
        case _:
            raise Invalid("ask as application/json or multipart/form-data", code="unsupported_content_type")
    response.headers["Location"] = f"/searches/{quote(search_id)}"
    return AskedOut(search_id=search_id)


@router.get("/searches", response_model=SearchPage, responses=problems("purpose_missing", *LOOKING))
async def searches(
    access: CaseAccess,
    case_id: Annotated[str | None, Query(max_length=200, description="the case that asks")] = None,
    within: Annotated[
        str | None, Query(alias="in", max_length=200, description="`register` or `case:<case id>`")
    ] = None,
    status: Status | None = None,
    open: Annotated[bool | None, Query(description="whether more may be added to the answer")] = None,
    mine: Annotated[bool, Query(description="a supervisor's own ones only")] = False,
    limit: Limit = 50,
    after: Annotated[str, Query(max_length=100, description="`next` of the page before")] = "",
) -> Page[SearchLine]:
    """Your searches, for a supervisor those of the district, the latest first."""
    filters = Filters(case_id, within, status, open, mine)
    return await read_searches(access, filters, after=after, limit=limit)


@router.delete(
    "/searches/{search_id}", status_code=204, responses=problems("not_found", "forbidden", "not_open", *ACTING)
)
async def end(search_id: Id, access: SearchEnder) -> None:
    """Ends a search that is open: nothing more is added to its answer, which stays."""
    await search.do_end(access, search_id)
