"""Victims as people see them."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Response

from api.identity import Looking
from api.limits import VictimId
from api.problems import LOOKING, problems
from api.services import Use
from api.wire_victims import VictimOut
from graph.actions.read import victim as victim_read
from graph.actions.read.victim import Moved

router = APIRouter(tags=["victims"])

_MOVED = {
    "description": "the victim that all faces of this former id are in now",
    "headers": {"Location": {"description": "where the victim is", "schema": {"type": "string"}}},
}


# The converter lets an id hold a slash (sent as %2F): a case system names its victims as it likes.
@router.get(
    "/victims/{victim_id:path}",
    response_model=VictimOut,
    responses={308: _MOVED, **problems("not_found", "victim_split", *LOOKING)},
)
async def victim(victim_id: VictimId, use: Use, access: Looking) -> VictimOut | Response:
    """A contact sheet: the victim's faces by case, the weakest first, each with what holds it there."""
    seen = await victim_read.read_victim(use.store, use.access_log, victim_id, access=access)
    if isinstance(seen, Moved):
        return Response(status_code=308, headers={"Location": f"/victims/{quote(seen.victim_id, safe='')}"})
    return VictimOut.from_victim(seen)
