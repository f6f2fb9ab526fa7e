"""What must be forgotten."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api import clock
from api.identity import Eraser, Looking
from api.limits import Id
from api.problems import ACTING, BODY, LOOKING, problems
from api.services import Use
from api.wire_erasures import ErasureAskedOut, ErasureIn, ErasureOut
from graph.actions.decide import erase

router = APIRouter(tags=["erasures"])

_LOCATION = {"Location": {"description": "where the receipt is", "schema": {"type": "string"}}}


@router.post(
    "/erasures",
    status_code=202,
    responses={202: {"headers": _LOCATION}, **problems("forbidden", "other_district", "not_found", *BODY, *ACTING)},
)
async def ask_erasure(body: ErasureIn, use: Use, actor: Eraser, response: Response) -> ErasureAskedOut:
    """Hides a media, case, face or victim at once, and has it erased; Location has the receipt."""
    kind, subject = body.named()
    erasure_id = await erase.do_erase(use.store, kind, subject, body.reason, actor=actor, now=clock.now())
    response.headers["Location"] = f"/erasures/{erasure_id}"
    return ErasureAskedOut(erasure_id=erasure_id)


@router.get("/erasures/{erasure_id}", responses=problems("not_found", *LOOKING))
async def erasure(erasure_id: Id, use: Use, access: Looking) -> ErasureOut:
    """The receipt: `done` once vectors, boxes, crops and rows are gone."""
    return ErasureOut.from_request(await erase.read_erasure(use.store, use.access_log, erasure_id, access=access))
