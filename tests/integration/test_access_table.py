"""Who gets which answer: route x person x state of the thing, every cell asked of the real service.

A new route needs a row, or `test_every_route_has_a_row` fails. A row names the route, the thing it asks for (a function
in THINGS, called anew after each cell that changed it), what it sends, and one status a person in the order of PEOPLE.
`{names}` in path, query, body and form are filled with what the thing's function returns.

Besides the statuses each cell is held to three rules: what a person may not see answers exactly as what does not exist
(a row of the route whose thing is `missing...`); nobody is answered without a token; and no answer names a case of a
district that is not the person's, unless the row says that it `tells`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from api.sign_in.gate import OPEN
from graph.domain.people import Person
from tests.support.access_cells import check_cells, filled
from tests.support.access_table import DISTRICTS, PEOPLE, Names
from tests.support.factories import Scene, drawn_face
from tests.support.signed_in import as_

pytestmark = pytest.mark.anyio


# --- the things that routes are asked for ---


# --- the table ---


@dataclass(frozen=True)
class Row:
    """One state of what a route is asked for; `cells` are statuses in the order of PEOPLE."""

    route: str
    thing: str
    cells: str
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Any = None
    form: Mapping[str, str] | None = None
    """Sent as multipart with a drawn picture."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    path: str = ""
    """In place of the route's own, where the thing has another name."""
    tells: bool = False
    """Its answer may name a case of another district."""

    def __str__(self) -> str:
        return f"{self.route} {self.thing} {dict(self.query) or ''}"


DISMISS = {"body": {"decision": "dismissed"}, "headers": {"If-Match": '"0"'}}
STATED = {"purpose": "victim identification", "legal_basis": "test", "in": "register"}
SAW_0, SAW_1 = {"If-Match": '"0"'}, {"If-Match": '"1"'}
APPROVE: dict[str, Any] = {"body": {"decision": "approved"}}
REOPEN: dict[str, Any] = {"body": {"reason": "a mistake"}}
BY_HAND = {"body": {"face_a": "{face_id}", "face_b": "{other_face_id}", "reasons": ["ears"]}}
ACT = {"body": {"links": [{"link_id": "{link_id}", "version": 0}], "decision": "dismissed"}}
APPROVE_ACT = {"body": {"links": [{"link_id": "{link_id}", "version": 1}], "decision": "approved"}}
IDENTIFY = {
    "body": {
        "person_ref": "person-1",
        "basis": "interview",
        "reason": "named by a teacher",
        "faces": ["{face_id}", "{other_face_id}"],
    }
}
REPEATED: dict[str, Any] = {
    "body": {"repeated_person": "mirror", "reason": "a mirror behind the child"},
    "headers": {"If-Match": '"0"'},
}
MARK = {"body": {"box": [300, 200, 60, 80]}}
OTHER_CROP = "/faces/{other_face_id}/crop"

