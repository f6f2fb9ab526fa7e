"""`redthread models`: the register's model, and the change to another one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from graph.actions.link.cursor import read_cursor
from graph.actions.operate import models as actions
from graph.domain.calibration import Calibration
from graph.domain.errors import Conflict
from graph.domain.people import check_actor
from graph.files import MediaStore
from graph.store.session import Store
from infra.cli.common import DataOption, read_settings, settings
from infra.foreground import run_until_signalled
from infra.local.running import addresses_of
from infra.settings import Settings
from infra.terminal import announce, bars
from streams.faces.embed import Embedder
from streams.faces.models import MODEL_ID, ensure_models
from streams.faces.packs import LICENCE, Recogniser, chosen_model, read_pack
from streams.faces.reembed import FaceReembedder
from streams.gallery.calibration import as_text, calibration_of, load_calibrations
from streams.link.candidate_differences import candidate_differences, write_list
from streams.link.register_reembedding import GalleryWriter, embed_missing, until_switched
from streams.link.register_score import score_difference
from streams.media.decode import Decoder
from streams.media.fetch import Fetcher
from streams.settings import MIB, StreamSettings

DEFAULT: Final = "sface"
BEHIND: Final = 10
"""Niceness of the embedding: it yields the processors to everything else."""

app = typer.Typer(help="Show the register's model, and change it to another one.")


@app.callback(invoke_without_command=True)
def show(context: typer.Context, data: DataOption = None) -> None:
    """Show the register's model, and how far others have embedded its faces."""
    if context.invoked_subcommand is None:
        asyncio.run(_show(settings(data=data)))


@app.command()
def migrate(
    new: Annotated[str, typer.Argument(help=f"A folder in InsightFace's layout, or `{DEFAULT}`.", metavar="NEW")],
    by: Annotated[str, typer.Option(help="Who does it, for the audit.")],
    switch: Annotated[bool, typer.Option("--switch", help="Change the register to it, after the list.")] = False,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Switch although some faces can't be embedded: they find nothing then.")
    ] = False,
    to: Annotated[Path | None, typer.Option("--list", help="The file for what would differ.")] = None,
    data: DataOption = None,
) -> None:
    """Embed all faces with another model beside the old one, and list what would differ; --switch changes to it."""
    chosen = settings(data=data)
    check_actor(by)
    recogniser = _recogniser(chosen, new)
    os.nice(BEHIND)
    to = to or chosen.data / "models" / f"would-differ-{recogniser.model_id}.jsonl"
    wanted = _Wanted(by, switch, leave_out, to.expanduser().absolute())
    run_until_signalled(_migrate(chosen, recogniser, wanted), resumable=True)


@app.command()
def rescore(
    by: Annotated[str, typer.Option(help="Who does it, for the audit.")],
    switch: Annotated[bool, typer.Option("--switch", help="Change the register to it, after the list.")] = False,
    to: Annotated[Path | None, typer.Option("--list", help="The file for what would differ.")] = None,
    data: DataOption = None,
) -> None:
    """List what would differ by the packaged score, or that of REDTHREAD_CALIBRATION; --switch changes to it."""
    chosen = settings(data=data)
    check_actor(by)
    run_until_signalled(_rescore(chosen, by, to, switch=switch), resumable=True)


async def _rescore(chosen: Settings, by: str, file: Path | None, *, switch: bool) -> None:
    addresses = addresses_of(chosen)
    async with Store(*addresses.neo4j) as store:
        wanted = _calibration(await actions.register_model(store))
        if (await read_cursor(store)).score_id == wanted.score_id:
            announce(f"the register is compared by {wanted.score_id} already")
            return
        to = file or chosen.data / "models" / f"would-differ-{wanted.score_id}.jsonl"
        await _list_differing(store, wanted, to.expanduser().absolute())
        if switch:
            await _switch(store, wanted, 0, by)
            announce(f"the register is compared by {wanted.score_id}")
        else:
            announce("nothing is switched: run it again with --switch for that")


@dataclass(frozen=True, slots=True)
class _Wanted:
    by: str
    switch: bool
    leave_out: bool
    file: Path


def _recogniser(chosen: Settings, new: str) -> Recogniser:
    if new == DEFAULT:
        files = ensure_models(chosen.models)
        return Recogniser(files.recogniser, files.model_id)
    announce(LICENCE)
    return read_pack(Path(new))


