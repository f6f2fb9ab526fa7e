"""The queue: what waits for a person, and claims on it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api import clock
from api.identity import Judge, Looking, StatedPurpose
from api.limits import Id
from api.problems import ACTING, BODY, LOOKING, problems
from api.services import Use
from api.wire_queue import ClaimIn, ClaimOut, PageQuery, QueuePage, SkippedOut, position
from graph.actions.read import queue
from graph.domain import ids

router = APIRouter(tags=["queue"])
_CLAIM = ("not_found", "claim_expired")


@router.get("/queue", responses=problems("forbidden", *LOOKING))
async def what_waits(use: Use, access: Looking, query: Annotated[PageQuery, Query()]) -> QueuePage:
    """The caller's open claims and returned links, then what waits: by urgency, then by chance, never by score."""
    page = await queue.read_queue(
        use.store, use.access_log, query.filters(), limit=query.limit, after=position(query.after), access=access
    )
    return QueuePage.from_page(page)


@router.post("/queue/claims", status_code=201, responses=problems("forbidden", "claims_limit", *BODY, *ACTING))
async def claim(use: Use, actor: Judge, purpose: StatedPurpose, body: ClaimIn) -> QueuePage:
    """Gives the caller the next items: for 15 minutes nobody else gets them. No item: nothing waits."""
    page = await queue.do_claim(
        use.store, body.filters.filters(), body.n, actor=actor, now=clock.now(), seed=ids.new_id(),
        after=position(body.after), purpose=purpose,
    )  # fmt: skip
    return QueuePage.from_page(page)


@router.post("/queue/claims/{claim_id}/skips", status_code=201, responses=problems(*_CLAIM, *ACTING))
async def skip(claim_id: Id, use: Use, actor: Judge) -> SkippedOut:
    """Ends the claim: the item stays away from the caller for four hours, and is there for others at once."""
    until = await queue.do_skip(use.store, claim_id, actor=actor, now=clock.now())
    return SkippedOut(claim_id=claim_id, until=until)


@router.post("/queue/claims/{claim_id}/renewals", status_code=201, responses=problems(*_CLAIM, *ACTING))
async def renew(claim_id: Id, use: Use, actor: Judge) -> ClaimOut:
    """Gives the claim a whole lease again."""
    return ClaimOut.from_claim(await queue.do_renewal(use.store, claim_id, actor=actor, now=clock.now()))
