"""What could not be processed, for operators: facts and reasons, and sending it again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.identity import QuarantineLook, ReplayingLook
from api.limits import Id
from api.problems import LOOKING, problems
from api.services import Use
from api.wire_audit import QuarantinedOut, QuarantinePage, ReplayedOut
from graph.actions.operate.quarantine import Status, do_replay, read_quarantine

router = APIRouter(tags=["quarantine"])


@router.get("/quarantine", responses=problems("forbidden", *LOOKING))
async def quarantine(
    use: Use,
    access: QuarantineLook,
    status: Annotated[Status, Query(description="`waiting` for somebody, `replayed`, or `resolved`")] = "waiting",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(max_length=100, description="`next` of the page before")] = "",
) -> QuarantinePage:
    """Events that could not be processed, oldest first, without their bytes; operators only."""
    found, following = await read_quarantine(
        use.store, use.access_log, status=status, after=after, limit=limit, access=access
    )
    return QuarantinePage(items=[QuarantinedOut.model_validate(event) for event in found], next=following)


@router.post(
    "/quarantine/{quarantine_id}/replays",
    status_code=202,
    responses=problems("forbidden", "not_found", "not_waiting", "truncated", *LOOKING),
)
async def replay(quarantine_id: Id, use: Use, access: ReplayingLook) -> ReplayedOut:
    """Sends an event again, through its first topic, as the same event; its outcome comes as a notice."""
    await do_replay(use.store, quarantine_id, access=access)
    return ReplayedOut(quarantine_id=quarantine_id)
