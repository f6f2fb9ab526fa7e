"""`redthread reexamine`: brings stored media, and events in quarantine, up to date after an upgrade."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.table import Table

from graph.actions.operate import reexamine as actions
from graph.domain.errors import Invalid
from graph.domain.people import check_actor, check_purpose
from graph.store.session import Store
from infra.cli.common import DataOption, settings
from infra.foreground import run_until_signalled
from infra.local.running import addresses_of
from infra.settings import Settings
from infra.terminal import announce, bars, results
from streams.faces.models import DETECTOR_ID
from streams.repair.reexamination import Reexamination, survey

DECODING: Final = (
    *("not_an_image", "truncated", "damaged", "unsupported", "too_many_pixels", "video_not_supported_yet"),
    *("decoder_died", "decoder_timeout"),
)
"""Reasons of quarantine that a newer decoder may have mended."""
ROWS: Final = {
    "media": "media that an older detector examined",
    "no_face": "of them without a face",
    "too_poor": "of them with a face too poor to compare",
    "more_pages": "of them with more pages than were examined",
    "small_crops": "of them with a face shown smaller than it is",
    "failed": "of them tried before, in vain (--again tries once more)",
}


def reexamine(
    by: Annotated[str, typer.Option(help="Who does it, for the audit.")] = "",
    purpose: Annotated[str, typer.Option(help="What it is needed for, for the audit.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what waits.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also media that could not be examined before.")] = False,
    code: Annotated[
        list[str] | None,
        typer.Option(help="Replay events in quarantine for this reason; by default those of decoding.", metavar="CODE"),
    ] = None,
    data: DataOption = None,
) -> None:
    """Have stored media examined by this release's detector, and quarantined events replayed whose reason is mended."""
    chosen = settings(data=data)
    if dry_run:
        asyncio.run(_show(chosen))
        return
    if not by:
        raise Invalid("--by: who does it, for the audit; --dry-run needs nobody")
    check_actor(by)
    check_purpose(purpose)
    run_until_signalled(_run(chosen, by, purpose, code or DECODING, again=again), resumable=True)


async def _show(chosen: Settings) -> None:
    async with Store(*addresses_of(chosen).neo4j) as store:
        found, codes = await survey(store, DETECTOR_ID), await actions.quarantined(store)
    results.print(_table("stored media", {title: found[name] for name, title in ROWS.items()}))
    results.print(_table("in quarantine for", codes))


def _table(title: str, numbers: Mapping[str, int]) -> Table:
    table = Table(title, "number", box=None)
    for name, number in numbers.items():
        table.add_row(name, str(number))
    return table


async def _run(chosen: Settings, by: str, purpose: str, codes: Sequence[str], *, again: bool) -> None:
    async with Store(*addresses_of(chosen).neo4j) as store:
        work = Reexamination(store, sorted(chosen.sources), announce)
        media = await actions.count_waiting(store, DETECTOR_ID)
        events = len(await actions.quarantined_for(store, codes))
        if not media and not events:
            announce("everything is up to date")
            return
        await actions.begin(store, DETECTOR_ID, media=media, actor=by, purpose=purpose, now=datetime.now(UTC))
        with bars(media, "examined") as move:
            await work.examine(DETECTOR_ID, again=again, progress=move)
        with bars(events, "replayed") as move:
            back = await work.replay(codes, actor=by, progress=move)
        left = await actions.count_waiting(store, DETECTOR_ID)
    announce(f"{media - left} media are up to date, {left} could not be examined: see the quarantine")
    announce(f"{events - back} events of the quarantine are processed, {back} are there again")
