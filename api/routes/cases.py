"""Cases as people see them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.identity import Looking
from api.problems import LOOKING, problems
from api.services import Use
from api.wire import CaseGraphOut
from graph.actions import read

router = APIRouter(tags=["cases"])


# The converter lets a local id hold a slash (sent as %2F), so longer paths must be declared before shorter ones.
@router.get("/cases/{case_id:path}/graph", responses=problems("not_found", *LOOKING))
async def case_graph(
    case_id: str,
    use: Use,
    look: Looking,
    leads: Annotated[bool, Query(description="also the leads: similar, but below the threshold")] = False,
) -> CaseGraphOut:
    """The case's media, faces and links as nodes and edges, and the other cases that they lead to."""
    return CaseGraphOut.from_case(await read.read_case(use.store, use.views, case_id, leads=leads, look=look))
