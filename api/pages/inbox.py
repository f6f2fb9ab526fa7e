"""The inbox: what changed for a person since their last visit, until they say that they saw it."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Form, Query
from starlette.responses import Response

from api.pages.access import Reader
from api.pages.page import PageDep
from graph.actions.read.crop_views import read_crop_views
from graph.actions.read.inbox import COUNT_MAX, count_inbox, do_end_visit, do_reopen_visit, read_inbox

router = APIRouter()

CHANGES_A_PAGE: Final = 30
CASES_SHOWN: Final = 50
"""Cases with new candidates that are listed; of the others the number is given."""
PAIRS_SHOWN: Final = 20
"""Pairs of one act that are listed."""
Time = Annotated[datetime, Form()]


@router.get("/inbox", name="inbox")
async def inbox(
    access: Reader,
    page: PageDep,
    after: Annotated[str, Query(max_length=300)] = "",
    cleared: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """What changed, the latest first; looking at it ends nothing. After all was cleared, from when it was shown."""
    found = await read_inbox(access, limit=CHANGES_A_PAGE, after=after)
    ends = (end.face_id for change in found.changes.items for end in (change.links[0].a, change.links[0].b))
    views = await read_crop_views(access, ends)
    shown = {"shown": CASES_SHOWN, "pairs_shown": PAIRS_SHOWN}
    return page("inbox.html", found=found, views=views, after=after, cleared=cleared, **shown)


@router.get("/inbox/count", name="inbox_count")
async def inbox_count(access: Reader) -> Response:
    """How much is in the inbox, for the bar; nothing where it is empty."""
    number = await count_inbox(access)
    text = f"{COUNT_MAX}+" if number > COUNT_MAX else str(number or "")
    return Response(text, media_type="text/plain", headers={"Cache-Control": "no-store"})


@router.post("/inbox/seen", name="all_seen")
async def all_seen(access: Reader, page: PageDep, until: Time, since: Time) -> Response:
    """What the page had shown is no longer news; what came meanwhile is. `since` is what taking that back goes to."""
    await do_end_visit(access, until)
    return page.see("inbox", {"cleared": since.isoformat()})


@router.post("/inbox/undone", name="undo_seen")
async def undo_seen(access: Reader, page: PageDep, until: Time) -> Response:
    """What came after this time is news again."""
    await do_reopen_visit(access, until)
    return page.see("inbox")
