"""Links, and what people say of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from api.identity import Judge, Looking, StatedPurpose
from api.problems import ACTING, BODY, CONFLICTS, LOOKING, problems
from api.services import Use
from api.wire import LinkDetailOut, LinkOut, LinkPage, VerdictIn
from graph.actions import read
from graph.actions.review import Judgement, do_verdict
from graph.domain.errors import Invalid
from graph.domain.link import State

router = APIRouter(tags=["links"])

_VERSION = {"ETag": {"description": "the link's version", "schema": {"type": "string"}, "example": '"1"'}}
_ETAG = re.compile(r'"(0|[1-9][0-9]{0,8})"')


@router.get("/links", responses=problems(*LOOKING))
async def links(
    use: Use,
    look: Looking,
    state: Annotated[State, Query(description="leads only on request")] = State.CANDIDATE,
    case_id: Annotated[str | None, Query(description="only links of faces in this case")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(max_length=64, description="`next` of the page before")] = "",
) -> LinkPage:
    """Links in one state, by link id: an order that tells no score."""
    found, following = await read.read_links(
        use.store, use.views, state=state, case_id=case_id, after=after, limit=limit, look=look
    )
    return LinkPage(items=[LinkOut.from_link(link) for link in found], next=following)


@router.get("/links/{link_id}", responses={200: {"headers": _VERSION}, **problems("not_found", *LOOKING)})
async def link(link_id: str, use: Use, look: Looking, response: Response) -> LinkDetailOut:
    """One link with its verdicts; its version is the ETag that a verdict names."""
    found = await read.read_link(use.store, use.views, link_id, look=look)
    response.headers["ETag"] = f'"{found.version}"'
    return LinkDetailOut.from_link(found)


@router.post(
    "/links/{link_id}/verdicts",
    status_code=201,
    responses={
        201: {"headers": _VERSION},
        **problems("not_found", "malformed_version", "version_missing", *CONFLICTS, *BODY, *ACTING),
    },
)
async def judge(
    link_id: str,
    body: VerdictIn,
    use: Use,
    actor: Judge,
    purpose: StatedPurpose,
    response: Response,
    if_match: Annotated[str, Header(description="the version that you saw, quoted", examples=['"0"'])],
) -> LinkDetailOut:
    """Confirms, dismisses or leaves unsure; answers with the link as it stands then."""
    said = Judgement(link_id, _version(if_match), body.decision, tuple(body.reasons), body.text)
    found = await do_verdict(use.store, said, actor=actor, now=datetime.now(UTC), purpose=purpose)
    response.headers["ETag"] = f'"{found.version}"'
    return LinkDetailOut.from_link(found)


def _version(if_match: str) -> int:
    """The version that If-Match names: one strong, quoted number, never `*`, which would decide unseen."""
    named = _ETAG.fullmatch(if_match.strip())
    if named is None:
        raise Invalid('If-Match is one version in quotes, as the ETag gave it: "3"', code="malformed_version")
    return int(named[1])
