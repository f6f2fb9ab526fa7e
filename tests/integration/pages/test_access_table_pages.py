"""Who gets which page: route x person x state of the thing, every cell asked of the real service.

A new route of the pages needs a row, or `test_every_route_has_a_row` fails. A row names the route, the thing it asks
for (a function in `THINGS`, called again after each cell that changed it), what its query or form sends, and one status
a person in the order of `PEOPLE`; `{names}` are filled with what the thing's function returns.

Besides the statuses each cell is held to these rules: what a person may not see answers as what does not exist; without
a session a browser is sent to the sign-in and a script gets 401; and no page names a case of a district that is not the
person's, unless its row says that it `tells`.
"""

import html
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI

from api.pages.gate import OPEN
from api.sign_in.gate import PAGES
from graph.domain.people import Person
from tests.integration.conftest import Pages
from tests.support.access_cells import check_cells, filled
from tests.support.access_table import DISTRICTS, PEOPLE, THINGS, Names
from tests.support.factories import Scene, drawn_face
from tests.support.page_scene import page_routes

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Row:
    """One state of what a page is asked for; `cells` are statuses in the order of PEOPLE."""

    route: str
    thing: str
    cells: str
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    form: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Its fields; one of several values is a list."""
    file: bool = False
    """Sent as multipart with a drawn picture."""
    path: str = ""
    """In place of the route's own, where the thing has another name."""
    tells: bool = False
    """The page may name a case of another district."""

    def __str__(self) -> str:
        return f"{self.route} {self.thing} {dict(self.query) or dict(self.form) or ''}"


JUDGE = {
    "link": "{link_id}:0",
    "face": "{face_id} {other_face_id}",
    "reason": "ears",
    "decision": "dismissed",
}
APPROVE = {"act": "{act_id}", "link": "{link_id}:1", "face": "{face_id}", "decision": "approved"}
NAME = {
    "person_ref": "person-1",
    "basis": "interview",
    "reason": "named by a teacher",
    "face": ["{face_id}", "{other_face_id}"],
}
MARK = {"x": "300", "y": "200", "width": "60", "height": "80"}
LABEL = {"face": "{face_id}", "version": "0", "reason": "a neighbour", "label": "witness"}
REPEATED = {"version": "0", "reason": "a mirror behind the child", "kind": "mirror"}
ASK = {"case_id": "{case_id}", "where": "register", "purpose": "victim identification", "legal_basis": "test"}
PAIR = {"probe": "{face_id}", "face": ["{face_id}", "{other_face_id}"], "reason": "ears", "decision": "confirmed"}
UPLOAD = {"legal_basis": "test", "scope": "register", "urgency": "routine"}

