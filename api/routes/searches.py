"""Searches: a person's question and its answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from api.identity import Asker, Looking
from api.problems import ACTING, BODY, LOOKING, problems
from api.services import Use
from api.upload import checked, read_form
from api.wire_searches import AskedOut, QuestionIn, SearchIn, SearchOut
from graph.actions import search
from graph.actions.search import Picture
from graph.domain.errors import Invalid

router = APIRouter(tags=["searches"])


def _form_schema() -> dict[str, Any]:
    schema = QuestionIn.model_json_schema()
    schema["properties"] = {"file": {"type": "string", "format": "binary"}, **schema["properties"]}
    schema["required"] = ["file", *schema["required"]]
    return schema


_LOCATION = {"Location": {"description": "where the answer will be", "schema": {"type": "string"}}}
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
        **problems("case_unknown", "face_unknown", "empty_file", "unsupported_content_type", *BODY, *ACTING),
    },
)
async def ask(request: Request, response: Response, use: Use, actor: Asker) -> AskedOut:
    """Asks with faces that are known (JSON), or with the faces of a picture (multipart); Location has the answer."""
    now = datetime.now(UTC)
    match request.headers.get("content-type", "").partition(";")[0].strip().lower():
        case "application/json":
            asked = checked(SearchIn, await request.body())
            search_id = await search.ask_with_faces(use.store, asked.question(), asked.faces, actor=actor, now=now)
        case "multipart/form-data":
            form = await read_form(request)
            question = checked(QuestionIn, form.fields).question()
            picture = Picture(form.data, form.content_type)
            search_id = await search.ask_with_picture(use.store, use.files, question, picture, actor=actor, now=now)
        case _:
            raise Invalid("ask as application/json or multipart/form-data", code="unsupported_content_type")
    response.headers["Location"] = f"/searches/{quote(search_id)}"
    return AskedOut(search_id=search_id)


@router.get("/searches/{search_id}", responses=problems("not_found", *LOOKING))
async def answer(search_id: str, use: Use, look: Looking) -> SearchOut:
    """The search and, once link has answered, the faces by rank; an empty answer says what it was compared with."""
    return SearchOut.from_answer(await search.read_search(use.store, use.views, search_id, look=look))
