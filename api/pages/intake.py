"""Intake, for operators: what came in, what is on its way, what waits in quarantine, and how long it all takes."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Form, Query
from starlette.responses import Response, StreamingResponse

from api.pages.access import CountReader, QuarantineReader, Replayer
from api.pages.page import Page, PageDep
from api.pages.plots import Plot, bars, plot
from api.pages.texts import number
from graph.actions.access import Access
from graph.actions.operate.quarantine import do_replay, read_quarantine
from graph.actions.read.intake import IntakeNow, read_intake, read_intake_now
from graph.actions.read.times import Times, read_times
from graph.domain.errors import Conflict, StoreUnavailable

router = APIRouter()

A_PAGE: Final = 50
EVERY_S: Final = 3.0
STREAM_S: Final = 60.0
"""After that the browser asks again, and the session is looked at again."""
Status = Literal["waiting", "replayed", "resolved"]


@router.get("/intake", name="intake")
async def intake(
    access: CountReader,
    _: QuarantineReader,
    page: PageDep,
    status: Status = "waiting",
    after: Annotated[str, Query(max_length=100)] = "",
    replayed: Annotated[int | None, Query(ge=0)] = None,
    refused: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """All of it, without how long it takes on further pages of the quarantine.

    `replayed` and `refused` count the events that were just sent again, and those that could not be.
    """
    found = await read_intake(access)
    times = None if after else await read_times(access)
    waiting = await read_quarantine(access, status=status, after=after, limit=A_PAGE)
    return page(
        "intake.html",
        intake=found,
        bars=bars([hour.events for hour in found.hours]),
        times=times,
        plots=_plots(times) if times else {},
        waiting=waiting,
        status=status,
        after=after,
        replayed=replayed,
        refused=refused,
    )


def _plots(times: Times) -> dict[str, Plot | None]:
    return {
        "proposed": plot([(day.half, day.most) for day in times.proposed]),
        "waited": plot([(day.waited_half, day.waited_most) for day in times.judged]),
        "judged": plot([(day.half, day.most) for day in times.judged]),
    }


@router.post("/intake/replays", name="replay")
async def replay(
    access: Replayer, page: PageDep, event: Annotated[list[str], Form(default_factory=list[str], max_length=A_PAGE)]
) -> Response:
    """Sends these events again; one that does not wait any more, or cannot be sent, stops no other."""
    refused = 0
    for quarantine_id in event:
        try:
            await do_replay(access, quarantine_id)
        except Conflict:
            refused += 1
    return page.see("intake", {"replayed": str(len(event) - refused), "refused": refused})


@router.get("/intake/now", name="intake_now")
async def now(access: CountReader, page: PageDep) -> Response:
    """The counts every few seconds, as server-sent events; nothing of a case or a person is in them."""
    return StreamingResponse(
        _counts(access, page), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


async def _counts(access: Access, page: Page) -> AsyncGenerator[str]:
    for _ in range(round(STREAM_S / EVERY_S)):
        try:
            found = await read_intake_now(access)
        except StoreUnavailable:
            return
        yield f"data: {json.dumps(_texts(found, page))}\n\n"
        await asyncio.sleep(EVERY_S)


def _texts(found: IntakeNow, page: Page) -> dict[str, str]:
    """The numbers that change, by the names of their places in the page, in its language."""
    numbers = {name: getattr(found.sizes, name) for name in ("media", "faces", "quarantined", "outbox")}
    numbers |= {"events": found.events} | {f"source:{source.source}": source.events for source in found.sources}
    return {name: number(page.language, value) for name, value in numbers.items()}
