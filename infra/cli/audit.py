"""`redthread audit`: exports the audit for the authority, and verifies an export without any server."""

import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.markup import escape
from rich.table import Table

from graph.actions.operate.audit_export import count_year
from graph.actions.operate.audit_file import read_roots, verify_file, write_export
from graph.domain.audit_export import ExportRequest
from graph.domain.audit_verify import Finding
from graph.domain.errors import Invalid
from graph.domain.people import check_actor, check_purpose
from infra.cli.common import DataOption, JsonOption, settings, with_store
from infra.local.running import addresses_of
from infra.terminal import results

ByOption = Annotated[str, typer.Option(help="Who takes it out, for the audit.")]
PurposeOption = Annotated[str, typer.Option(help="What it is needed for.")]

app = typer.Typer(no_args_is_help=True, help="Export the audit, and prove an export.")


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="An export of the audit.")],
    anchor: Annotated[
        Path | None, typer.Option(help="The folder of daily roots, or the file of one: what the chain was on a day.")
    ] = None,
) -> None:
    """Prove an export, needing nothing but the file: exit code 1 where an entry is missing, changed or out of order."""
    _end_with(verify_file(file.expanduser(), read_roots(anchor.expanduser()) if anchor else None))


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to write it; nothing may stand there.")],
    by: ByOption,
    purpose: PurposeOption,
    period: Annotated[
        tuple[str, str] | None, typer.Option(help="Show a time only: two UTC days, both included.", metavar="FROM TO")
    ] = None,
    person: Annotated[str | None, typer.Option(help="Show one person's uses only.", metavar="ACTOR")] = None,
    victim: Annotated[
        str | None, typer.Option(help="Show one victim's data only: its faces, their media and links.", metavar="ID")
    ] = None,
    data: DataOption = None,
) -> None:
    """Write the audit, or a part of it, to a file that proves itself; that is an entry of the audit as well."""
    now = datetime.now(UTC)
    if sum(part is not None for part in (period, person, victim)) > 1:
        raise Invalid("one of --period, --person and --victim, or none of them for the whole chain")
    kind, value = "chain", ""
    if period is not None:
        kind, value = "period", _period(*period)
    elif person is not None:
        kind, value = "person", person
    elif victim is not None:
        kind, value = "victim", victim
    asked = ExportRequest(kind, value, check_actor(by), now.isoformat(), check_purpose(purpose))
    path = file.expanduser().absolute()
    with_store(addresses_of(settings(data=data)), lambda store: write_export(store, asked, path, now=now))
    _end_with(verify_file(path, None))


@app.command()
def yearly(
    year: Annotated[int, typer.Argument(help="A UTC year.")],
    by: ByOption,
    purpose: PurposeOption,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Count a year's searches by purpose and outcome, empty answers included, its decisions and its looks."""
    now = datetime.now(UTC)
    found = with_store(
        addresses_of(settings(data=data)), lambda store: count_year(store, year, by=by, purpose=purpose, now=now)
    )
    if as_json:
        print(json.dumps(found))
        return
    for name in ("searches", "decisions", "looks"):
        table = Table("for", "what", "number", title=f"{name} in {year}", box=None, title_justify="left")
        for outer, inner in found[name].items():
            for what, number in inner.items():
                table.add_row(escape(outer), what, str(number))
        results.print(table)
    results.print(f"the audit has {found['searches_recorded']} searches of {year}")


def _period(first: str, last: str) -> str:
    """The start of the first day and the end of the last, in UTC."""
    try:
        start, end = (datetime.combine(date.fromisoformat(day), time(), UTC) for day in (first, last))
    except ValueError:
        raise Invalid("--period: two days, as 2026-01-01 2026-12-31") from None
    if end < start:
        raise Invalid("--period: the first day comes first")
    return f"{start.isoformat()}/{(end + timedelta(days=1)).isoformat()}"


def _end_with(found: Finding) -> NoReturn:
    """Prints what a check of an export found, and what that does and does not prove."""
    if found.header is not None:
        asked = found.header.asked
        about = f" {asked.value}" if asked.value else ""
        print(f"export of {asked.kind}{about}, made by {asked.by} at {asked.at}, for: {asked.purpose}")
    if found.fault is not None or found.header is None:
        print(f"NOT WHOLE: {found.fault}")
        raise typer.Exit(1 if found.fault else 0)
    first = found.header.start.seq + 1
    print(f"whole: entries {first} to {found.last}, {found.shown} shown, {found.left_out} left out")
    if found.left_out:
        print("of an entry that is left out, only its place is proved, not what it says")
    for line in _anchored(found):
        print(line)
    raise typer.Exit


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