# fmt: off
TABLE = [
    # nobody; investigators of north, south, west and no district; supervisors of north, south, west; auditor; operator;
    # case system
    Row("GET /sign-in",                                 "nothing", "200 200 200 200 200 200 200 200 200 200 200"),
    Row("GET /sign-in/link/{secret}",                   "nothing", "404 404 404 404 404 404 404 404 404 404 404"),
    Row("GET /sign-in/begin",                           "nothing", "404 404 404 404 404 404 404 404 404 404 404"),
    Row("GET /sign-in/callback",                        "nothing", "404 404 404 404 404 404 404 404 404 404 404"),
    Row("POST /sign-in/development",                    "nothing", "401 401 401 401 401 401 401 401 401 401 401",
        form={"actor": "anna@north", "secret": "none"}),
    Row("POST /sign-in/view",                           "nothing", "303 303 303 303 303 303 303 303 303 303 303",
        form={"theme": "dark"}),
    Row("GET /purpose",                                 "nothing", "303 200 200 200 200 200 200 200 200 200 200"),
    Row("POST /purpose",                                "nothing", "303 303 303 303 303 303 303 303 303 303 303",
        form={"stated": "case work"}),
    Row("GET /_parts",                                  "nothing", "303 200 200 200 200 200 200 200 200 200 200",
        tells=True),
    Row("GET /review",                                  "candidate", "303 200 200 200 403 403 403 403 403 403 403"),
    Row("GET /review",                                  "candidate", "303 200 200 200 403 403 403 403 403 403 403",
        {"case_id": "{case_id}"}),
    Row("GET /review",                                  "candidate", "303 200 200 200 403 403 403 403 403 403 403",
        {"decision": "dismissed", "link": "{link_id}"}),
    Row("POST /review/decisions",                       "candidate", "303 303 303 404 404 403 403 403 403 403 403",
        form=JUDGE),
    Row("POST /review/decisions",                       "missing", "303 404 404 404 404 403 403 403 403 403 403",
        form=JUDGE),
    Row("POST /review/previews",                        "candidate", "303 200 200 404 404 403 403 403 403 403 403",
        form=JUDGE),
    Row("POST /review/previews",                        "missing", "303 404 404 404 404 403 403 403 403 403 403",
        form=JUDGE),
    Row("POST /review/undone",                          "judged", "303 403 403 404 404 303 303 404 403 403 403",
        form={"act_id": "{act_id}"}),
    Row("POST /review/undone",                          "missing", "303 404 404 404 404 404 404 404 403 403 403",
        form={"act_id": "{act_id}"}),
    Row("POST /review/renewals",                        "missing", "303 204 204 204 204 403 403 403 403 403 403",
        form={"claim": "{claim_id}"}),
    Row("POST /review/no-face",                         "face", "303 303 404 404 404 403 403 403 403 403 403",
        form={"face": "{face_id}", "label_version": "0"}),
    Row("POST /review/no-face",                         "missing", "303 404 404 404 404 403 403 403 403 403 403",
        form={"face": "{face_id}", "label_version": "0"}),
    Row("GET /links/{link_id}",                         "candidate", "303 200 200 404 404 200 200 404 403 403 403"),
    Row("GET /links/{link_id}",                         "lead", "303 200 200 404 404 200 200 404 403 403 403"),
    Row("GET /links/{link_id}",                         "approved", "303 200 200 404 404 200 200 404 403 403 403",
        tells=True),
    Row("GET /links/{link_id}",                         "candidate of others",
        "303 404 200 200 404 404 200 200 403 403 403"),
    Row("GET /links/{link_id}",                         "missing", "303 404 404 404 404 404 404 404 403 403 403"),
    Row("GET /faces/{face_id}/crop",                    "face", "303 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /faces/{face_id}/crop",                    "candidate", "303 200 200 404 404 200 200 404 403 403 403"),
    Row("GET /faces/{face_id}/crop",                    "lead", "303 200 200 404 404 200 200 404 403 403 403",
        {"leads": "true"}),
    Row("GET /faces/{face_id}/crop",                    "candidate of others",
        "303 404 200 200 404 404 200 200 403 403 403"),
    Row("GET /faces/{face_id}/crop",                    "missing", "303 404 404 404 404 404 404 404 403 403 403"),
    Row("GET /faces/{face_id}/context",                 "face", "303 303 404 404 404 303 404 404 403 403 403"),
    Row("GET /faces/{face_id}/context",                 "candidate", "303 303 404 404 404 303 404 404 403 403 403"),
    Row("GET /faces/{face_id}/context",                 "missing", "303 404 404 404 404 404 404 404 403 403 403"),
    Row("GET /faces/{face_id}/similar",                 "candidate", "303 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /faces/{face_id}/similar",                 "missing", "303 404 404 404 404 404 404 404 403 403 403"),
    Row("GET /faces/{face_id}/wider",                   "candidate", "303 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /faces/{face_id}/wider",                   "missing", "303 404 404 404 404 404 404 404 403 403 403"),
    Row("POST /faces/{face_id}/wider",                  "candidate", "303 303 404 404 404 303 404 404 403 403 403",
        form={"reason": "the wallpaper"}),
    Row("POST /faces/{face_id}/wider",                  "missing", "303 404 404 404 404 404 404 404 403 403 403",
        form={"reason": "the wallpaper"}),
    Row("GET /media/{media_id}/repeated-person",        "face", "303 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /media/{media_id}/repeated-person",        "missing", "303 404 404 404 404 404 404 404 403 403 403"),
    Row("POST /media/{media_id}/repeated-person",       "face", "303 303 404 404 404 403 403 403 403 403 403",
        form=REPEATED),
    Row("POST /media/{media_id}/repeated-person",       "missing", "303 404 404 404 404 403 403 403 403 403 403",
        form=REPEATED),
    Row("GET /approvals",                               "judged", "303 403 403 403 403 200 200 200 403 403 403"),
    Row("GET /approvals",                               "judged", "303 403 403 403 403 200 200 200 403 403 403",
        {"decision": "approved", "link": "{link_id}"}),
    Row("GET /approvals/agreement",                     "judged", "303 403 403 403 403 200 200 200 403 403 403"),
    Row("POST /approvals/decisions",                    "judged", "303 403 403 403 403 303 303 404 403 403 403",
        form=APPROVE),
    Row("POST /approvals/decisions",                    "missing", "303 403 403 403 403 404 404 404 403 403 403",
        form=APPROVE),
    Row("POST /approvals/undone",                       "judged", "303 403 403 404 404 303 303 404 403 403 403",
        form={"act": "{act_id}"}),
    Row("POST /approvals/undone",                       "missing", "303 404 404 404 404 404 404 404 403 403 403",
        form={"act": "{act_id}"}),
    Row("GET /inbox",                                   "judged", "303 200 200 200 403 200 200 200 403 403 403"),
    Row("GET /inbox",                                   "approved", "303 200 200 200 403 200 200 200 403 403 403",
        tells=True),
    Row("POST /inbox/seen",                             "nothing", "303 303 303 303 403 303 303 303 403 403 403",
        form={"until": "2026-11-01T00:00:00Z", "since": "2026-10-01T00:00:00Z"}),
    Row("POST /inbox/undone",                           "nothing", "303 303 303 303 403 303 303 303 403 403 403",
        form={"until": "2026-10-01T00:00:00Z"}),
    Row("GET /audit",                                   "judged", "303 403 403 403 403 403 403 403 200 403 403"),
    Row("GET /audit/verification",                      "nothing", "303 403 403 403 403 403 403 403 200 403 403"),
    Row("POST /audit/export",                           "judged", "303 403 403 403 403 403 403 403 200 403 403",
        form={"kind": "chain"}),
    Row("GET /cases",                                   "judged", "303 200 200 200 403 200 200 200 403 403 403"),
    Row("GET /cases/{case_id}",                         "candidate", "303 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /cases/{case_id}",                         "judged", "303 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /cases/{case_id}",                         "approved", "303 200 404 404 404 200 404 404 403 403 403",
        tells=True),
    Row("GET /cases/{case_id}",                         "missing", "303 404 404 404 404 404 404 404 403 403 403"),
    Row("GET /cases/{case_id}/graph",                   "candidate", "303 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /cases/{case_id}/graph",                   "approved", "303 200 404 404 404 200 404 404 403 403 403",
        tells=True),
    Row("GET /cases/{case_id}/graph",                   "missing", "303 404 404 404 404 404 404 404 403 403 403"),
    Row("GET /cases/{case_id}/pictures",                "candidate", "303 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /cases/{case_id}/pictures",                "missing", "303 404 404 404 404 404 404 404 403 403 403"),
    Row("GET /cases/{case_id}/why",                     "judged", "303 404 404 404 404 404 404 404 403 403 403",
        {"to": "{other_case_id}"}),
    Row("GET /cases/{case_id}/why",                     "approved", "303 200 200 404 404 200 200 404 403 403 403",
        {"to": "{other_case_id}"}, tells=True),
    Row("GET /cases/{case_id}/why",                     "missing", "303 404 404 404 404 404 404 404 403 403 403",
        {"to": "{case_id} 2"}),
    Row("GET /cases/{case_id}/upload",                  "candidate", "303 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /cases/{case_id}/upload",                  "missing", "303 404 404 404 404 404 404 404 403 403 403"),
    Row("POST /cases/{case_id}/upload",                 "candidate", "303 303 404 404 404 303 404 404 403 403 403",
        form=UPLOAD, file=True),
    Row("POST /cases/{case_id}/upload",                 "missing", "303 404 404 404 404 404 404 404 403 403 403",
        form=UPLOAD, file=True),
    Row("GET /media/{media_id}",                        "candidate", "303 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /media/{media_id}",                        "on_its_way", "303 200 200 404 404 200 200 404 403 403 403"),
    Row("GET /media/{media_id}",                        "missing", "303 404 404 404 404 404 404 404 403 403 403"),
    Row("POST /media/{media_id}/labels",                "face", "303 303 404 404 404 403 403 403 403 403 403",
        form=LABEL),
    Row("POST /media/{media_id}/labels",                "missing", "303 404 404 404 404 403 403 403 403 403 403",
        form=LABEL),
    Row("POST /media/{media_id}/marks",                 "face", "303 303 404 404 404 403 403 403 403 403 403",
        form=MARK),
    Row("POST /media/{media_id}/marks",                 "missing", "303 404 404 404 404 403 403 403 403 403 403",
        form=MARK),
    Row("GET /victims/{victim_id}",                     "judged", "303 200 200 404 404 200 200 404 403 403 403"),
    Row("GET /victims/{victim_id}",                     "joined", "303 200 200 404 404 200 200 404 403 403 403",
        tells=True),
    Row("GET /victims/{victim_id}",                     "victim", "303 200 200 404 404 200 200 404 403 403 403"),
    Row("GET /victims/{victim_id}",                     "missing", "303 404 404 404 404 404 404 404 403 403 403"),
    Row("GET /victims/{victim_id}/leads",               "judged", "303 200 200 404 404 200 200 404 403 403 403"),
    Row("GET /victims/{victim_id}/leads",               "missing", "303 404 404 404 404 404 404 404 403 403 403"),
    Row("POST /victims/{victim_id}/identifications",    "joined", "303 303 303 404 404 403 403 403 403 403 403",
        form=NAME),
    Row("POST /victims/{victim_id}/identifications",    "missing", "303 404 404 404 404 403 403 403 403 403 403",
        form=NAME),
    Row("POST /sign-out",                               "nothing", "303 303 303 303 303 303 303 303 303 303 303"),
    Row("GET /search",                                  "nothing", "303 200 200 200 200 200 200 200 403 403 403"),
    Row("GET /search",                                  "candidate", "303 200 200 404 404 200 200 404 403 403 403",
        {"face": "{face_id}"}),
    Row("GET /search",                                  "lead", "303 404 200 404 404 404 200 404 403 403 403",
        {"face": "{other_face_id}"}),
    Row("GET /search",                                  "missing", "303 404 404 404 404 404 404 404 403 403 403",
        {"face": "{face_id}"}),
    Row("POST /search",                                 "candidate", "303 303 404 404 404 303 404 404 403 403 403",
        form=ASK, file=True),
    Row("POST /search",                                 "missing", "303 404 404 404 404 404 404 404 403 403 403",
        form=ASK, file=True),
    Row("GET /search/{search_id}",                      "answered search",
        "303 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /search/{search_id}",                      "missing", "303 404 404 404 404 404 404 404 403 403 403"),
    Row("GET /search/{search_id}/unjudged",             "answered search",
        "303 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /search/{search_id}/unjudged",             "missing", "303 404 404 404 404 404 404 404 403 403 403"),
    Row("GET /search/{search_id}/pairs/{face_id}",      "answered search",
        "303 200 404 404 404 403 403 403 403 403 403", {"probe": "{face_id}"},
        path="/search/{search_id}/pairs/{other_face_id}"),
    Row("GET /search/{search_id}/pairs/{face_id}",      "missing", "303 404 404 404 404 403 403 403 403 403 403",
        {"probe": "{face_id}"}, path="/search/{search_id}/pairs/{other_face_id}"),
    Row("POST /search/{search_id}/pairs/{face_id}",     "answered search",
        "303 303 404 404 404 403 403 403 403 403 403", form=PAIR, path="/search/{search_id}/pairs/{other_face_id}"),
    Row("POST /search/{search_id}/pairs/{face_id}",     "missing", "303 404 404 404 404 403 403 403 403 403 403",
        form=PAIR, path="/search/{search_id}/pairs/{other_face_id}"),
    Row("POST /search/{search_id}/pairs/{face_id}/preview", "answered search",
        "303 200 404 404 404 403 403 403 403 403 403",
        form=PAIR, path="/search/{search_id}/pairs/{other_face_id}/preview"),
    Row("POST /search/{search_id}/pairs/{face_id}/preview", "missing", "303 404 404 404 404 403 403 403 403 403 403",
        form=PAIR, path="/search/{search_id}/pairs/{other_face_id}/preview"),
    Row("POST /search/{search_id}/register",            "answered search",
        "303 303 404 404 404 303 404 404 403 403 403"),
    Row("POST /search/{search_id}/register",            "missing", "303 404 404 404 404 404 404 404 403 403 403"),
    Row("POST /search/{search_id}/marks",               "search by picture",
        "303 303 404 404 404 403 403 403 403 403 403", form={"box": ["300", "200", "60", "80"]}),
    Row("POST /search/{search_id}/marks",               "missing", "303 404 404 404 404 403 403 403 403 403 403",
        form={"box": ["1", "2", "60", "80"]}),
    Row("POST /search/{search_id}/undone",              "judged", "303 403 403 404 404 303 303 404 403 403 403",
        form={"link": "{link_id}", "version": "1"}, path="/search/any/undone"),
    Row("POST /search/{search_id}/undone",              "missing", "303 404 404 404 404 404 404 404 403 403 403",
        form={"link": "{link_id}", "version": "1"}),
    Row("POST /search/{search_id}/end",                 "open search", "303 303 404 404 404 303 404 404 403 403 403"),
    Row("POST /search/{search_id}/end",                 "search of another",
        "303 403 404 404 404 303 404 404 403 403 403"),
    Row("POST /search/{search_id}/end",                 "missing", "303 404 404 404 404 404 404 404 403 403 403"),
    Row("GET /pairs/{face_id}",                         "listed", "303 200 404 404 404 403 403 403 403 403 403",
        {"probe": "{face_id}"}, path="/pairs/{other_face_id}"),
    Row("GET /pairs/{face_id}",                         "missing", "303 404 404 404 404 403 403 403 403 403 403",
        {"probe": "{face_id}"}, path="/pairs/{other_face_id}"),
    Row("POST /pairs/{face_id}",                        "listed", "303 303 404 404 404 403 403 403 403 403 403",
        form=PAIR, path="/pairs/{other_face_id}"),
    Row("POST /pairs/{face_id}",                        "missing", "303 404 404 404 404 403 403 403 403 403 403",
        form=PAIR, path="/pairs/{other_face_id}"),
    Row("POST /pairs/{face_id}/preview",                "listed", "303 200 404 404 404 403 403 403 403 403 403",
        form=PAIR, path="/pairs/{other_face_id}/preview"),
    Row("POST /pairs/{face_id}/preview",                "missing", "303 404 404 404 404 403 403 403 403 403 403",
        form=PAIR, path="/pairs/{other_face_id}/preview"),
    Row("POST /pairs/undone",                           "judged", "303 403 403 404 404 303 303 404 403 403 403",
        form={"link": "{link_id}", "version": "1"}),
    Row("POST /pairs/undone",                           "missing", "303 404 404 404 404 404 404 404 403 403 403",
        form={"link": "{link_id}", "version": "1"}),
    Row("GET /intake",                                  "nothing", "303 403 403 403 403 403 403 403 403 200 403"),
    Row("POST /intake/replays",                         "missing", "303 403 403 403 403 403 403 403 403 404 403",
        form={"event": "{quarantine_id}"}),
    Row("GET /inbox/count",                             "judged", "303 200 200 200 403 200 200 200 403 403 403"),
]
# fmt: on
ROUTES = list(dict.fromkeys(row.route for row in TABLE))


