"""The command `redthread`: every failure that was foreseen is one line on standard error and a code above 0."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from graph.domain.errors import Invalid, RedthreadError
from infra.commands import audit, bench, demo, doctor, ingest, search, status, token, topics, up

app = typer.Typer(
    name="redthread", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
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


app.command()(demo.demo)
app.command()(up.up)
app.command()(up.down)
app.command()(ingest.ingest)
app.command()(search.search)
app.command()(token.token)
app.command()(status.status)
app.command()(doctor.doctor)
app.command()(topics.topics)
app.add_typer(audit.app, name="audit")
app.add_typer(bench.app, name="bench")


def main() -> None:
    """Runs the command line and ends the process: 0 done, 1 failed, 2 asked for wrongly."""
    try:
        app(prog_name="redthread")
    except RedthreadError as error:
        print(f"redthread: {error.message}", file=sys.stderr)
        sys.exit(2 if isinstance(error, Invalid) else 1)


if __name__ == "__main__":
    main()
