"""`redthread demo`: the whole pipeline on sample pictures or on the user's own, from Kafka to the answers."""

import asyncio
import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from graph.domain.errors import Invalid
from infra.cli.common import settings
from infra.clock import Clock
from infra.demo import run, show
from infra.demo.run import Terms
from infra.foreground import run_until_signalled, scratch_folder
from infra.local.options import SystemOptions
from infra.local.system import running_system
from infra.terminal import announce
from streams.client.folders import SourceFile, check_folder, read_cases
from streams.faces.packs import chosen_models

FOLDER_TERMS = Terms("demonstration", "pictures that the user chose")
MANY_FILES = 500
"""From so many files on, servers that start slower and then run faster are worth it."""


def demo(
    folder: Annotated[
        Path | None, typer.Option(help="Your own pictures: each sub-folder is one case. Else samples are used.")
    ] = None,
    exit_when_done: Annotated[bool, typer.Option("--exit", help="Stop everything when done.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on standard output, all else on standard error.")
    ] = False,
    data: Annotated[Path | None, typer.Option(help="An empty folder for the data; else a temporary one.")] = None,
    embed: Annotated[int | None, typer.Option(min=1, help="Embed workers; default: one for each core.")] = None,
    api_port: Annotated[int, typer.Option(help="Port of the API; 0: any free one.")] = 0,
    kafka_port: Annotated[int, typer.Option(help="Port of Kafka; 0: any free one.")] = 0,
    neo4j_port: Annotated[int, typer.Option(help="Port of Neo4j; 0: any free one.")] = 0,
) -> None:
    """Run the whole job on real pictures with servers of its own, and answer the two questions."""
    chosen = settings(embed=embed)
    with scratch_folder("demo") as scratch:
        own, samples = data.expanduser().absolute() if data else scratch / "data", scratch / "pictures"
        if own.is_dir() and any(own.iterdir()):
            raise Invalid(f"the demo wants an empty data folder, and {own} is not: name another with --data")
        clock = Clock()
        if folder is None:
            from infra.demo.samples import DISTRICTS, LEGAL_BASIS, PURPOSE, write_samples

            with clock.step("pictures"):
                write_samples(samples)
            root, terms = samples, Terms(PURPOSE, LEGAL_BASIS, DISTRICTS)
        else:
            root, terms = check_folder(folder.expanduser()), FOLDER_TERMS
        files = read_cases(root, announce)
        options = SystemOptions(
            data=own,
            kafka_port=kafka_port,
            neo4j_port=neo4j_port,
            api_port=api_port,
            embed=max(chosen.embed, 1),
            media_roots=(root.as_uri() + "/",),
            sources={run.SOURCE: ["north", "south"]},
            models=chosen.models,
            model_pack=chosen.model_pack,
            maven_repository=chosen.maven_repository,
            short_lived=len(files) < MANY_FILES,
            # Not the store of an installation that this shell's environment may name.
            env={"REDTHREAD_MEDIA_STORE": (own / "store").as_uri()},
        )
        job = _job(options, files, terms, clock, as_json=as_json, serve=not exit_when_done)
        run_until_signalled(job)


async def _job(
    options: SystemOptions, files: list[SourceFile], terms: Terms, clock: Clock, *, as_json: bool, serve: bool
) -> None:
    """Shows the results; once they are out, the end by a signal is an orderly one."""
    out = show.console(as_json)
    with clock.step("models"):
        await asyncio.to_thread(chosen_models, options.models, options.model_pack)
    begun = time.monotonic()
    async with running_system(options, announce) as system:
        clock.record("stack", begun)
        cases = len({file.case for file in files})
        announce(f"{len(files)} files of {cases} cases are published as a case system does")
        notices = await run.submit(system, files, terms, clock)
        result = await run.result(system, files, notices, clock)
        with clock.step("ask"):
            answers = await run.ask(system, files, notices, result.links, terms)
        seconds = clock.as_json()
        if serve and system.sign_in is not None:
            show.show_link(out, system.sign_in.new_link(system.api_url))
        show.show_result(out, result)
        places = run.places_by_media(files, notices)
        for item in answers:
            show.show_answer(out, item.question, item.answer, places)
        if not answers:
            out.print("\nNo face could be compared, so nothing is asked.")
        if as_json:
            print(json.dumps(result.as_json(seconds)), flush=True)
        if serve:
            show.show_addresses(out, system.api_url, files[0].case_id, system.data)
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
