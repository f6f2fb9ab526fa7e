"""`redthread audit`: takes the audit out for the authority, and proves a file of it without any server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from graph.domain.audit_export import Finding
from infra.audit_file import read_roots, verify_file

app = typer.Typer(no_args_is_help=True, help="Export the audit, and prove an export.")


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="An export of the audit.")],
    anchor: Annotated[
        Path | None, typer.Option(help="The folder of daily roots, or the file of one: what the chain was on a day.")
    ] = None,
) -> None:
    """Prove an export, needing nothing but the file: exit code 1 where an entry is missing, changed or out of order."""
    found = verify_file(file.expanduser(), read_roots(anchor.expanduser()) if anchor else None)
    tell(found)
    raise typer.Exit(1 if found.fault else 0)


def tell(found: Finding) -> None:
    """Says what was found, and what that does and does not prove."""
    out = Console(highlight=False, soft_wrap=True, markup=False)
    if found.header is not None:
        asked = found.header.asked
        about = f" {asked.value}" if asked.value else ""
        out.print(f"export of {asked.kind}{about}, made by {asked.by} at {asked.at}, for: {asked.purpose}")
    if found.fault is not None or found.header is None:
        out.print(f"NOT WHOLE: {found.fault}")
        return
    first = found.header.start.seq + 1
    out.print(f"whole: entries {first} to {found.last}, {found.shown} shown, {found.left_out} left out")
    if found.left_out:
        out.print("of an entry that is left out, only its place is proved, not what it says")
    for line in _anchored(found):
        out.print(line)


def _anchored(found: Finding) -> list[str]:
    if not found.roots:
        return ["without --anchor, a chain that was hashed anew as a whole would not show"]
    last = found.roots[-1]
    lines = [f"{len(found.roots)} daily roots name its entries, the last of {last.date} entry {last.seq}"]
    if last.seq < found.last:
        lines.append(f"entries {last.seq + 1} to {found.last} are newer than that: no root proves them yet")
    if found.later:
        lines.append(f"{len(found.later)} roots are of days after this export and say nothing of it")
    if found.days_without:
        shown = ", ".join(found.days_without[:5])
        more = f" and {len(found.days_without) - 5} more" if len(found.days_without) > 5 else ""
        lines.append(f"no root is there for {shown}{more}: ask why")
    return lines
