"""Why two cases are linked."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.identity import Looking
from api.problems import LOOKING, problems
from api.services import Use
from api.wire_victims import PathOut
from graph.actions.read import paths

router = APIRouter(tags=["cases"])


@router.get("/paths", responses=problems("not_found", *LOOKING))
async def path(
    from_case: Annotated[str, Query(max_length=200)],
    to_case: Annotated[str, Query(max_length=200)],
    use: Use,
    access: Looking,
    candidates: Annotated[bool, Query(description="also links that nobody has decided")] = False,
) -> PathOut:
    """The shortest way from one case to the other over shared media and links that people confirmed."""
    steps = await paths.read_path(use.store, use.access_log, from_case, to_case, candidates=candidates, access=access)
    return PathOut.from_steps(from_case, to_case, steps)
