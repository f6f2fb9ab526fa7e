"""Cases as people see them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.identity import Looking
from api.limits import CaseId
from api.problems import LOOKING, problems
from api.services import Use
from api.wire import CaseGraphOut
from api.wire_read import CaseFactsOut, CaseMediaOut, CaseMediaPage
from graph.actions.read import links, media

router = APIRouter(tags=["cases"])


# The converter lets a local id hold a slash (sent as %2F), so longer paths must be declared before shorter ones.
@router.get("/cases/{case_id:path}/graph", response_model=CaseGraphOut, responses=problems("not_found", *LOOKING))
async def case_graph(
    case_id: CaseId,
    use: Use,
    access: Looking,
    leads: Annotated[bool, Query(description="also the leads: similar, but below the threshold")] = False,
) -> Response:
    """The case's media, faces and links as nodes and edges, and the other cases that they lead to."""
    seen = await links.read_case(use.store, use.access_log, case_id, leads=leads, access=access)
    # Written here: FastAPI would check and encode hundreds of links a second time.
    return Response(CaseGraphOut.from_case(seen).model_dump_json(), media_type="application/json")


@router.get("/cases/{case_id:path}/media", responses=problems("not_found", *LOOKING))
async def media_of_case(
    case_id: CaseId,
    use: Use,
    access: Looking,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(max_length=64, description="`next` of the page before")] = "",
) -> CaseMediaPage:
    """The case's media by id, page by page."""
    rows, following = await media.read_media_of_case(
        use.store, use.access_log, case_id, after=after, limit=limit, access=access
    )
    return CaseMediaPage(items=[CaseMediaOut.from_row(row) for row in rows], next=following)


@router.get("/cases/{case_id:path}", responses=problems("not_found", *LOOKING))
async def case(case_id: CaseId, use: Use, access: Looking) -> CaseFactsOut:
    """One case: its district, state and review date, and how much there is in it."""
    return CaseFactsOut.from_facts(await media.read_case_facts(use.store, use.access_log, case_id, access=access))
