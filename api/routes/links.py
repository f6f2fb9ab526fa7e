"""Links as people may see them."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.deps import CASE_ID_MAX, ETAG, CaseAccess, Id, ServicesDep, etag
from api.errors import LOOKING, problems
from api.wire import LinkDetailOut, LinkOut, WireOut
from graph.actions.read import links as read
from graph.actions.read.page import Page
from graph.domain.link import State
from graph.domain.visibility import VisibleLink

router = APIRouter(tags=["links"])


class LinkPage(WireOut):
    """`next` is the `after` of the next page, null on the last one."""

    items: list[LinkOut]
    next: str | None


@router.get("/links", response_model=LinkPage, responses=problems(*LOOKING))
async def links(
    services: ServicesDep,
    access: CaseAccess,
    state: Annotated[State, Query(description="leads only on request")] = State.CANDIDATE,
    case_id: Annotated[
        str | None, Query(max_length=CASE_ID_MAX, description="only links of faces in this case")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(max_length=64, description="`next` of the page before")] = "",
) -> Page[VisibleLink]:
    """Links in one state, by link id: an order that tells no score."""
    return await read.read_links(
        services.store, services.access_log, state=state, case_id=case_id, after=after, limit=limit, access=access
    )


@router.get(
    "/links/{link_id}",
    response_model=LinkDetailOut,
    responses={200: {"headers": ETAG}, **problems("not_found", *LOOKING)},
)
async def link(link_id: Id, services: ServicesDep, access: CaseAccess, response: Response) -> VisibleLink:
    """One link with its verdicts; its version is the ETag that a verdict names."""
    found = await read.read_link(services.store, services.access_log, link_id, access=access)
    response.headers["ETag"] = etag(found.version)
    return found
