"""The command line: loads the requested command, runs it, and reports a failure by one line and an exit code."""

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
"""Loggers of libraries that must not write to the terminal: an error reaches the command as an exception."""


class _Commands(TyperGroup):
    """Loads commands by COMMANDS: a module has a function of the command's name, or an `app` of several commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"infra.cli.{COMMANDS[cmd_name]}")
        found = getattr(module, "app", None)
        if found is None:
            found = typer.Typer(add_completion=False)
            found.command(cmd_name)(getattr(module, cmd_name.replace("-", "_")))
        return typer.main.get_command(found)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        found = super().resolve_command(ctx, args)
        # From here on Ctrl-C is an exception again, so that the command cleans up.
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
        # A character that the terminal cannot show is printed as its number.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    for driver in DRIVERS:
        logging.getLogger(driver).addHandler(logging.NullHandler())
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").addHandler(logging.NullHandler())
    code: int = Code.DONE
    try:
        try:
            commands(prog_name=name)
        except SystemExit as done:
            code = done.code if isinstance(done.code, int) else code
        _flush(sys.stdout)
    except BaseException as error:  # noqa: BLE001 - the last place that can report it
        code, line = ending(error)
        if line:
            _say(f"redthread: {' '.join(line.splitlines())}")
        with contextlib.suppress(OSError):
            _flush(sys.stdout)
    # Ctrl-C while the interpreter waits for threads ends the process at once.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return code


def _flush(stream: Any) -> None:
    """Flushes; raises OSError where the output cannot be written, and drops the rest of it."""
    if stream is None:  # it was closed before the start
        return
    try:
        stream.flush()
    except OSError:
        # Otherwise the interpreter flushes again at its end, with a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise


def _say(line: str) -> None:
    try:
        print(line, file=sys.stderr)
        _flush(sys.stderr)
    except OSError:
        return  # the exit code remains
