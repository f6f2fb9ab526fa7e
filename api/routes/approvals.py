"""What waits for a second person."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from api.deps import ApprovalAccess
from api.errors import LOOKING, problems
from api.routes.queue import After, position
from api.wire import LinkOut, PageOut, Urgency, WireOut, example, fields_of
from graph.actions.read.approvals import Approval, WaitingIdentification, read_approvals
from graph.paging import Page

router = APIRouter(tags=["approvals"])


class WaitingIdentificationOut(fields_of(WaitingIdentification)):
    """That a victim may be a person known to a case system; the first person's reason is not told."""


class ApprovalOut(WireOut):
    """One person's decision that waits for another: links of one act and victim, or an identification."""

    kind: Literal["links", "identification"]
    urgency: Urgency
    by: str = Field(description="who decided first; never the caller")
    at: str = Field(description="since when it waits")
    face_ids: list[str] = Field(
        description="the faces of its links and victims that the caller may know: an approval names them"
    )
    victim_ids: list[str] = Field(description="one; two where the links would join two registered victims")
    act_id: str | None
    links: list[LinkOut]
    identification: WaitingIdentificationOut | None


class ApprovalsPage(PageOut[ApprovalOut]):
    """The most urgent first; `next` is the `after` that goes on, null where nothing else waits."""

    model_config = example("""
        {"items": [
            {"kind": "links", "urgency": "urgent", "by": "anna@north", "at": "2026-11-20T10:03:05+00:00",
             "face_ids": [$FACE, $OTHER_FACE], "victim_ids": [$VICTIM_ID],
             "act_id": "4b0a5c0e6b1d4b7e9f3a8d2c6e5b1f70", "links": [$CONFIRMED_LINK], "identification": null},
            {"kind": "identification", "urgency": "routine", "by": "anna@north", "at": "2026-11-20T10:09:00+00:00",
             "face_ids": [$FACE], "victim_ids": [$VICTIM_ID], "act_id": null, "links": [],
             "identification": {"identification_id": "1c0a5c0e6b1d4b7e9f3a8d2c6e5b1f71", "version": 0,
                                "state": "proposed", "person_ref": "north:person/77", "basis": "document",
                                "face_ids": [$FACE]}}],
         "next": null}
    """)


@router.get("/approvals", response_model=ApprovalsPage, responses=problems("forbidden", *LOOKING))
async def approvals(
    access: ApprovalAccess,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    after: Annotated[After | None, Query(description="`next` of the page before")] = None,
) -> Page[Approval]:
    """Confirmed links, one item per act and victim, and identifications, that somebody else decided first."""
    return await read_approvals(access, limit=limit, after=position(after))
