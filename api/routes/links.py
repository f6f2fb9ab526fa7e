"""Links as people may see them."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.deps import CASE_ID_MAX, ETAG, AfterDigest, CaseAccess, Id, Limit, etag
from api.errors import LOOKING, problems
from api.wire import LinkDetailOut, LinkOut, PageOut
from graph.actions.read import links as read
from graph.domain.link import State
from graph.domain.visibility import VisibleLink
from graph.paging import Page

router = APIRouter(tags=["links"])


class LinkPage(PageOut[LinkOut]):
    """`next` is the `after` of the next page, null on the last one."""


@router.get("/links", response_model=LinkPage, responses=problems(*LOOKING))
async def links(
    access: CaseAccess,
    state: Annotated[State, Query(description="leads only on request")] = State.CANDIDATE,
    case_id: Annotated[
        str | None, Query(max_length=CASE_ID_MAX, description="only links of faces in this case")
    ] = None,
    limit: Limit = 50,
    after: AfterDigest = "",
) -> Page[VisibleLink]:
    """Links in one state, by link id: an order that tells no score."""
    return await read.read_links(access, state=state, case_id=case_id, after=after, limit=limit)


@router.get(
    "/links/{link_id}",
    response_model=LinkDetailOut,
    responses={200: {"headers": ETAG}, **problems("not_found", *LOOKING)},
)
async def link(link_id: Id, access: CaseAccess, response: Response) -> VisibleLink:
    """One link with its verdicts; its version is the ETag that a verdict names."""
    found = await read.read_link(access, link_id)
    response.headers["ETag"] = etag(found.version)
    return found
