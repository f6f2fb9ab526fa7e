"""`redthread search`: asks the running system whether the faces of a picture appear in the register or in one case."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from graph.domain.errors import Invalid
from infra.commands.common import DataOption, announce, settings
from infra.commands.ingest import full_case_id
from infra.commands.token import issued
from infra.folders import printable
from infra.foreground import in_thread, run_until_signalled
from infra.ingest_journal import files_by_sha256
from infra.questions import ApiClient, Asked
from infra.stack.base import StackError
from infra.stack.running import find_running


def search(
    picture: Annotated[Path, typer.Argument(help="The picture; its name is not sent.")],
    case: Annotated[str, typer.Option(help="The case that asks; without a source before a colon it gets `local:`.")],
    purpose: Annotated[str, typer.Option(help="What the answer is needed for.")],
    legal_basis: Annotated[str, typer.Option(help="What allows the question.")],
    within: Annotated[str, typer.Option("--in", help="`register`, or `case:ID` for one case's material.")],
    limit: Annotated[
        int, typer.Option(min=1, max=100, help="The most faces that a search of the register returns.")
    ] = 20,
    user: Annotated[
        str, typer.Option(help="Who asks, on the local stack; with a real sign-in, REDTHREAD_TOKEN says it.")
    ] = "investigator",
    data: DataOption = None,
) -> None:
    """Ask where the people of a picture appear. The answer has ranks and no scores: people decide who is who."""
    chosen = settings(data=data)
    if not picture.expanduser().is_file():
        raise Invalid(f"there is no file {printable(str(picture))}")
    asked = Asked(full_case_id(case), purpose, legal_basis, _place(within), limit)
    running = find_running(chosen.data)
    if running is None or not running.ready or not running.api_url:
        raise StackError(f"no API runs on {chosen.data}: start it with `redthread up`")
    bearer = chosen.token.get_secret_value() or issued(chosen, user)
    answers: list[dict[str, Any]] = []

    def work(stop: threading.Event) -> dict[str, Any]:
        with ApiClient(running.api_url, token=bearer, purpose=purpose) as api:
            return api.ask_with_picture(asked, picture.expanduser(), stop)

    async def main() -> int:
        answers.append(await in_thread(work))
        return 0

    code = run_until_signalled(main(), lambda: announce("stopping"))
    if code:
        raise typer.Exit(code)
    _show(answers[0], files_by_sha256(chosen.data))


def _place(within: str) -> str:
    """`register` or `case:<case id>` as the API reads it."""
    if within == "register":
        return within
    if within.startswith("case:"):
        return f"case:{full_case_id(within.removeprefix('case:'))}"
    raise Invalid("--in: `register` or `case:ID`")


def _show(answer: Mapping[str, Any], files: Mapping[str, str]) -> None:
    """The headline, what was compared, and each face by rank; its file where it was ingested from this data folder."""
    out = Console(highlight=False, soft_wrap=True)
    out.print(escape(answer["headline"]), style="bold")
    if answer["reason"]:
        out.print(escape(answer["reason"]))
    for item in answer["items"]:
        box = ",".join(str(value) for value in item["box"] or ())
        similar = "similar" if item["above"] else "weak"
        cases = ", ".join(item["case_ids"])
        out.print(f"rank {item['rank']}  {similar}  case {escape(cases)}  media {item['media_id']}  box {box}")
        if item["media_id"] in files:
            out.print(f"        {escape(printable(files[item['media_id']]))}")
    if answer["compared"] is not None:
        out.print(f"{answer['compared']} compared, {answer['too_poor'] or 0} too poor to compare")
    out.print(f"search {answer['search_id']}")
