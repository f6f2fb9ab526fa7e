"""`redthread bench`: measures accuracy on a folder of labelled pictures, by the product's own code."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

from graph.atomic import SHARED, write_whole
from graph.domain.calibration import Population
from graph.domain.errors import Invalid
from infra.cli.common import JsonOption, settings
from infra.cli.measuring import (
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
from infra.evaluation import plots, tables
from infra.evaluation.accuracy.people import Half
from infra.evaluation.accuracy.run import Asked, Protocol, measure_accuracy
from infra.evaluation.accuracy.table import show_accuracy
from infra.evaluation.ages.run import measure_ages
from infra.evaluation.ages.table import show_ages
from infra.evaluation.calibration import run as calibration_bench
from infra.evaluation.calibration.labelled import age_of, labelled_faces
from infra.terminal import announce
from streams.client.folders import check_folder, read_cases
from streams.faces.packs import chosen_models
from streams.gallery.calibration import load_calibrations, packaged

app = typer.Typer(no_args_is_help=True, help="Measure accuracy and speed on a folder with one sub-folder a person.")


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
    options = with_workers(settings().embed, root)
    found = measured_on_system(lambda system: link_bench.measure_links(system, sample, seed, clock), **options)
    print_found(found, as_json, tables.show_links)


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
    check_plot(plot)
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
        found = measured_in_thread(lambda stop: measure_ages(root, rest, half, seed, models, calibrations, stop))
        if plot is not None:
            plot.expanduser().write_text(plots.ages_svg(f"False candidates by age on {root.name}", found), "utf-8")
        print_found(found, as_json, show_ages)
        return
    measured = measured_in_thread(lambda stop: measure_accuracy(root, asked, models, calibrations, stop))
    if plot is not None:
        plot.expanduser().write_text(plots.det_svg(f"Errors on {root.name}", measured.curves), "utf-8")
    print_found(measured.found, as_json, show_accuracy)


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
    check_plot(plot)
    if out is not None and (out.exists() or not by.strip()):
        raise Invalid(f"{out} exists: name another file" if out.exists() else "--out needs --by: who measured")
    chosen = settings()
    models = chosen_models(chosen.models.expanduser(), chosen.model_pack)
    announce(calibration_bench.NEEDS)
    files = read_cases(root, announce)
    calibration_bench.check_ages(np.array([age_of(file.path.name) for file in files]), population)
    faces = measured_in_thread(lambda stop: labelled_faces(files, models, seed, stop))
    terms = calibration_bench.Terms(population, root.name, datetime.now(UTC).date(), by.strip() or "nobody said")
    found = calibration_bench.measure_calibration(faces, models.model_id, terms, seed, packaged().get(models.model_id))
    if out is not None:
        write_whole(out, calibration_bench.file_text(found["calibration"]) + "\n", mode=SHARED)
    if plot is not None:
        title = f"Likelihood ratios on {root.name}, Cllr {found['cllr']}"
        plot.expanduser().write_text(plots.reliability_svg(title, found["reliability"]), "utf-8")
    print_found(found, as_json, tables.show_calibration)