# fmt: off
TABLE = [
    # nobody; investigators of north, south, west and no district; supervisors of north, south, west; auditor; operator;
    # case system
    Row("GET /healthz",                       "nothing",             "200 200 200 200 200 200 200 200 200 200 200"),
    Row("GET /readyz",                        "nothing",             "200 200 200 200 200 200 200 200 200 200 200"),
    Row("GET /metrics",                       "nothing",             "401 403 403 403 403 403 403 403 403 200 403"),
    Row("GET /cases/{case_id}/graph",         "candidate",           "401 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /cases/{case_id}/graph",         "approved",            "401 200 404 404 404 200 404 404 403 403 403",
        tells=True),
    Row("GET /cases/{case_id}/graph",         "missing",             "401 404 404 404 404 404 404 404 403 403 403"),
    Row("GET /faces/{face_id}/crop",          "face",                "401 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /faces/{face_id}/crop",          "candidate",           "401 200 200 404 404 200 200 404 403 403 403"),
    Row("GET /faces/{face_id}/crop",          "dismissed",           "401 200 200 404 404 200 200 404 403 403 403"),
    Row("GET /faces/{face_id}/crop",          "approved",            "401 200 200 404 404 200 200 404 403 403 403"),
    Row("GET /faces/{face_id}/crop",          "lead",                "401 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /faces/{face_id}/crop",          "lead",                "401 200 200 404 404 200 200 404 403 403 403",
        {"leads": "true"}),
    Row("GET /faces/{face_id}/crop",          "candidate of others", "401 404 200 200 404 404 200 200 403 403 403"),
    Row("GET /faces/{face_id}/crop",          "answered search",     "401 200 200 404 404 200 200 404 403 403 403",
        path=OTHER_CROP),
    Row("GET /faces/{face_id}/crop",          "missing",             "401 404 404 404 404 404 404 404 403 403 403"),
    Row("GET /faces/{face_id}/context",       "face",                "401 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /faces/{face_id}/context",       "candidate",           "401 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /faces/{face_id}/context",       "approved",            "401 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /faces/{face_id}/context",       "candidate of others", "401 404 200 404 404 404 200 404 403 403 403"),
    Row("GET /faces/{face_id}/context",       "missing",             "401 404 404 404 404 404 404 404 403 403 403"),
    Row("GET /links",                         "candidate",           "401 200 200 200 200 200 200 200 403 403 403"),
    Row("GET /links",                         "approved",            "401 200 200 200 200 200 200 200 403 403 403",
        {"state": "approved"}, tells=True),
    Row("GET /links",                         "candidate",           "401 200 200 200 200 200 200 200 403 403 403",
        {"case_id": "{case_id}"}),
    Row("GET /links/{link_id}",               "candidate",           "401 200 200 404 404 200 200 404 403 403 403"),
    Row("GET /links/{link_id}",               "lead",                "401 200 200 404 404 200 200 404 403 403 403"),
    Row("GET /links/{link_id}",               "confirmed",           "401 200 200 404 404 200 200 404 403 403 403"),
    Row("GET /links/{link_id}",               "dismissed",           "401 200 200 404 404 200 200 404 403 403 403"),
    Row("GET /links/{link_id}",               "approved",            "401 200 200 404 404 200 200 404 403 403 403",
        tells=True),
    Row("GET /links/{link_id}",               "candidate of others", "401 404 200 200 404 404 200 200 403 403 403"),
    Row("GET /links/{link_id}",               "missing",             "401 404 404 404 404 404 404 404 403 403 403"),
    Row("POST /links/{link_id}/verdicts",     "candidate",           "401 201 201 404 404 403 403 403 403 403 403",
        **DISMISS),
    Row("POST /links/{link_id}/verdicts",     "lead",                "401 201 201 404 404 403 403 403 403 403 403",
        **DISMISS),
    Row("POST /links/{link_id}/verdicts",     "approved",            "401 409 409 404 404 403 403 403 403 403 403",
        **DISMISS),
    Row("POST /links/{link_id}/verdicts",     "candidate of others", "401 404 201 201 404 403 403 403 403 403 403",
        **DISMISS),
    Row("POST /links/{link_id}/verdicts",     "missing",             "401 404 404 404 404 403 403 403 403 403 403",
        **DISMISS),
    Row("POST /searches",                     "candidate",           "401 202 404 404 404 202 404 404 403 403 403",
        body={**STATED, "case_id": "{case_id}", "faces": ["{face_id}", "{other_face_id}"]}),
    Row("POST /searches",                     "candidate",           "401 202 404 404 404 202 404 404 403 403 403",
        body={**STATED, "case_id": "{case_id}", "faces": ["{face_id}"], "in": "case:{case_id}"}),
    Row("POST /searches",                     "candidate",           "401 404 404 404 404 404 404 404 403 403 403",
        body={**STATED, "case_id": "{case_id}", "faces": ["{face_id}"], "in": "case:{other_case_id}"}),
    Row("POST /searches",                     "candidate",           "401 202 404 404 404 202 404 404 403 403 403",
        form={**STATED, "case_id": "{case_id}"}),
    Row("POST /searches",                     "candidate of others", "401 404 202 404 404 404 202 404 403 403 403",
        body={**STATED, "case_id": "{case_id}", "faces": ["{face_id}"]}),
    Row("POST /searches",                     "lead",                "401 404 404 404 404 404 404 404 403 403 403",
        body={**STATED, "case_id": "{case_id}", "faces": ["{other_face_id}"]}),
    Row("POST /searches",                     "missing face",        "401 404 404 404 404 404 404 404 403 403 403",
        body={**STATED, "case_id": "{case_id}", "faces": ["{face_id}"]}),
    Row("POST /searches",                     "missing",             "401 404 404 404 404 404 404 404 403 403 403",
        body={**STATED, "case_id": "{case_id}", "faces": ["{face_id}"]}),
    Row("POST /searches",                     "victim",              "401 202 404 404 404 202 404 404 403 403 403",
        body={**STATED, "case_id": "{case_id}", "victim_id": "{victim_id}"}),
    Row("POST /searches",                     "missing victim",      "401 404 404 404 404 404 404 404 403 403 403",
        body={**STATED, "case_id": "{case_id}", "victim_id": "{victim_id}"}),
    Row("GET /searches",                      "answered search",     "401 200 200 200 200 200 200 200 403 403 403"),
    Row("GET /searches/{search_id}",          "answered search",     "401 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /searches/{search_id}/unjudged", "answered search",     "401 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /searches/{search_id}/unjudged", "missing",             "401 404 404 404 404 404 404 404 403 403 403"),
    Row("DELETE /searches/{search_id}",       "open search",         "401 204 404 404 404 204 404 404 403 403 403"),
    Row("DELETE /searches/{search_id}",       "search of another",   "401 403 404 404 404 204 404 404 403 403 403"),
    Row("DELETE /searches/{search_id}",       "answered search",     "401 409 404 404 404 409 404 404 403 403 403"),
    Row("DELETE /searches/{search_id}",       "missing",             "401 404 404 404 404 404 404 404 403 403 403"),
    Row("POST /links/{link_id}/approvals",    "judged",              "401 403 403 403 403 201 201 404 403 403 403",
        **APPROVE, headers=SAW_1, tells=True),
    Row("POST /links/{link_id}/approvals",    "candidate",           "401 403 403 403 403 409 409 404 403 403 403",
        **APPROVE, headers=SAW_0),
    Row("POST /links/{link_id}/approvals",    "missing",             "401 403 403 403 403 404 404 404 403 403 403",
        **APPROVE, headers=SAW_1),
    Row("POST /links/{link_id}/reopenings",   "judged",              "401 403 403 404 404 201 201 404 403 403 403",
        **REOPEN, headers=SAW_1),
    Row("POST /links/{link_id}/reopenings",   "candidate",           "401 409 409 404 404 409 409 404 403 403 403",
        **REOPEN, headers=SAW_0),
    Row("POST /links/{link_id}/reopenings",   "missing",             "401 404 404 404 404 404 404 404 403 403 403",
        **REOPEN, headers=SAW_1),
    Row("POST /links",                        "two faces",           "401 201 404 404 404 403 403 403 403 403 403",
        **BY_HAND),
    Row("POST /links",                        "missing",             "401 404 404 404 404 403 403 403 403 403 403",
        **BY_HAND),
    Row("POST /acts",                         "candidate",           "401 201 201 404 404 403 403 403 403 403 403",
        **ACT),
    Row("POST /acts",                         "missing",             "401 404 404 404 404 403 403 403 403 403 403",
        **ACT),
    Row("POST /acts/preview",                 "candidate",           "401 200 200 404 404 403 403 403 403 403 403",
        **ACT),
    Row("POST /acts/preview",                 "missing",             "401 404 404 404 404 403 403 403 403 403 403",
        **ACT),
    Row("POST /acts/{act_id}/reopenings",     "judged",              "401 403 403 404 404 201 201 404 403 403 403",
        **REOPEN),
    Row("POST /acts/{act_id}/reopenings",     "missing",             "401 404 404 404 404 404 404 404 403 403 403",
        **REOPEN),
    Row("POST /acts/{act_id}/approvals",      "judged",              "401 403 403 403 403 201 201 404 403 403 403",
        **APPROVE_ACT),
    Row("POST /acts/{act_id}/approvals",      "missing",             "401 403 403 403 403 404 404 404 403 403 403",
        **APPROVE_ACT),
    Row("POST /victims/{victim_id}/identifications", "joined",       "401 201 201 404 404 403 403 403 403 403 403",
        **IDENTIFY),
    Row("POST /victims/{victim_id}/identifications", "judged",       "401 409 409 404 404 403 403 403 403 403 403",
        **IDENTIFY),
    Row("POST /victims/{victim_id}/identifications", "missing",      "401 404 404 404 404 403 403 403 403 403 403",
        **IDENTIFY),
    Row("POST /identifications/{identification_id}/approvals", "identification",
        "401 403 403 403 403 201 201 404 403 403 403", **APPROVE, headers=SAW_0),
    Row("POST /identifications/{identification_id}/approvals", "missing",
        "401 403 403 403 403 404 404 404 403 403 403", **APPROVE, headers=SAW_0),
    Row("POST /identifications/{identification_id}/reopenings", "identified",
        "401 403 403 404 404 201 201 404 403 403 403", **REOPEN, headers=SAW_1),
    Row("POST /identifications/{identification_id}/reopenings", "identification",
        "401 403 403 404 404 409 409 404 403 403 403", **REOPEN, headers=SAW_0),
    Row("POST /identifications/{identification_id}/reopenings", "missing",
        "401 404 404 404 404 404 404 404 403 403 403", **REOPEN, headers=SAW_1),
    Row("GET /cases/{case_id}",               "candidate",           "401 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /cases/{case_id}",               "missing",             "401 404 404 404 404 404 404 404 403 403 403"),
    Row("GET /cases/{case_id}/media",         "candidate",           "401 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /cases/{case_id}/media",         "missing",             "401 404 404 404 404 404 404 404 403 403 403"),
    Row("GET /cases/{case_id}/completeness",  "candidate",           "401 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /cases/{case_id}/completeness",  "missing",             "401 404 404 404 404 404 404 404 403 403 403"),
    Row("GET /media/{media_id}",              "candidate",           "401 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /media/{media_id}",              "on_its_way",          "401 202 200 404 404 202 200 404 403 403 403"),
    Row("GET /media/{media_id}",              "missing",             "401 404 404 404 404 404 404 404 403 403 403"),
    Row("GET /media/{media_id}/faces",        "candidate",           "401 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /media/{media_id}/faces",        "missing",             "401 404 404 404 404 404 404 404 403 403 403"),
    Row("GET /media/{media_id}/repeated-person",   "face",           "401 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /media/{media_id}/repeated-person",   "missing",        "401 404 404 404 404 404 404 404 403 403 403"),
    Row("POST /media/{media_id}/repeated-person",  "face",           "401 201 404 404 404 403 403 403 403 403 403",
        **REPEATED),
    Row("POST /media/{media_id}/repeated-person",  "missing",        "401 404 404 404 404 403 403 403 403 403 403",
        **REPEATED),
    Row("POST /media/{media_id}/faces",       "face",                "401 202 404 404 404 403 403 403 403 403 403",
        **MARK),
    Row("POST /media/{media_id}/faces",       "missing",             "401 404 404 404 404 403 403 403 403 403 403",
        **MARK),
    Row("POST /media",                        "candidate",           "401 202 404 404 404 202 404 404 403 403 403",
        form={"purpose": "victim identification", "legal_basis": "test", "scope": "register", "case_id": "{case_id}"}),
    Row("GET /victims/{victim_id}",           "judged",              "401 200 200 404 404 200 200 404 403 403 403"),
    Row("GET /victims/{victim_id}",           "missing",             "401 404 404 404 404 404 404 404 403 403 403"),
    Row("GET /victims/{victim_id}/identifications", "judged",        "401 200 200 404 404 200 200 404 403 403 403"),
    Row("GET /victims/{victim_id}/identifications", "missing",       "401 404 404 404 404 404 404 404 403 403 403"),
    Row("GET /paths",                         "judged",              "401 404 404 404 404 404 404 404 403 403 403",
        {"from_case": "{case_id}", "to_case": "{other_case_id}"}),
    Row("GET /paths",                         "approved",            "401 200 200 404 404 200 200 404 403 403 403",
        {"from_case": "{case_id}", "to_case": "{other_case_id}"}, tells=True),
    Row("POST /erasures",                     "face",                "401 403 403 403 403 202 404 404 403 403 403",
        body={"subject": {"media_id": "{media_id}"}, "reason": "review date"}),
    Row("GET /erasures/{erasure_id}",         "missing",             "401 404 404 404 404 404 404 404 403 403 403"),
    Row("GET /faces/{face_id}/labels",        "candidate",           "401 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /faces/{face_id}/labels",        "missing",             "401 404 404 404 404 404 404 404 403 403 403"),
    Row("GET /faces/{face_id}/similar",       "candidate",           "401 200 404 404 404 200 404 404 403 403 403"),
    Row("GET /faces/{face_id}/similar",       "missing",             "401 404 404 404 404 404 404 404 403 403 403"),
    Row("POST /faces/{face_id}/labels",       "face",                "401 201 404 404 404 403 403 403 403 403 403",
        body={"label": "witness", "reason": "a neighbour"}, headers=SAW_0),
    Row("POST /faces/{face_id}/labels",       "missing",             "401 404 404 404 404 403 403 403 403 403 403",
        body={"label": "witness", "reason": "a neighbour"}, headers=SAW_0),
    Row("GET /queue",                         "candidate",           "401 200 200 200 403 200 200 200 403 403 403"),
    Row("POST /queue/claims",                 "candidate",           "401 201 201 201 403 403 403 403 403 403 403",
        body={}),
    Row("POST /queue/claims/{claim_id}/skips", "missing",            "401 409 409 409 409 403 403 403 403 403 403"),
    Row("POST /queue/claims/{claim_id}/renewals", "missing",         "401 409 409 409 409 403 403 403 403 403 403"),
    Row("GET /approvals",                     "judged",              "401 403 403 403 403 200 200 200 403 403 403"),
    Row("GET /audit",                         "candidate",           "401 403 403 403 403 403 403 403 200 403 403",
        tells=True),
    Row("GET /audit/verification",            "candidate",           "401 403 403 403 403 403 403 403 200 403 403"),
    Row("GET /quarantine",                    "nothing",             "401 403 403 403 403 403 403 403 403 200 403"),
    Row("POST /quarantine/{quarantine_id}/replays", "missing",       "401 403 403 403 403 403 403 403 403 404 403"),
    Row("GET /searches/{search_id}",          "missing",             "401 404 404 404 404 404 404 404 403 403 403"),
]
# fmt: on
ROUTES = list(dict.fromkeys(row.route for row in TABLE))


