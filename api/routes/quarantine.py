"""Events in quarantine, for operators: facts and reasons, and replays; no face, no bytes."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from api.deps import Id, Limit, QuarantineAccess, ReplayAccess
from api.errors import LOOKING, problems
from api.wire import PageOut, WireOut, example, fields_of
from graph.actions.operate.quarantine import QuarantinedEvent, Status, do_replay, read_quarantine
from graph.paging import Page

router = APIRouter(tags=["quarantine"])


class QuarantinedOut(fields_of(QuarantinedEvent)):
    """An event that could not be processed: where it stood, at which stage it failed and why."""

    model_config = example("""
        {"quarantine_id": "c0b9a7f5e3d1c8b6a4f2e0d9c7b5a3f1", "event": "redthread.media.submitted.north.v1/3/1204",
         "topic": "redthread.media.submitted.north.v1", "partition": 3, "offset": 1204, "stage": "embed",
         "code": "wrong_sha256", "reason": "the bytes are not those of the named SHA-256", "source": "north",
         "attempts": 1, "status": "waiting", "submitted_at": 1795165964000}
    """)

    submitted_at: int = Field(description="milliseconds since 1970, UTC")


class QuarantinePage(PageOut[QuarantinedOut]):
    """`next` is the `after` of the next page, null on the last one."""


class ReplayedOut(WireOut):
    quarantine_id: str
    status: Literal["replayed"] = "replayed"


@router.get("/quarantine", response_model=QuarantinePage, responses=problems("forbidden", *LOOKING))
async def quarantine(
    access: QuarantineAccess,
    status: Annotated[Status, Query(description="`waiting` for somebody, `replayed`, or `resolved`")] = "waiting",
    limit: Limit = 50,
    after: Annotated[str, Query(max_length=100, description="`next` of the page before")] = "",
) -> Page[QuarantinedEvent]:
    """Events that could not be processed, oldest first, without their bytes; operators only."""
    return await read_quarantine(access, status=status, after=after, limit=limit)


@router.post(
    "/quarantine/{quarantine_id}/replays",
    status_code=202,
    responses=problems("forbidden", "not_found", "not_waiting", "truncated", *LOOKING),
)
async def replay(quarantine_id: Id, access: ReplayAccess) -> ReplayedOut:
    """Sends an event again, through its first topic, as the same event; its outcome comes as a notice."""
    await do_replay(access, quarantine_id)
    return ReplayedOut(quarantine_id=quarantine_id)
