"""The demo's output for people: the table of links, the answers, and requests to try next."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from graph.domain.text import printable
from infra.demo.result import Endpoint, Result
from streams.client.folders import SourceFile

ROWS = 40
"""Links in the table; `--json` has all."""
WIDTH = 140
"""Characters of a line where the output is no terminal."""
ANSWERS = 5


def console(to_stderr: bool) -> Console:
    """The console of the results: standard output, or standard error where that is reserved for the JSON object."""
    found = Console(stderr=to_stderr, highlight=False)
    if not found.is_terminal:
        found.width = WIDTH
    return found


def show_link(out: Console, link: str) -> None:
    """The link that opens the pages."""
    out.print("\n[bold]Open this in a browser of this machine (it works once):[/bold]")
    out.print(f"  {link}", soft_wrap=True, markup=False)
    out.print("  As investigator, judge what waits; as supervisor, approve it; then look at the threads of a case.")


def show_result(out: Console, result: Result) -> None:
    """Counts, quarantine, and the table of candidate links between cases."""
    out.print(
        f"\n{result.files} files, {result.media} distinct media. {result.faces} faces, {result.too_poor} of them "
        f"too poor to compare. {result.no_face} media without a face, {len(result.quarantined)} files in quarantine."
    )
    for item in result.quarantined[:ROWS]:
        out.print(f"  quarantine: {_name(item['case'] + '/' + item['file'])}: {escape(item['reason'])}")
    if len(result.quarantined) > ROWS:
        out.print(f"  and {len(result.quarantined) - ROWS} more in quarantine")
    between = [link for link in result.links if link.between_cases]
    if not between:
        out.print("\nNo candidate links between cases: nothing similar enough was found among what could be compared.")
        return
    table = Table(
        "case",
        "file",
        "box x,y,w,h",
        "case",
        "file",
        "box x,y,w,h",
        "score",
        title=f"Candidate links between cases: {len(between)}. The machine proposes, people decide.",
        title_justify="left",
        title_style="bold",
    )
    for link in between[:ROWS]:
        table.add_row(*_cells(link.a), *_cells(link.b), f"{link.score:.2f}")
    out.print()
    out.print(table)
    if len(between) > ROWS:
        out.print(f"and {len(between) - ROWS} more; --json lists all")
    within = len(result.links) - len(between)
    out.print(f"Candidates score {between[0].threshold:.2f} or more. Within one case: {within} more links.")


def show_answer(
    out: Console, question: str, answer: Mapping[str, Any], places: Mapping[str, Sequence[SourceFile]]
) -> None:
    """A question and its answer: the headline, then rank, case and file; a search shows no scores."""
    out.print(f"\n[bold]{escape(printable(question))}[/bold]")
    out.print(f"  {escape(answer['headline'])}")
    for part in answer["parts"]:
        out.print(
            f"  at record {part['offset']} of the log: {part['compared']} compared, {part['too_poor']} too poor to "
            f"compare, {part['no_face'] or 0} media without a face"
        )
    items = answer["items"]
    for item in items[:ANSWERS]:
        similar = "similar" if item["above"] else "weak"
        if item["media_id"] is None:
            contact = f", {printable(item['contact'])}" if item["contact"] else ""
            out.print(
                f"  rank {item['rank']}  in a case of district {_name(item['district'])}{escape(contact)}  {similar}"
            )
        cases = set(item["case_ids"])
        for file in places.get(item["media_id"], ()):
            if file.case_id in cases:
                out.print(f"  rank {item['rank']}  case {_name(file.case)}  file {_name(file.file)}  {similar}")
    if len(items) > ANSWERS:
        out.print(f"  and {len(items) - ANSWERS} more")


def show_addresses(out: Console, api_url: str, case_id: str, data: Path) -> None:
    """Where the API is, how to sign in, and requests to try."""
    head = "curl -H \"Authorization: Bearer $TOKEN\" -H 'Redthread-Purpose: demonstration'"
    out.print(f"\nThe API answers at {api_url}, to this machine only. What it offers: {api_url}/openapi.json. To try:")
    urls = [f"{api_url}/links", f"{api_url}/cases/{quote(case_id, safe='')}/graph"]
    token = f"TOKEN=$(sh infra/run token investigator --data {shlex.quote(str(data))})"
    out.print(f"  {token}", soft_wrap=True, markup=False)
    for url in urls:
        out.print(f"  {head} {url}", soft_wrap=True)
    out.print("Ctrl-C stops everything.")


def _cells(end: Endpoint) -> tuple[str, str, str]:
    return _name(end.case), _name(end.file), ",".join(str(value) for value in end.box)


def _name(text: str) -> str:
    return escape(printable(text))
