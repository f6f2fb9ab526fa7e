"""What commands that measure share: a system of their own, and their output."""

import json
import threading
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from graph.domain.errors import Invalid
from graph.domain.text import printable
from infra.cli.common import settings
from infra.demo.run import SOURCE
from infra.foreground import in_thread, run_until_signalled, scratch_folder
from infra.local.options import SystemOptions
from infra.local.system import RunningSystem, running_system
from infra.terminal import announce

T = TypeVar("T")

FolderArgument = Annotated[Path, typer.Argument(help="One sub-folder for each person, as in LFW.")]
SeedOption = Annotated[int, typer.Option(help="The same seed gives the same cases, pairs and rounds.")]


def measured_in_thread(work: Callable[[threading.Event], T]) -> T:
    """The result of long work in a thread; a signal sets its event and ends the command."""
    return run_until_signalled(in_thread(work))


def measured_on_system(work: Callable[[RunningSystem], Awaitable[T]], **options: Any) -> T:
    """The result of `work` on a system of its own, which these fields of SystemOptions describe.

    Its data are in a temporary folder.
    """
    chosen = settings()

    async def main(data: Path) -> T:
        described: dict[str, Any] = {
            "data": data,
            "sources": {SOURCE: ["north", "south"]},
            "models": chosen.models,
            "maven_repository": chosen.maven_repository,
            "env": {"REDTHREAD_MEDIA_STORE": (data / "store").as_uri(), "REDTHREAD_THREADS": "1"},
            **options,
        }
        async with running_system(SystemOptions(**described), announce) as system:
            return await work(system)

    with scratch_folder("bench") as scratch:
        return run_until_signalled(main(scratch / "data"))


def with_workers(embed: int, *folders: Path) -> dict[str, Any]:
    """Options of `measured_on_system`: embed workers, link and the API; these folders hold the pictures."""
    roots = tuple(folder.as_uri() + "/" for folder in folders)
    return {"embed": max(embed, 1), "media_roots": roots, "short_lived": True}


SERVERS_ONLY: dict[str, Any] = {"embed": 0, "link": False, "api": False, "short_lived": True}
"""Options of `measured_on_system`: Kafka and Neo4j without workers and API."""


def check_plot(plot: Path | None) -> None:
    """Raises Invalid where the plot cannot be written, before anything is measured."""
    if plot is None:
        return
    import_module("matplotlib")  # of the extra `evaluation`
    if not plot.expanduser().absolute().parent.is_dir():
        raise Invalid(f"there is no folder to write the plot into: {printable(str(plot))}")


def print_found(found: dict[str, Any], as_json: bool, show: Callable[[Console, dict[str, Any]], None]) -> None:
    """Prints what was measured: as a JSON object, or as `show` shows it to people."""
    if as_json:
        print(json.dumps(found), flush=True)
    else:
        show(Console(highlight=False, soft_wrap=True), found)