@pytest.fixture
async def clients(app: FastAPI, pages: Pages) -> AsyncIterator[Mapping[str, httpx.AsyncClient]]:
    """A browser of each person; that of nobody has no session."""
    headers = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "document"}
    async with AsyncExitStack() as stack:
        transport = httpx.ASGITransport(app=app)
        nobody = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers)
        found = {called: await pages(person) for called, person in PEOPLE.items() if person is not None}
        yield {"nobody": await stack.enter_async_context(nobody), **found}


def test_every_route_has_a_row() -> None:
    routes = {f"{method} {route.path_format}" for method in ("GET", "POST") for route in page_routes(method)}
    assert set(ROUTES) == routes, "add a row for each new page"
    assert all(len(row.cells.split()) == len(PEOPLE) for row in TABLE)
    with_a_thing = {row.route for row in TABLE if "{" in row.route and not row.route.startswith("GET /sign-in")}
    assert with_a_thing <= {row.route for row in TABLE if row.thing == "missing"}


@pytest.mark.parametrize("route", ROUTES)
async def test_who_gets_which_page(
    route: str, clients: Mapping[str, httpx.AsyncClient], scene: Scene, subtests: pytest.Subtests
) -> None:
    async def asked(row: Row, made: Names, called: str) -> httpx.Response:
        return await ask(clients[called], row, made)

    rows = [row for row in TABLE if row.route == route]
    await check_cells(rows, scene, subtests, ask=asked, told=without_names, rules=hold_to_the_rules)


