"""The audit, for auditors."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.identity import AuditLook
from api.problems import LOOKING, problems
from api.services import Use
from api.wire import Moment
from api.wire_audit import AuditEntryOut, AuditPage, ProvedOut
from graph.actions.read.audit import PAGE_MAX, PROVED_MAX, Wanted, prove, read_audit

router = APIRouter(tags=["audit"])

SEQ_MAX = 2**53
Name = Annotated[str | None, Query(max_length=200)]
After = Annotated[int, Query(ge=0, le=SEQ_MAX, description="`next` of the answer before")]


@router.get("/audit", responses=problems("forbidden", *LOOKING))
async def audit(
    use: Use,
    access: AuditLook,
    start: Annotated[Moment | None, Query(alias="from", description="from this time on, with its zone")] = None,
    end: Annotated[Moment | None, Query(alias="to", description="before this time, with its zone")] = None,
    actor: Name = None,
    action: Annotated[
        str | None, Query(max_length=200, description="its current or a former name finds entries of both")
    ] = None,
    subject: Name = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
    after: After = 0,
) -> AuditPage:
    """Entries of the audit, oldest first; auditors only, and that they looked is an entry as well."""
    wanted = Wanted(start, end, actor, action, subject)
    found, following = await read_audit(use.store, use.access_log, wanted, after=after, limit=limit, access=access)
    return AuditPage(items=[AuditEntryOut.from_entry(entry) for entry in found], next=following)


@router.get("/audit/verification", responses=problems("forbidden", *LOOKING))
async def verification(
    use: Use,
    access: AuditLook,
    limit: Annotated[int, Query(ge=1, le=PROVED_MAX, description="the most entries to check")] = 10_000,
    after: After = 0,
    after_hash: Annotated[
        str | None, Query(pattern="^[0-9a-f]{64}$", description="the hash of entry `after`, as told before")
    ] = None,
) -> ProvedOut:
    """Checks the stored chain behind an entry, and says what was checked and whether it is whole."""
    return ProvedOut.from_proved(
        await prove(use.store, use.access_log, after=after, after_hash=after_hash, limit=limit, access=access)
    )
