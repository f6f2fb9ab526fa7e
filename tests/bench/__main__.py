"""`python -m tests.bench NAME`: what developers measure of the real system, beside named alternatives."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from graph.domain.errors import Invalid
from graph.domain.text import printable
from infra.cli.app import run
from infra.cli.common import JsonOption, settings
from infra.cli.measuring import (
    SERVERS_ONLY,
    FolderArgument,
    SeedOption,
    check_plot,
    measured_in_thread,
    measured_on_system,
    print_found,
    with_workers,
)
from infra.clock import Clock
from infra.evaluation import links as link_bench
from infra.evaluation import plots
from infra.foreground import in_thread, run_until_signalled, scratch_folder
from infra.local.running import given_addresses
from infra.local.system import RunningSystem
from infra.terminal import announce
from streams.client.folders import check_folder
from streams.faces.packs import chosen_models
from streams.gallery.calibration import calibration_of, load_calibrations
from streams.gallery.scoring import Scorer
from streams.settings import cache_folder
from tests.bench import decisions as decision_bench
from tests.bench import fuzz_archives as archive_fuzzing
from tests.bench import pipeline as pipeline_bench
from tests.bench import tables
from tests.bench import verdicts as verdict_bench
from tests.bench.fuzz_decoder import fuzz
from tests.bench.graph_writes.run import measure_graph_writes
from tests.bench.looks.run import Asked as LooksAsked
from tests.bench.looks.run import measure_looks
from tests.bench.peers import run as peer_bench
from tests.bench.peers.table import show_peers
from tests.bench.peers.theirs import PEERS, Name, Places
from tests.bench.review.graph import Sizes
from tests.bench.review.run import Load, measure_review
from tests.bench.search.run import SMALL as LEAST_FACES
from tests.bench.search.run import Asked as SearchAsked
from tests.bench.search.run import measure_search
from tests.bench.search.table import show_search

app = typer.Typer(no_args_is_help=True, help="Measure the speed and the size of the real system.")


@app.command()
def decisions(
    folder: FolderArgument,
    pictures: Annotated[int, typer.Option(min=1, help="New pictures of one person, made of those held back.")] = 500,
    cases: Annotated[int, typer.Option(min=1, help="Cases that the folder's pictures are spread over.")] = 20,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """How many decisions a reviewer who never errs needs, for the folder and for many new pictures of one person."""
    root = check_folder(folder.expanduser())
    sample, one = decision_bench.hold_back(link_bench.spread(root, cases, seed))
    clock = Clock()
    with scratch_folder("pictures") as drawn:
        new = decision_bench.draw(one, drawn, pictures, seed)
        found = measured_on_system(
            lambda system: decision_bench.measure_decisions(system, sample, one, new, clock),
            **with_workers(settings().embed, root, drawn),
        )
    print_found(found, as_json, tables.show_decisions)


@app.command()
def pipeline(
    folder: FolderArgument,
    repeat: Annotated[int, typer.Option(min=1, help="Rounds; the pictures are divided among them.")] = 4,
    pictures: Annotated[int, typer.Option(min=0, help="The most pictures to measure with; 0: all.")] = 0,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Media per second end to end with two embed processes, beside a bare loop of the same code."""
    root = check_folder(folder.expanduser())
    warm_up, rounds = pipeline_bench.rounds_of(root, repeat, seed, pictures)

    async def work(system: RunningSystem) -> dict[str, Any]:
        prefix = root.as_uri() + "/"
        measured = await in_thread(lambda stop: pipeline_bench.measure(system, prefix, warm_up, rounds, stop))
        return measured.as_json()

    found = measured_on_system(work, **with_workers(pipeline_bench.PROCESSES, root))
    print_found(found, as_json, tables.show_pipeline)


