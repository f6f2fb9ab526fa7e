"""`redthread search`: asks the running system whether the faces of a picture appear in the register or in one case."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from api.client import ApiClient, SearchRequest
from graph.domain.box import TURNS
from graph.domain.errors import Invalid
from graph.domain.text import printable
from infra.cli.common import DataOption, settings
from infra.cli.ingest import full_case_id
from infra.cli.token import issued
from infra.foreground import in_thread, run_until_signalled
from infra.local.base import StackError
from infra.local.running import find_running
from infra.terminal import results
from streams.client.journal import files_by_sha256


def search(
    picture: Annotated[Path | None, typer.Argument(help="The picture; its name is not sent.")] = None,
    *,
    case: Annotated[str, typer.Option(help="The case that asks; without a source before a colon it gets `local:`.")],
    purpose: Annotated[str, typer.Option(help="What the answer is needed for.")],
    legal_basis: Annotated[str, typer.Option(help="What allows the question.")],
    within: Annotated[str, typer.Option("--in", help="`register`, or `case:ID` for one case's material.")],
    face: Annotated[
        list[str] | None, typer.Option(help="In place of a picture: a face by its id; several show one person.")
    ] = None,
    victim: Annotated[str | None, typer.Option(help="In place of a picture: a victim's faces as they are now.")] = None,
    rotate: Annotated[str, typer.Option(help="Turn the picture: 90, 180 or 270 degrees clockwise.")] = "0",
    keep_asking: Annotated[
        bool, typer.Option("--keep-asking", help="Go on with all that comes, until the search is ended.")
    ] = False,
    limit: Annotated[
        int, typer.Option(min=1, max=100, help="The most people that a search of the register lists.")
    ] = 20,
    user: Annotated[
        str, typer.Option(help="Who asks, on the local stack; with a real sign-in, REDTHREAD_TOKEN says it.")
    ] = "investigator",
    data: DataOption = None,
) -> None:
    """Ask where the people of a picture appear. The answer has ranks and no scores: people decide who is who."""
    chosen = settings(data=data)
    faces = face or []
    if sum((picture is not None, bool(faces), victim is not None)) != 1:
        raise Invalid("name a picture, or --face, or --victim")
    if picture is not None and not picture.expanduser().is_file():
        raise Invalid(f"there is no file {printable(str(picture))}")
    if rotate not in map(str, TURNS):
        raise Invalid("--rotate: 0, 90, 180 or 270")
    asked = SearchRequest(full_case_id(case), purpose, legal_basis, _place(within), limit, keep_asking)
    running = find_running(chosen.data)
    if running is None or not running.ready or not running.api_url:
        raise StackError(f"no API runs on {chosen.data}: start it with `redthread up`")
    bearer = chosen.token.get_secret_value() or issued(chosen, user)

    def work(stop: threading.Event) -> dict[str, Any]:
        with ApiClient(running.api_url, token=bearer, purpose=purpose) as api:
            if picture is not None:
                return api.ask_with_picture(asked, picture.expanduser(), stop, int(rotate))
            return api.ask_with_victim(asked, victim, stop) if victim else api.ask_with_faces(asked, faces, stop)

    _show(run_until_signalled(in_thread(work)), files_by_sha256(chosen.data))


def _place(within: str) -> str:
    """`register` or `case:<case id>` as the API reads it."""
    if within == "register":
        return within
    if within.startswith("case:"):
        return f"case:{full_case_id(within.removeprefix('case:'))}"
    raise Invalid("--in: `register` or `case:ID`")


def _show(answer: Mapping[str, Any], files: Mapping[str, str]) -> None:
    """The headline, then part by part each face by rank; its file where it was ingested from this data folder."""
    results.print(escape(answer["headline"]), style="bold")
    if answer["reason"]:
        results.print(escape(answer["reason"]))
    if len(answer["faces"]) > 1:
        results.print(f"{len(answer['faces'])} faces are searched for; ask for one of them with --face:")
        for face in answer["faces"]:
            results.print(f"  {face['face_id']}  box {_box(face)}")
    for part in answer["parts"]:
        results.print(
            f"record {part['offset']}: {part['compared']} compared, {part['too_poor']} too poor to compare, "
            f"{part['no_face'] or 0} media without a face"
        )
        for item in part["items"]:
            _show_item(item, files)
    coming = answer["to_come"]
    if coming["events"] or answer["quarantined"]:
        when = "" if coming["seconds"] is None else f", in about {coming['seconds']} s"
        results.print(f"still to come: at most {coming['events']} events{when}; {answer['quarantined']} in quarantine")
    results.print(f"search {answer['search_id']}{', open for what comes later' if answer['open'] else ''}")


def _show_item(item: Mapping[str, Any], files: Mapping[str, str]) -> None:
    if item["erased"]:
        results.print(f"rank {item['rank']}  erased since")
        return
    similar = "similar" if item["above"] else "weak"
    whose = f"victim {item['victim_id']}  " if item["victim_id"] else ""
    if item["media_id"] is None:
        where = f"in a case of district {item['district']}, {item['contact'] or 'no contact known'}"
    else:
        where = f"case {', '.join(item['case_ids'])}  media {item['media_id']}  box {_box(item)}"
    results.print(escape(printable(f"rank {item['rank']}  {similar}  {whose}{where}{_apart(item['gap'])}")))
    if (file := files.get(str(item["media_id"]))) is not None:
        results.print(f"        {escape(printable(file))}")


def _apart(gap: Mapping[str, Any] | None) -> str:
    """How many years lie between the two pictures, and what that means, where it is known."""
    if gap is None:
        return ""
    years = gap["band"] if gap["years"] is None else str(gap["years"])
    return f"  taken {years} years apart" + (f": {gap['limits']}" if gap["limits"] else "")


def _box(item: Mapping[str, Any]) -> str:
    return ",".join(str(value) for value in item["box"] or ())
