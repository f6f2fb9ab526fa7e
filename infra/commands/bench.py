"""`redthread bench`: measures accuracy and speed of the real system on a folder of pictures."""

from __future__ import annotations

import json
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
import typer
from rich.console import Console

from graph.domain.calibration import Population
from graph.domain.errors import Invalid
from graph.whole import SHARED, write_whole
from infra.bench import calibrate as calibration_bench
from infra.bench import decisions as decision_bench
from infra.bench import links as link_bench
from infra.bench import peers as peer_bench
from infra.bench import pipeline as pipeline_bench
from infra.bench import plots, tables
from infra.bench import verdicts as verdict_bench
from infra.bench.accuracy import Asked, Protocol, measure_accuracy
from infra.bench.accuracy_people import Half
from infra.bench.accuracy_table import show_accuracy
from infra.bench.ages import measure_ages
from infra.bench.ages_table import show_ages
from infra.bench.graph_writes import measure_graph_writes
from infra.bench.labelled import age_of, labelled_faces
from infra.bench.peers_table import show_peers
from infra.bench.peers_theirs import PEERS, Name, Places
from infra.bench.review import Load, measure_review
from infra.bench.review_graph import Sizes
from infra.bench.search import SMALL as LEAST_FACES
from infra.bench.search import Asked as SearchAsked
from infra.bench.search import measure_search
from infra.bench.search_table import show_search
from infra.commands.common import announce, settings
from infra.demo.run import SOURCE, Clock
from infra.folders import check_folder, printable, read_cases
from infra.foreground import in_thread, run_until_signalled
from infra.scratch import scratch_folder
from infra.stack.running import given_addresses
from infra.stack.system import RunningSystem, SystemOptions, running_system
from streams.faces.packs import chosen_models
from streams.gallery.calibration import calibration_of, load_calibrations, packaged
from streams.gallery.scoring import Scorer
from streams.settings import cache_folder

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Measure accuracy and speed on a folder with one sub-folder a person.")