async def test_a_script_without_a_session_is_told_so(clients: Mapping[str, httpx.AsyncClient], scene: Scene) -> None:
    nobody = clients["nobody"]
    nobody.headers["Sec-Fetch-Dest"] = "empty"
    made = await THINGS["candidate"](scene)
    for row in TABLE:
        if not (PAGES + row.route.partition(" ")[2]).startswith(OPEN):
            answer = await ask(nobody, row, made | await THINGS["missing"](scene) | {"secret": "x"})
            assert (str(row), answer.status_code, answer.text) == (str(row), 401, "session_over")


def hold_to_the_rules(row: Row, person: Person | None, answer: httpx.Response) -> None:
    if person is None and not (PAGES + row.route.partition(" ")[2]).startswith(OPEN):
        assert answer.headers["location"].startswith("/app/sign-in") and not answer.content
    if row.tells or person is None:
        return
    elsewhere = [case for case, district in DISTRICTS.items() if person.district != district]
    told = without_addresses(answer)
    assert not [case for case in elsewhere if html.escape(case) in told]


def without_names(answer: httpx.Response, made: Names) -> tuple[int, str]:
    """Status and page, without the names that were asked for."""
    text = without_addresses(answer)
    for value in sorted(made.values(), key=len, reverse=True):
        text = text.replace(html.escape(value), "…")
    return answer.status_code, text


def without_addresses(answer: httpx.Response) -> str:
    """The page without addresses of pages: its own, in the forms of bar and foot, is what was asked for."""
    return re.sub(r"(?:value|href|action)=\"/app/[^\"]*\"", "", answer.text)


async def ask(client: httpx.AsyncClient, row: Row, made: Names) -> httpx.Response:
    method, _, route = row.route.partition(" ")
    names = {**made, "secret": "none"}
    path = PAGES + (row.path or route).format(**{name: quote(value, safe="") for name, value in names.items()})
    files = {"file": ("picture.jpg", drawn_face(), "image/jpeg")} if row.file else None
    query, form = (filled(sent, names) for sent in (row.query, row.form))
    return await client.request(method, path, params=query or None, data=form or None, files=files)
