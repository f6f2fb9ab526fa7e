"""The audit, for auditors: ids, digests and facts; no face, no bytes."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from api.deps import AuditAccess
from api.errors import LOOKING, problems
from api.wire import Moment, WireOut, example, fields_of
from graph.actions.read.audit import PAGE_MAX, VERIFIED_MAX, AuditFilters, Verification, read_audit, verify_chain
from graph.domain.audit import Entry
from graph.domain.audit_export import ChainPosition
from graph.paging import Page

router = APIRouter(tags=["audit"])

SEQ_MAX = 2**53
ShortText = Annotated[str | None, Query(max_length=200)]
After = Annotated[int, Query(ge=0, le=SEQ_MAX, description="`next` of the answer before")]
_HASH = '"9c4e0a2f6b8d1357ace02468bdf13579ace02468bdf13579ace02468bdf13579"'
_OTHER_HASH = '"13579ace02468bdf13579ace02468bdf13579ace02468bdf9c4e0a2f6b8d1357"'


class AuditEntryOut(fields_of(Entry, without=("salt",))):
    """Who did what to what, when and why; `digest` proves the content of the act without telling it."""

    model_config = example(f"""
        {{"seq": 4711, "at": "2026-11-20T10:03:05+00:00", "actor": "anna@north", "action": "link.judged",
          "subject": $LINK_ID, "purpose": "victim identification", "digest": "{"a" * 64}",
          "previous_hash": {_HASH}, "hash": {_OTHER_HASH}}}
    """)


class AuditPage(WireOut):
    """`next` is the `after` of the next page, null on the last one."""

    items: list[AuditEntryOut]
    next: int | None


class PlaceOut(fields_of(ChainPosition)):
    pass


class ProvedOut(WireOut):
    """What was checked and found; go on behind `next`, naming the hash of `to` as `after_hash`, until it is null."""

    model_config = example(f"""
        {{"from": 1, "to": {{"seq": 10000, "hash": {_HASH}}}, "head": {{"seq": 48211, "hash": {_OTHER_HASH}}},
          "roots": 3, "result": "whole", "fault": null, "next": 10000}}
    """)

    first: int = Field(serialization_alias="from", description="the first entry that was checked")
    last: PlaceOut = Field(serialization_alias="to", description="the last entry that was checked")
    head: PlaceOut = Field(description="the end of the whole chain")
    roots: int = Field(description="daily roots compared with the entries that they name")
    result: Literal["whole", "broken"]
    fault: str | None = Field(description="the first thing that is wrong")
    next: int | None


@router.get("/audit", response_model=AuditPage, responses=problems("forbidden", *LOOKING))
async def audit(
    access: AuditAccess,
    start: Annotated[Moment | None, Query(alias="from", description="from this time on, with its zone")] = None,
    end: Annotated[Moment | None, Query(alias="to", description="before this time, with its zone")] = None,
    actor: ShortText = None,
    action: Annotated[
        str | None, Query(max_length=200, description="its current or a former name finds entries of both")
    ] = None,
    subject: ShortText = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
    after: After = 0,
) -> Page[Entry]:
    """Entries of the audit, oldest first; auditors only, and that they looked is an entry as well."""
    filters = AuditFilters(start, end, actor, action, subject)
    return await read_audit(access, filters, after=after, limit=limit)


@router.get("/audit/verification", response_model=ProvedOut, responses=problems("forbidden", *LOOKING))
async def verification(
    access: AuditAccess,
    limit: Annotated[int, Query(ge=1, le=VERIFIED_MAX, description="the most entries to check")] = 10_000,
    after: After = 0,
    after_hash: Annotated[
        str | None, Query(pattern="^[0-9a-f]{64}$", description="the hash of entry `after`, as told before")
    ] = None,
) -> Verification:
    """Checks the stored chain behind an entry, and says what was checked and whether it is whole."""
    return await verify_chain(access, after=after, after_hash=after_hash, limit=limit)
