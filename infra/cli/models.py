"""`redthread models`: the register's model, and the change to another one."""

import asyncio
import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from graph.actions.link.cursor import read_cursor
from graph.actions.operate import models as actions
from graph.domain.calibration import Calibration
from graph.domain.people import check_actor
from graph.files import MediaStore
from graph.store.session import Store
from infra.cli.common import DataOption, read_settings, settings
from infra.foreground import run_until_signalled
from infra.local.running import addresses_of
from infra.settings import Settings
from infra.terminal import announce, bars, results
from streams.faces.embed import Embedder
from streams.faces.models import MODEL_ID, ensure_models
from streams.faces.packs import LICENCE, Recogniser, chosen_model, read_pack
from streams.faces.reembed import FaceReembedder
from streams.gallery.calibration import calibration_of, load_calibrations
from streams.link.register_reembedding import GalleryWriter, embed_missing
from streams.link.register_score import score_difference
from streams.link.register_switch import SwitchRequest, list_and_switch
from streams.link.register_switch import migrate as migrate_register
from streams.media.decode import Decoder
from streams.media.fetch import Fetcher
from streams.settings import MIB, StreamSettings

DEFAULT: Final = "sface"
BEHIND: Final = 10
"""Niceness of the embedding: it yields the processors to everything else."""

ByOption = Annotated[str, typer.Option(help="Who does it, for the audit.")]
SwitchOption = Annotated[bool, typer.Option("--switch", help="Change the register to it, after the list.")]
ListOption = Annotated[Path | None, typer.Option("--list", help="The file for what would differ.")]

app = typer.Typer(help="Show the register's model, and change it to another one.")


@app.callback(invoke_without_command=True)
def show(context: typer.Context, data: DataOption = None) -> None:
    """Show the register's model, and how far others have embedded its faces."""
    if context.invoked_subcommand is None:
        asyncio.run(_show(settings(data=data)))


@app.command()
def migrate(
    new: Annotated[str, typer.Argument(help=f"A folder in InsightFace's layout, or `{DEFAULT}`.", metavar="NEW")],
    by: ByOption,
    switch: SwitchOption = False,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Switch although some faces can't be embedded: they find nothing then.")
    ] = False,
    to: ListOption = None,
    data: DataOption = None,
) -> None:
    """Embed all faces with another model beside the old one, and list what would differ; --switch changes to it."""
    chosen = settings(data=data)
    check_actor(by)
    recogniser = _recogniser(chosen, new)
    os.nice(BEHIND)
    asked = SwitchRequest(by, _list_file(chosen, to, recogniser.model_id), switch, leave_out)
    run_until_signalled(_migrate(chosen, recogniser, asked), resumable=True)


@app.command()
def rescore(
    by: ByOption,
    switch: SwitchOption = False,
    to: ListOption = None,
    data: DataOption = None,
) -> None:
    """List what would differ by the packaged score, or that of REDTHREAD_CALIBRATION; --switch changes to it."""
    chosen = settings(data=data)
    check_actor(by)
    run_until_signalled(_rescore(chosen, by, to, switch=switch), resumable=True)


async def _rescore(chosen: Settings, by: str, file: Path | None, *, switch: bool) -> None:
    async with Store(*addresses_of(chosen).neo4j) as store:
        wanted = _calibration(chosen, await actions.register_model(store))
        if (await read_cursor(store)).score_id == wanted.score_id:
            announce(f"the register is compared by {wanted.score_id} already")
            return
        asked = SwitchRequest(by, _list_file(chosen, file, wanted.score_id), switch)
        if await list_and_switch(store, wanted, asked, announce):
            announce(f"the register is compared by {wanted.score_id}")


def _calibration(chosen: Settings, model_id: str) -> Calibration:
    return calibration_of(load_calibrations(chosen.calibration), model_id)


def _list_file(chosen: Settings, file: Path | None, name: str) -> Path:
    return (file or chosen.data / "models" / f"would-differ-{name}.jsonl").expanduser().absolute()


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
    results.print(table)
    if doubt is not None:
        results.print(doubt, markup=False)
    setting = chosen_model(chosen.model_pack)
    if setting != current:
        results.print(
            f"REDTHREAD_MODEL_PACK names {setting} here: an embed worker with this setting waits in vain", markup=False
        )


async def _migrate(chosen: Settings, recogniser: Recogniser, asked: SwitchRequest) -> None:
    addresses, model_id = addresses_of(chosen), recogniser.model_id
    workers = read_settings(StreamSettings, kafka=addresses.kafka, data=chosen.data)
    files = MediaStore(workers.store_url)
    fetcher, decoder = Fetcher(workers.media_roots, files, workers.max_media_mib * MIB), Decoder()
    reembedder = FaceReembedder(Embedder(recogniser.path), files, fetcher, decoder)
    log = GalleryWriter(addresses.kafka_connection)
    try:
        async with Store(*addresses.neo4j) as store:
            embed = partial(_embed, store, reembedder, log, model_id, asked.by)
            if await migrate_register(store, _calibration(chosen, model_id), asked, embed, announce):
                announce(f"the register holds {model_id}: now start the workers {_setting(recogniser)}")
                announce("what is embedded with another model until then waits in quarantine, and comes by itself")
    finally:
        decoder.close()
        fetcher.close()


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


def _setting(recogniser: Recogniser) -> str:
    if recogniser.model_id == MODEL_ID:
        return "without REDTHREAD_MODEL_PACK"
    return f"with REDTHREAD_MODEL_PACK={recogniser.path.parent}"
