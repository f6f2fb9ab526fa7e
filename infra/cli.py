"""The command `redthread`: every failure that was foreseen is one line on standard error and a code above 0."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from graph.domain.errors import Invalid, RedthreadError

COMMANDS: Final = {
    "demo": "demo", "up": "up", "down": "up", "ingest": "ingest", "search": "search", "token": "token",
    "status": "status", "restore": "restore", "doctor": "doctor", "topics": "topics", "audit": "audit",
    "models": "models", "bench": "bench",
}  # fmt: skip
"""The commands in the order of the help, and each one's module: only the asked one's libraries are loaded."""


class _Commands(TyperGroup):
    """Finds commands by COMMANDS: a function of the command's name, or the module's own `app` of several."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"infra.commands.{COMMANDS[cmd_name]}")
        found = getattr(module, "app", None)
        if found is None:
            found = typer.Typer(add_completion=False)
            found.command(cmd_name)(getattr(module, cmd_name))
        return typer.main.get_command(found)


app = typer.Typer(
    name="redthread", cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Proposes links between cases by the faces in their pictures; people decide.",
)  # fmt: skip


def _version(wanted: bool) -> None:
    if wanted:
        print(version("redthread"))
        raise typer.Exit


@app.callback()
def _root(  # pyright: ignore[reportUnusedFunction] - Typer calls it
    _wanted: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None: ...


def main() -> None:
    """Runs the command line and ends the process: 0 done, 1 failed, 2 asked for wrongly."""
    try:
        app(prog_name="redthread")
    except RedthreadError as error:
        print(f"redthread: {error.message}", file=sys.stderr)
        sys.exit(2 if isinstance(error, Invalid) else 1)


if __name__ == "__main__":
    main()