async def _show(chosen: Settings) -> None:
    addresses = addresses_of(chosen)
    async with Store(*addresses.neo4j) as store:
        current = await actions.register_model(store)
        known = await actions.known_models(store)
        table = Table("model", "faces embedded", "lacking", "", box=None)
        for model_id in sorted({current, *known}):
            lacking = await actions.count_lacking(store, model_id)
            table.add_row(
                model_id, str(known.get(model_id, 0)), str(lacking), "the register's" if model_id == current else ""
            )
        doubt = await score_difference(store, chosen.calibration)
    out = Console(highlight=False, soft_wrap=True)
    out.print(table)
    if doubt is not None:
        out.print(doubt, markup=False)
    setting = chosen_model(chosen.model_pack)
    if setting != current:
        out.print(
            f"REDTHREAD_MODEL_PACK names {setting} here: an embed worker with this setting waits in vain", markup=False
        )


async def _migrate(chosen: Settings, recogniser: Recogniser, wanted: _Wanted) -> None:
    addresses, model_id = addresses_of(chosen), recogniser.model_id
    workers = read_settings(StreamSettings, kafka=addresses.kafka, data=chosen.data)
    files = MediaStore(workers.store_url)
    fetcher, decoder = Fetcher(workers.media_roots, files, workers.max_media_mib * MIB), Decoder()
    reembedder = FaceReembedder(Embedder(recogniser.path), files, fetcher, decoder)
    log = GalleryWriter(addresses.kafka_connection)
    try:
        async with Store(*addresses.neo4j) as store:
            await _steps(store, partial(_embed, store, reembedder, log, model_id, wanted.by), recogniser, wanted)
    finally:
        decoder.close()
        fetcher.close()


async def _steps(store: Store, embed: Callable[[], Awaitable[int]], recogniser: Recogniser, wanted: _Wanted) -> None:
    """Embeds all faces, lists the differences, switches where that is wanted, and embeds the newest faces."""
    current, model_id = await actions.register_model(store), recogniser.model_id
    lost = await embed()
    if lost:
        announce(f"{lost} faces have neither crop nor picture any more: {model_id} can't embed them")
    if current == model_id:
        announce(f"the register holds {model_id}")
        return
    await _list_differing(store, _calibration(model_id), wanted.file)
    if not wanted.switch:
        announce("nothing is switched: run it again with --switch for that")
        return
    if lost and not wanted.leave_out:
        raise Conflict(f"{lost} faces would be compared with nothing any more: --leave-out switches all the same")
    await _switch(store, _calibration(model_id), lost, wanted.by)
    await embed()  # what link took between the list and the switch
    announce(f"the register holds {model_id}: now start the workers {_setting(recogniser)}")
    announce("what is embedded with another model until then waits in quarantine, and comes by itself")


async def _embed(store: Store, reembedder: FaceReembedder, log: GalleryWriter, model_id: str, by: str) -> int:
    """Embeds all faces that lack a vector of the model; returns how many cannot be embedded."""
    total = await actions.count_lacking(store, model_id)
    if total == 0:
        return 0
    await actions.begin(store, model_id, faces=total, actor=by, now=datetime.now(UTC))
    with bars(total, "embedded") as move:
        # More may come meanwhile than there were.
        return await embed_missing(
            store, reembedder, log, model_id, progress=lambda done: move(min(done, total)), notify=announce
        )


def _calibration(model_id: str) -> Calibration:
    """The calibration of the model by these settings."""
    return calibration_of(load_calibrations(settings().calibration), model_id)


async def _switch(store: Store, to: Calibration, lost: int, by: str) -> None:
    """Returns once link has changed the register to this calibration's model and score."""
    chosen = actions.Chosen(to.model_id, to.score_id, as_text(to))
    await actions.do_switch(store, chosen, lacking=lost, actor=by, now=datetime.now(UTC))
    announce(f"the register changes to {to.model_id}, compared by {to.score_id}")
    await until_switched(store, chosen, announce)


async def _list_differing(store: Store, to: Calibration, file: Path) -> None:
    found = await candidate_differences(store, to)
    write_list(found, file)
    announce(
        f"with {to.model_id} and {to.score_id} {len(found.added)} candidates would appear, {len(found.removed)} would "
        f"vanish, {found.unchanged} would stay; what people judged stays as it is. By link and face ids: {file}"
    )


def _setting(recogniser: Recogniser) -> str:
    if recogniser.model_id == MODEL_ID:
        return "without REDTHREAD_MODEL_PACK"
    return f"with REDTHREAD_MODEL_PACK={recogniser.path.parent}"
