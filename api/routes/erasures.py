"""What must be erased."""

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import Field, StringConstraints

from api.deps import VICTIM_ID_MAX, CaseAccess, Eraser, Id
from api.errors import ACTING, BODY, LOOKING, problems
from api.wire import Stated, WireIn, WireOut, example, fields_of
from graph.actions.decide import erase
from graph.actions.decide.erase import ErasureReceipt, Kind
from graph.domain.erasure import ErasureCode

router = APIRouter(tags=["erasures"])

_LOCATION = {"Location": {"description": "where the receipt is", "schema": {"type": "string"}}}


class ErasureIn(WireIn):
    """What must be forgotten, and why."""

    model_config = example('{"subject": {"media_id": $MEDIA}, "reason": "review date passed", "code": "period_over"}')

    subject: Annotated[
        dict[Kind, Annotated[str, StringConstraints(min_length=1, max_length=VICTIM_ID_MAX)]],
        Field(min_length=1, max_length=1),
    ] = Field(description="exactly one of them; of a victim all faces that show it")
    reason: Stated
    code: ErasureCode | None = Field(
        default=None,
        description="the reason as a code. A face erased as `no_face` or `unrelated` does not come back when its "
        "picture is submitted again; null: the code that `reason` reads like, else such a label of the face, "
        "else `other`",
    )


class ErasureAskedOut(WireOut):
    erasure_id: str
    state: Literal["asked"] = "asked"


class ErasureOut(fields_of(ErasureReceipt)):
    """A receipt; `waiting` counts what is hidden and not erased yet, of `subjects` in all."""

    model_config = example("""
        {"erasure_id": "c1e8b6a4f2d0c9e7b5a3f1d8c6e4b2a0", "state": "done", "subject": {"media_id": $MEDIA},
         "subjects": 1, "waiting": 0, "reason": "review date passed", "code": "period_over",
         "by": "sue@north",
         "at": "2026-11-20T10:03:05+00:00", "done_at": "2026-11-20T10:03:07+00:00"}
    """)


@router.post(
    "/erasures",
    status_code=202,
    responses={202: {"headers": _LOCATION}, **problems("forbidden", "other_district", "not_found", *BODY, *ACTING)},
)
async def ask_erasure(body: ErasureIn, access: Eraser, response: Response) -> ErasureAskedOut:
    """Hides a media, case, face or victim at once, and has it erased; Location has the receipt."""
    ((kind, subject),) = body.subject.items()
    erasure_id = await erase.do_erase(access, kind, subject, body.reason, body.code)
    response.headers["Location"] = f"/erasures/{erasure_id}"
    return ErasureAskedOut(erasure_id=erasure_id)


@router.get("/erasures/{erasure_id}", response_model=ErasureOut, responses=problems("not_found", *LOOKING))
async def erasure(erasure_id: Id, access: CaseAccess) -> ErasureReceipt:
    """The receipt: `done` once vectors, boxes, crops and rows are gone."""
    return await erase.read_erasure(access, erasure_id)
