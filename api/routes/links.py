"""Links as people may see them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.etag import ETAG, etag
from api.identity import Looking
from api.limits import CASE_ID_MAX, Id
from api.problems import LOOKING, problems
from api.services import Use
from api.wire import LinkDetailOut, LinkPage
from graph.actions.read import links as read
from graph.domain.link import State

router = APIRouter(tags=["links"])


@router.get("/links", responses=problems(*LOOKING))
async def links(
    use: Use,
    access: Looking,
    state: Annotated[State, Query(description="leads only on request")] = State.CANDIDATE,
    case_id: Annotated[
        str | None, Query(max_length=CASE_ID_MAX, description="only links of faces in this case")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(max_length=64, description="`next` of the page before")] = "",
) -> LinkPage:
    """Links in one state, by link id: an order that tells no score."""
    found, following = await read.read_links(
        use.store, use.access_log, state=state, case_id=case_id, after=after, limit=limit, access=access
    )
    return LinkPage.from_links(found, following)


@router.get("/links/{link_id}", responses={200: {"headers": ETAG}, **problems("not_found", *LOOKING)})
async def link(link_id: Id, use: Use, access: Looking, response: Response) -> LinkDetailOut:
    """One link with its verdicts; its version is the ETag that a verdict names."""
    found = await read.read_link(use.store, use.access_log, link_id, access=access)
    response.headers["ETag"] = etag(found.version)
    return LinkDetailOut.from_link(found)
