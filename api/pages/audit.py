"""The audit, for auditors: who looked at what and did what, whether the chain is whole, and a part of it as a file."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Form, Query
from starlette.responses import Response, StreamingResponse

from api.pages.access import AuditReader
from api.pages.page import HEADERS, PageDep
from graph.actions.operate.audit_export import do_export
from graph.actions.read.audit import VERIFIED_MAX, AuditFilters, read_audit, verify_chain
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Invalid

router = APIRouter()

ENTRIES_A_PAGE: Final = 50
SEQ_MAX: Final = 2**53
MEANINGS: Final[Mapping[str, str]] = {
    name: action.meaning for action in AuditAction for name in (action.value, *action.former)
}
"""By the current and former names of the actions."""
Day = Annotated[str, Query(max_length=10)]
Short = Annotated[str, Query(max_length=200)]
Place = Annotated[int, Query(ge=0, le=SEQ_MAX)]


@router.get("/audit", name="audit")
async def audit(
    access: AuditReader,
    page: PageDep,
    start: Day | None = None,
    end: Day = "",
    actor: Short = "",
    action: Short = "",
    subject: Short = "",
    after: Place | None = None,
) -> Response:
    """Entries, oldest first; without any filter or place those of today."""
    is_plain = start is None and after is None and not (end or actor or action or subject)
    day = f"{access.at.astimezone():%Y-%m-%d}" if is_plain else start
    asked = {"start": day, "end": end, "actor": actor.strip(), "action": action, "subject": subject.strip()}
    filters = AuditFilters(*_period(day or "", end), *(asked[name] or None for name in ("actor", "action", "subject")))
    found = await read_audit(access, filters, after=after or 0, limit=ENTRIES_A_PAGE)
    return page("audit.html", found=found, asked=asked, after=after, actions=list(AuditAction), meanings=MEANINGS)


@router.get("/audit/verification", name="verification")
async def verification(
    access: AuditReader,
    page: PageDep,
    after: Place = 0,
    after_hash: Annotated[str | None, Query(pattern="^[0-9a-f]{64}$")] = None,
) -> Response:
    """Checks the chain behind an entry, some ten thousand entries a time."""
    found = await verify_chain(access, after=after, after_hash=after_hash, limit=VERIFIED_MAX)
    return page("verification.html", found=found)


@router.post("/audit/export", name="export")
async def export(
    access: AuditReader,
    kind: Annotated[Literal["chain", "period", "person", "victim"], Form()],
    person: Annotated[str, Form(max_length=200)] = "",
    victim: Annotated[str, Form(max_length=200)] = "",
    start: Annotated[str, Form(max_length=10)] = "",
    end: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """The chain as a file that proves itself, showing what was asked for; `redthread audit verify` checks it."""
    values = {"chain": "", "person": person.strip(), "victim": victim.strip(), "period": ""}
    if kind == "period":
        first, last = _period(start, end)
        if first is None or last is None:
            raise Invalid("a period needs its first and its last day")
        values["period"] = f"{first.isoformat()}/{last.isoformat()}"
    if kind != "chain" and not values[kind]:
        raise Invalid("say whose uses or which victim's data the file is to show")
    lines = await do_export(access, kind, values[kind])
    name = f"audit-{kind}-{access.at:%Y%m%dT%H%M%SZ}.jsonl"
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines, media_type="application/x-ndjson", headers=headers)


def _period(start: str, end: str) -> tuple[datetime | None, datetime | None]:
    """When the first day begins and the last one is over."""
    first, over = _start(start), _start(end, 1)
    if first and over and over <= first:
        raise Invalid("the last day is before the first")
    return first, over


def _start(day: str, days: int = 0) -> datetime | None:
    """The start of so many days after a day where this service runs; None for no day."""
    if not day:
        return None
    try:
        return datetime.combine(date.fromisoformat(day) + timedelta(days=days), time()).astimezone()
    except (ValueError, OverflowError, OSError):
        raise Invalid("a day reads 2026-11-29") from None
