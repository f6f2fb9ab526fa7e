"""What waits for a second person."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.identity import ApprovingLook
from api.problems import LOOKING, problems
from api.services import Use
from api.wire_queue import After, ApprovalsPage, position
from graph.actions.read.approvals import read_approvals

router = APIRouter(tags=["approvals"])


@router.get("/approvals", responses=problems("forbidden", *LOOKING))
async def approvals(
    use: Use,
    access: ApprovingLook,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    after: Annotated[After | None, Query(description="`next` of the page before")] = None,
) -> ApprovalsPage:
    """Confirmed links, one item per act and victim, and identifications, that somebody else decided first."""
    page = await read_approvals(use.store, use.access_log, limit=limit, after=position(after), access=access)
    return ApprovalsPage.from_page(page)
