"""What commands that measure share: the system they measure on, threads that a signal ends, and the output."""

from __future__ import annotations

import json
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from graph.domain.errors import Invalid
from graph.domain.text import printable
from infra.cli.common import announce, settings
from infra.cli.foreground import in_thread, run_until_signalled
from infra.cli.scratch import scratch_folder
from infra.demo.run import SOURCE
from infra.local.system import RunningSystem, SystemOptions, running_system

T = TypeVar("T")

FolderArgument = Annotated[Path, typer.Argument(help="One sub-folder for each person, as in LFW.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
SeedOption = Annotated[int, typer.Option(help="The same seed gives the same cases, pairs and rounds.")]


Work = Callable[[RunningSystem], Awaitable[dict[str, Any]]]


def measured_in_thread(work: Callable[[threading.Event], T]) -> T:
    """What a long piece of work gives; a signal sets its event and ends the command."""
    found: list[T] = []

    async def main() -> int:
        found.append(await in_thread(work))
        return 0

    code = run_until_signalled(main(), lambda: announce("stopping"))
    if code:
        raise typer.Exit(code)
    return found[0]


def measured_on_system(root: Path | None, embed: int, work: Work, *more: Path) -> dict[str, Any]:
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


def check_plot(plot: Path | None) -> None:
    """Refuses a place that nothing can be written to, before anything is measured."""
    if plot is not None and not plot.expanduser().absolute().parent.is_dir():
        raise Invalid(f"there is no folder to write the plot into: {printable(str(plot))}")


def print_found(found: dict[str, Any], as_json: bool, show: Callable[[Console, dict[str, Any]], None]) -> None:
    if as_json:
        print(json.dumps(found), flush=True)
    else:
        show(Console(highlight=False, soft_wrap=True), found)