@app.command()
def peers(
    folder: FolderArgument,
    pictures: Annotated[int, typer.Option(min=2, help="Pictures of people who have two or more.")] = 500,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the pictures are divided among them.")] = 4,
    peer: Annotated[
        list[str] | None, typer.Option(help="A library to compare with, several times; default: all.")
    ] = None,
    python: Annotated[
        list[str] | None, typer.Option(metavar="PEER=FILE", help="The Python of an environment that has this peer.")
    ] = None,
    environments: Annotated[
        Path | None, typer.Option(help="Folder for the peers' packages; default: in the user's cache folder.")
    ] = None,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Speed, faces found and recall beside the libraries that people would take instead, and beside a bare loop."""
    root = check_folder(folder.expanduser())
    files, others = peer_bench.chosen(root, pictures, seed)
    parts = peer_bench.in_rounds(files, rounds)
    names: list[Name] = [peer_bench.peer_named(name) for name in peer or PEERS]
    pythons = peer_bench.pythons_of(python or ())
    chosen = settings()
    models = chosen_models(chosen.models, chosen.model_pack)
    scorer = Scorer(calibration_of(load_calibrations(chosen.calibration), models.model_id).score)
    with scratch_folder("peers") as home:
        places = Places(environments or cache_folder() / "peers", pythons, chosen.models, home)
        found = measured_in_thread(lambda stop: peer_bench.measure_peers(parts, names, models, scorer, places, stop))

    async def work(system: RunningSystem) -> dict[str, Any]:
        prefix = root.as_uri() + "/"
        warm_up = peer_bench.in_rounds(others, 1)[0]
        measured = await in_thread(lambda stop: pipeline_bench.measure(system, prefix, warm_up, parts, stop))
        return {**measured.as_json(), "goal": peer_bench.GOAL}

    found["pipeline"] = measured_on_system(work, **with_workers(pipeline_bench.PROCESSES, root))
    print_found(found, as_json, show_peers)


@app.command()
def fuzz_decoder(
    minutes: Annotated[float, typer.Option(min=0.01, help="How long.")] = 10,
    folder: Annotated[Path | None, typer.Option(help="A folder of files to mutate too.")] = None,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Mutated pictures through one decoder: refusals, deaths, hangs and memory. Exit code 1 if it crashes or hangs."""
    found = fuzz(minutes, seed, folder)
    print_found(found, as_json, tables.show_fuzz)
    if found["crashes"] or found["hangs"]:
        raise typer.Exit(1)


@app.command()
def fuzz_archives(
    minutes: Annotated[float, typer.Option(min=0.01, help="How long.")] = 10,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Mutated archives through the reader of `ingest`: errors, hangs and memory. Exit code 1 if it crashes or hangs."""
    found = archive_fuzzing.fuzz(minutes, seed)
    print_found(found, as_json, archive_fuzzing.show_fuzzed)
    if found["crashes"] or found["hangs"]:
        raise typer.Exit(1)


@app.command()
def looks(
    folder: FolderArgument,
    pictures: Annotated[int, typer.Option(min=1, help="Pictures of each of ten poor kinds.")] = 20,
    photographs: Annotated[int, typer.Option(min=1, help="Photographs whose four corners are searched.")] = 200,
    face_px: Annotated[int, typer.Option(min=16, help="Width of the faces in large pictures.")] = 40,
    before: Annotated[Path | None, typer.Option(help="Checkout of another commit, measured beside this one.")] = None,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Faces found in poor and in large pictures, boxes without a face, and processor time a picture."""
    asked = LooksAsked(pictures, photographs, face_px, seed)
    root = check_folder(folder.expanduser())
    print_found(measure_looks(root, asked, settings().models, before), as_json, tables.show_looks)


@app.command()
def verdicts(
    count: Annotated[int, typer.Option("--verdicts", min=20, help="Verdicts of each way in each round.")] = 400,
    writers: Annotated[int, typer.Option(min=2, help="People who judge at once.")] = 8,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; each measures both ways.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """Verdicts a second by one person, and by several at once: every verdict takes the audit's one head."""

    async def work(system: RunningSystem) -> dict[str, Any]:
        return await verdict_bench.measure_verdicts(system.addresses, count, writers, rounds)

    print_found(measured_on_system(work, **SERVERS_ONLY), as_json, tables.show_verdicts)


@app.command()
def graph_writes(
    pictures: Annotated[int, typer.Option(min=8, help="Pictures that each way writes with each batch size.")] = 1600,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the pictures are divided among them.")] = 8,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Rows a second that link commits, one picture and 64 at a time, beside a bare driver that writes the same rows."""

    async def work(system: RunningSystem) -> dict[str, Any]:
        return await measure_graph_writes(system.addresses, pictures, rounds, seed)

    print_found(measured_on_system(work, **SERVERS_ONLY), as_json, tables.show_graph_writes)


@app.command()
def review(
    faces: Annotated[int, typer.Option(min=100, help="Faces in the graph.")] = 1_000_000,
    candidates: Annotated[int, typer.Option(min=1, help="Candidates that wait.")] = 200_000,
    cases: Annotated[int, typer.Option(min=1, help="Cases that the faces are spread over.")] = 2000,
    districts: Annotated[int, typer.Option(min=1, help="Districts that the cases are spread over.")] = 4,
    reviewers: Annotated[int, typer.Option(min=1, help="People who work at once.")] = 100,
    seconds: Annotated[float, typer.Option(min=1, help="How long they work.")] = 300,
    think: Annotated[float, typer.Option(min=0, help="Seconds between a look and a decision, on average.")] = 2,
    warm_up: Annotated[float, typer.Option(min=0, help="Seconds at first that are not timed.")] = 20,
    seed: SeedOption = 1,
    given: Annotated[
        bool, typer.Option("--given", help="On the servers of REDTHREAD_STACK, with an empty graph, not on its own.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Many reviewers at once on a large graph: how long claims and verdicts take, and that nothing is done twice."""
    sizes = Sizes(faces, candidates, cases, districts)
    load = Load(reviewers, seconds, think, warm_up, seed)
    # Only the API runs: no worker reads or writes.
    options: dict[str, Any] = {"embed": 0, "link": False}
    if given:
        options |= {"stack": settings().stack, "external": given_addresses(settings())}
    found = measured_on_system(lambda system: measure_review(system, sizes, load, announce), **options)
    print_found(found, as_json, tables.show_review)


@app.command()
def search(
    faces: Annotated[int, typer.Option(min=LEAST_FACES, help="Faces stored, each of a media of its own.")] = 100_000,
    sizes: Annotated[str, typer.Option(help="More sizes to link at, as in 10000,100000,1000000.")] = "",
    graph: Annotated[bool, typer.Option(help="Load the gallery from a graph of that many faces too.")] = True,
    plot: Annotated[Path | None, typer.Option(help="Where to write a plot of link's time by size, as SVG.")] = None,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """What comparing a new face with the whole register costs, in time and memory, beside the bare product."""
    check_plot(plot)
    more = tuple(map(_size, filter(None, sizes.split(","))))
    asked = SearchAsked(faces, more, seed, graph)
    with scratch_folder("bench") as scratch:
        found = run_until_signalled(measure_search(asked, scratch, settings().maven_repository, announce))
    if plot is not None:
        title = f"Link's work by the size of the register ({found['threads']} processors)"
        plot.expanduser().write_text(plots.search_svg(title, found), "utf-8")
    print_found(found, as_json, show_search)


def _size(text: str) -> int:
    if not text.strip().isdigit() or int(text) < LEAST_FACES:
        raise Invalid(f"--sizes: {printable(text)} is no number of faces, of {LEAST_FACES} at least")
    return int(text)


if __name__ == "__main__":
    sys.exit(run(app, "python -m tests.bench"))