def described(api: httpx.AsyncClient) -> dict[str, Any]:
    transport = api._transport
    assert isinstance(transport, httpx.ASGITransport)
    return transport.app.openapi()  # type: ignore[attr-defined]


async def test_every_route_has_a_row(api: httpx.AsyncClient) -> None:
    paths = described(api)["paths"]
    routes = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}

    assert set(ROUTES) == routes
    assert all(len(row.cells.split()) == len(PEOPLE) for row in TABLE)
    with_a_thing = {row.route for row in TABLE if "{" in row.route}
    assert with_a_thing == {row.route for row in TABLE if row.thing == "missing" and "{" in row.route}


@pytest.mark.parametrize("route", ROUTES)
async def test_who_gets_which_answer(
    route: str, api: httpx.AsyncClient, scene: Scene, subtests: pytest.Subtests
) -> None:
    async def asked(row: Row, made: Names, called: str) -> httpx.Response:
        return await ask(api, row, made, PEOPLE[called])

    rows = [row for row in TABLE if row.route == route]
    await check_cells(rows, scene, subtests, ask=asked, told=lambda answer, _: all_of(answer), rules=hold_to_the_rules)


def hold_to_the_rules(row: Row, person: Person | None, answer: httpx.Response) -> None:
    path = row.route.partition(" ")[2]
    if path not in OPEN:
        assert (answer.status_code == 401) == (person is None)
        assert ("www-authenticate" in answer.headers) == (person is None)
    if answer.is_error:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["cache-control"] == "no-store"
    elsewhere = [case for case, district in DISTRICTS.items() if person is not None and person.district != district]
    if not row.tells:
        assert not [case for case in elsewhere if json.dumps(case)[1:-1] in answer.text]


def all_of(answer: httpx.Response) -> tuple[int, object, bytes]:
    """Everything that an answer tells."""
    return answer.status_code, dict(answer.headers), answer.content


async def ask(api: httpx.AsyncClient, row: Row, names: Names, person: Person | None) -> httpx.Response:
    method, _, route = row.route.partition(" ")
    quoted = {name: httpx.QueryParams({"": value}).__str__()[1:].replace("+", "%20") for name, value in names.items()}
    request = api.build_request(
        method,
        (row.path or route).format(**quoted),
        params=filled(row.query, names) or None,
        json=filled(row.body, names),
        data=filled(row.form, names),
        headers=dict(row.headers),
        files=None if row.form is None else {"file": ("picture.jpg", drawn_face(), "image/jpeg")},
    )
    del request.headers["Authorization"]
    if person is not None:
        request.headers.update(as_(person))
    return await api.send(request)
