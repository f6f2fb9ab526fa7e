"""The command line: finds the command that was asked for, runs it, and tells in one line and a code why it ended."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import signal
import sys
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from infra.cli import COMMANDS
from infra.cli.endings import Code, ending

DRIVERS: Final = ("neo4j", "aiokafka", "urllib3", "matplotlib")
"""Loggers of libraries: what matters reaches the command as an error, the rest is not for its terminal."""


class _Commands(TyperGroup):
    """Finds commands by COMMANDS: a function of the command's name, or the module's own `app` of several."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"infra.cli.{COMMANDS[cmd_name]}")
        found = getattr(module, "app", None)
        if found is None:
            found = typer.Typer(add_completion=False)
            found.command(cmd_name)(getattr(module, cmd_name))
        return typer.main.get_command(found)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        found = super().resolve_command(ctx, args)
        # Its modules are loaded: from here on an interrupt is an exception again, so that the command cleans up.
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return found


app = typer.Typer(
    name="redthread",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Proposes links between cases by the faces in their pictures; people decide.",
)


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


def run(commands: typer.Typer = app, name: str = "redthread") -> int:
    """The exit code of the command line; what ended it early is one line on standard error."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows its number: no command fails for that.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    for name in DRIVERS:
        logging.getLogger(name).addHandler(logging.NullHandler())
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").addHandler(logging.NullHandler())
    code: int = Code.DONE
    try:
        try:
            commands(prog_name=name)
        except SystemExit as done:
            code = done.code if isinstance(done.code, int) else code
        _flush(sys.stdout)
    except BaseException as error:  # noqa: BLE001 - whatever it is: this is the last place that could say anything
        code, line = ending(error)
        if line:
            _say(f"redthread: {' '.join(line.splitlines())}")
        with contextlib.suppress(OSError):
            _flush(sys.stdout)
    # Whoever interrupts the end of the process, while its threads are waited for, wants it gone.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return code


def _flush(stream: Any) -> None:
    """Raises the OSError of output that could not be written; what is left of it is dropped then."""
    if stream is None:  # it was closed before the start
        return
    try:
        stream.flush()
    except OSError:
        # Else the interpreter tries again at its end, and says so with a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise


def _say(line: str) -> None:
    try:
        print(line, file=sys.stderr)
        _flush(sys.stderr)
    except OSError:
        return  # nobody can be told; the code says it