FolderArgument = Annotated[Path, typer.Argument(help="One sub-folder for each person, as in LFW.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
SeedOption = Annotated[int, typer.Option(help="The same seed gives the same cases, pairs and rounds.")]

Work = Callable[[RunningSystem], Awaitable[dict[str, Any]]]


@app.command()
def links(
    folder: FolderArgument,
    cases: Annotated[int, typer.Option(min=1, help="Cases that the pictures are spread over.")] = 20,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """How many pictures of one person the links join, and how many of different people they propose."""
    root = check_folder(folder.expanduser())
    sample = link_bench.spread(root, cases, seed)
    clock = Clock()
    found = _measured(root, settings().embed, lambda system: link_bench.measure_links(system, sample, seed, clock))
    _print(found, as_json, tables.show_links)


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
    with scratch_folder("pictures", announce) as drawn:
        new = decision_bench.draw(one, drawn, pictures, seed)
        found = _measured(
            root, settings().embed,
            lambda system: decision_bench.measure_decisions(system, sample, one, new, clock), drawn,
        )  # fmt: skip
    _print(found, as_json, tables.show_decisions)


@app.command()
def accuracy(
    folder: FolderArgument,
    protocol: Annotated[
        Protocol | None, typer.Option(help="Pairs of pictures, or searches for people on file; default: both.")
    ] = None,
    on_file: Annotated[Literal["1", "3"] | None, typer.Option(help="Pictures on file of a known person.")] = None,
    ages: Annotated[
        bool, typer.Option("--ages", help="By age: the folder's pictures are named <person>A<age>, as 001A05.jpg.")
    ] = False,
    others: Annotated[
        Path | None, typer.Option("--with", help="With --ages: more people in the register, a sub-folder each.")
    ] = None,
    half: Annotated[
        Half | None, typer.Option(help="Only these people: choose on one half, confirm on the other.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Where to write a DET plot, or one of false candidates by age, as SVG.")
    ] = None,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """How well people are told apart by the product's own code, without servers: rates of error, with intervals."""
    root = check_folder(folder.expanduser())
    _check_plot(plot)
    if ages and (protocol or on_file):
        raise Invalid("--ages has a protocol of its own: leave --protocol and --on-file out")
    if others is not None and not ages:
        raise Invalid("--with adds to the register of --ages: name both")
    rest = check_folder(others.expanduser()) if others is not None else None
    asked = Asked(protocol, int(on_file or "1"), half, seed)
    chosen = settings()
    calibrations = load_calibrations(chosen.calibration)
    models = chosen_models(chosen.models.expanduser(), chosen.model_pack)
    if ages:
        found = _in_thread(lambda stop: measure_ages(root, rest, half, seed, models, calibrations, stop))
        if plot is not None:
            plot.expanduser().write_text(plots.ages_svg(f"False candidates by age on {root.name}", found), "utf-8")
        _print(found, as_json, show_ages)
        return
    measured = _in_thread(lambda stop: measure_accuracy(root, asked, models, calibrations, stop))
    if plot is not None:
        plot.expanduser().write_text(plots.det_svg(f"Errors on {root.name}", measured.curves), "utf-8")
    _print(measured.found, as_json, show_accuracy)


def _in_thread(work: Callable[[threading.Event], T]) -> T:
    """What a long piece of work gives; a signal sets its event and ends the command."""
    found: list[T] = []

    async def main() -> int:
        found.append(await in_thread(work))
        return 0

    code = run_until_signalled(main(), lambda: announce("stopping"))
    if code:
        raise typer.Exit(code)
    return found[0]


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

    found = _measured(root, pipeline_bench.PROCESSES, work)
    _print(found, as_json, tables.show_pipeline)


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
    with scratch_folder("peers", announce) as home:
        places = Places(environments or cache_folder() / "peers", pythons, chosen.models, home)
        found = _in_thread(lambda stop: peer_bench.measure_peers(parts, names, models, scorer, places, stop))

    async def work(system: RunningSystem) -> dict[str, Any]:
        prefix = root.as_uri() + "/"
        warm_up = peer_bench.in_rounds(others, 1)[0]
        measured = await in_thread(lambda stop: pipeline_bench.measure(system, prefix, warm_up, parts, stop))
        return {**measured.as_json(), "goal": peer_bench.GOAL}

    found["pipeline"] = _measured(root, pipeline_bench.PROCESSES, work)
    _print(found, as_json, show_peers)


def _check_plot(plot: Path | None) -> None:
    """Refuses a place that nothing can be written to, before anything is measured."""
    if plot is not None and not plot.expanduser().absolute().parent.is_dir():
        raise Invalid(f"there is no folder to write the plot into: {printable(str(plot))}")


@app.command()
def calibrate(
    folder: FolderArgument,
    out: Annotated[Path | None, typer.Option(help="Write a file that REDTHREAD_CALIBRATION takes; needs --by.")] = None,
    by: Annotated[str, typer.Option(help="Who measures: stands in the file.")] = "",
    population: Annotated[Population, typer.Option(help="Whose faces these are.")] = Population.ADULTS,
    plot: Annotated[Path | None, typer.Option(help="Where to write a reliability plot, as SVG.")] = None,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """The map that faces are compared by, and what scores mean: tested on people that the fit has not seen."""
    root = check_folder(folder.expanduser())
    _check_plot(plot)
    if out is not None and (out.exists() or not by.strip()):
        raise Invalid(f"{out} exists: name another file" if out.exists() else "--out needs --by: who measured")
    chosen = settings()
    models = chosen_models(chosen.models.expanduser(), chosen.model_pack)
    announce(calibration_bench.NEEDS)
    files = read_cases(root, announce)
    calibration_bench.check_ages(np.array([age_of(file.path.name) for file in files]), population)
    faces = _in_thread(lambda stop: labelled_faces(files, models, seed, stop))
    terms = calibration_bench.Terms(population, root.name, datetime.now(UTC).date(), by.strip() or "nobody said")
    found = calibration_bench.measure_calibration(faces, models.model_id, terms, seed, packaged().get(models.model_id))
    if out is not None:
        write_whole(out, calibration_bench.file_text(found["calibration"]) + "\n", mode=SHARED)
    if plot is not None:
        title = f"Likelihood ratios on {root.name}, Cllr {found['cllr']}"
        plot.expanduser().write_text(plots.reliability_svg(title, found["reliability"]), "utf-8")
    _print(found, as_json, tables.show_calibration)


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

    _print(_measured(None, 0, work), as_json, tables.show_verdicts)


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

    _print(_measured(None, 0, work), as_json, tables.show_graph_writes)


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
    found: list[dict[str, Any]] = []
    with scratch_folder("bench", announce) as scratch:
        data = scratch / "data"
        # Only the API works here: no worker reads or writes.
        options = SystemOptions(
            data=data, embed=0, link=False, models=settings().models.expanduser().absolute(),
            maven_repository=settings().maven_repository, env={"REDTHREAD_MEDIA_STORE": (data / "store").as_uri()},
        )  # fmt: skip
        if given:
            options = replace(options, stack=settings().stack, external=given_addresses(settings()))

        async def main() -> int:
            async with running_system(options, announce) as system:
                found.append(await measure_review(system, sizes, load, announce))
            return 0

        code = run_until_signalled(main(), lambda: announce("stopping"))
    if code:
        raise typer.Exit(code)
    _print(found[0], as_json, tables.show_review)


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
    _check_plot(plot)
    more = tuple(map(_size, filter(None, sizes.split(","))))
    found: list[dict[str, Any]] = []
    repository = settings().maven_repository
    with scratch_folder("bench", announce) as scratch:

        async def main() -> int:
            asked = SearchAsked(faces, more, seed, graph)
            found.append(await measure_search(asked, scratch, repository, announce))
            return 0

        code = run_until_signalled(main(), lambda: announce("stopping"))
    if code:
        raise typer.Exit(code)
    if plot is not None:
        title = f"Link's work by the size of the register ({found[0]['threads']} processors)"
        plot.expanduser().write_text(plots.search_svg(title, found[0]), "utf-8")
    _print(found[0], as_json, show_search)


def _size(text: str) -> int:
    if not text.strip().isdigit() or int(text) < LEAST_FACES:
        raise Invalid(f"--sizes: {printable(text)} is no number of faces, of {LEAST_FACES} at least")
    return int(text)


def _measured(root: Path | None, embed: int, work: Work, *more: Path) -> dict[str, Any]:
    """What `work` measures on a fresh system of its own; without a folder of pictures, on its servers alone.

    Pictures may lie in `root` and `more`.
    """
    chosen = settings()
    found: list[dict[str, Any]] = []
    with scratch_folder("bench", announce) as scratch:
        data = scratch / "data"
        options = SystemOptions(
            data=data, embed=max(embed, 1) if root else 0, link=root is not None, api=root is not None,
            media_roots=tuple(folder.as_uri() + "/" for folder in (root, *more) if folder),
            sources={SOURCE: ["north", "south"]},
            models=chosen.models.expanduser().absolute(), maven_repository=chosen.maven_repository,
            env={"REDTHREAD_MEDIA_STORE": (data / "store").as_uri(), "REDTHREAD_THREADS": "1"}, short_lived=True,
        )  # fmt: skip

        async def main() -> int:
            async with running_system(options, announce) as system:
                found.append(await work(system))
            return 0

        code = run_until_signalled(main(), lambda: announce("stopping"))
    if code:
        raise typer.Exit(code)
    return found[0]


def _print(found: dict[str, Any], as_json: bool, show: Callable[[Console, dict[str, Any]], None]) -> None:
    if as_json:
        print(json.dumps(found), flush=True)
    else:
        show(Console(highlight=False, soft_wrap=True), found)
