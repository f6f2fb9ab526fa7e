"""No look at people's data without a purpose, and none that the audit does not know."""

import asyncio
from urllib.parse import quote

import httpx
import pytest
from fastapi.routing import APIRoute

from api.routes import answers, cases, erasures, faces, links, media, searches, victims
from graph.actions.access import AccessLog
from graph.actions.decide.erase import do_erase
from graph.actions.read.search import Question, ask_with_faces
from graph.domain import audit, ids
from graph.domain.errors import StoreUnavailable
from graph.domain.people import Person, Role
from graph.store.session import Store
from tests.integration.conftest import entries
from tests.support.access import access_of
from tests.support.factories import ANNA, NORTH, NOW, SUE, Scene
from tests.support.signed_in import as_

pytestmark = pytest.mark.anyio

READS = {
    "/cases/{case_id:path}/graph": "case.seen",
    "/cases/{case_id:path}": "case.seen",
    "/cases/{case_id:path}/media": "case.media_seen",
    "/cases/{case_id:path}/completeness": "case.media_seen",
    "/media/{media_id}": "media.seen",
    "/media/{media_id}/faces": "media.faces_seen",
    "/victims/{victim_id:path}": "victim.seen",
    "/victims/{victim_id:path}/identifications": "victim.seen",
    "/paths": "path.seen",
    "/erasures/{erasure_id}": "erasure.seen",
    "/faces/{face_id}/labels": "face.labels_seen",
    "/faces/{face_id}/similar": "face.similar_seen",
    "/faces/{face_id}/crop": "face.seen",
    "/faces/{face_id}/context": "face.context_seen",
    "/links": "links.seen",
    "/links/{link_id}": "link.seen",
    "/searches": "searches.seen",
    "/searches/{search_id}": "search.seen",
    "/searches/{search_id}/unjudged": "search.unjudged_seen",
}


def test_every_reading_route_has_a_row_here() -> None:
    modules = (cases, faces, links, searches, answers, media, victims, erasures)
    routes = [route for module in modules for route in module.router.routes if isinstance(route, APIRoute)]
    known = {route.path for route in routes if "GET" in route.methods}
    assert known == set(READS)


@pytest.fixture
def api(api: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client of somebody who may look at everything of the north."""
    api.headers.update(as_(Person(ANNA.actor, frozenset({Role.INVESTIGATOR, Role.SUPERVISOR}), "north")))
    return api


@pytest.fixture
async def paths(scene: Scene, store: Store) -> dict[str, str]:
    question = Question(NORTH, "victim identification", "test", "register")
    search_id = await ask_with_faces(access_of(store, ANNA, NOW), question, [scene.faces["n1"]])
    await scene.media("gone", NORTH)
    gone = await do_erase(access_of(store, SUE, NOW), "media_id", ids.media_id(b"gone"), "review")
    media_id, other = await scene.media("n", NORTH, faces=["n1", "n2"]), await scene.case("local:other")
    await scene.depicts("n1", "v1")
    return {
        "/cases/{case_id:path}/graph": f"/cases/{quote(NORTH)}/graph",
        "/cases/{case_id:path}": f"/cases/{quote(NORTH)}",
        "/cases/{case_id:path}/media": f"/cases/{quote(NORTH)}/media",
        "/cases/{case_id:path}/completeness": f"/cases/{quote(NORTH)}/completeness",
        "/media/{media_id}": f"/media/{media_id}",
        "/media/{media_id}/faces": f"/media/{media_id}/faces",
        "/victims/{victim_id:path}": "/victims/v1",
        "/victims/{victim_id:path}/identifications": "/victims/v1/identifications",
        "/erasures/{erasure_id}": f"/erasures/{gone}",
        "/faces/{face_id}/labels": f"/faces/{scene.faces['n1']}/labels",
        "/paths": f"/paths?from_case={quote(NORTH)}&to_case={quote(other)}",
        "/faces/{face_id}/crop": f"/faces/{scene.faces['n1']}/crop",
        "/faces/{face_id}/context": f"/faces/{scene.faces['n1']}/context",
        "/links": "/links",
        "/links/{link_id}": f"/links/{await scene.link('n1', 's1')}",
        "/searches": "/searches",
        "/searches/{search_id}": f"/searches/{search_id}",
        "/searches/{search_id}/unjudged": f"/searches/{search_id}/unjudged",
    }


async def test_each_look_is_one_entry_with_actor_and_purpose(
    api: httpx.AsyncClient, store: Store, paths: dict[str, str]
) -> None:
    for route, path in paths.items():
        before = await entries(store)
        answer = await api.get(path, headers={"Redthread-Purpose": "Prüfung".encode()})  # type: ignore[dict-item]
        assert answer.status_code == 200, path
        [entry] = (await entries(store))[len(before) :]
        assert (entry.action, entry.actor, entry.purpose) == (READS[route], "anna@north", "Prüfung")


async def test_a_look_without_a_purpose_or_a_token_is_refused(
    api: httpx.AsyncClient, store: Store, paths: dict[str, str]
) -> None:
    before = await entries(store)
    refusals = {"purpose_missing": as_(ANNA), "token_missing": {"Redthread-Purpose": "x"}}
    blank = {"purpose_missing": {"Redthread-Purpose": "  "}, "token_missing": {"Authorization": ""}}
    status = {"purpose_missing": 403, "token_missing": 401}
    for path in paths.values():
        for code, given in refusals.items():
            headers = [(name.encode(), value.encode()) for name, value in given.items()]
            request = httpx.Request("GET", f"http://127.0.0.1{path}", headers=headers)
            answer = await api.send(request)
            assert (answer.status_code, answer.json()["code"]) == (status[code], code)
        for code, changed in blank.items():
            answer = await api.get(path, headers=changed)
            assert (answer.status_code, answer.json()["code"]) == (status[code], code)
        too_long = await api.get(path, headers={"Redthread-Purpose": "x" * 201})
        assert too_long.status_code == 422
    assert await entries(store) == before


async def test_a_look_that_cannot_be_logged_shows_nothing(
    api: httpx.AsyncClient, store: Store, paths: dict[str, str]
) -> None:
    await store.statement("MATCH (h:AuditHead) DELETE h")

    for path in paths.values():
        answer = await api.get(path)
        assert (answer.status_code, answer.json()["code"]) == (500, "internal")
        assert set(answer.json()) == {"type", "title", "status", "detail", "code"}


async def test_the_chain_is_whole_after_looks_and_verdicts_at_once(
    api: httpx.AsyncClient, store: Store, scene: Scene, paths: dict[str, str]
) -> None:
    before = len(await entries(store))
    link = paths["/links/{link_id}"]
    verdict = api.post(f"{link}/verdicts", json={"decision": "dismissed"}, headers={"If-Match": '"0"'})
    answers = await asyncio.gather(verdict, *(api.get(path) for path in list(paths.values()) * 3))

    assert {answer.status_code for answer in answers} == {200, 201}
    chain = await entries(store)
    assert len(chain) == before + 3 * len(paths) + 1
    assert audit.first_fault(chain) is None


async def test_looks_at_once_share_a_transaction(store: Store) -> None:
    access_log = AccessLog(store)
    acts = [audit.Act(NOW, "anna", "face.seen", f"face{number}", "test") for number in range(50)]

    await asyncio.gather(*(access_log.record(act) for act in acts))

    head = await store.read(lambda tx: tx.one("MATCH (h:AuditHead) RETURN h.locked AS locked"))
    assert head == {"locked": 1}
    assert [entry.subject for entry in await entries(store)] == [act.subject for act in acts]


async def test_without_the_audit_every_look_fails_and_the_next_one_goes_on(store: Store) -> None:
    access_log = AccessLog(store)
    act = audit.Act(NOW, "anna", "face.seen", "face", "test")
    await store.statement("MATCH (h:AuditHead) SET h.name = 'away'")

    failed = await asyncio.gather(access_log.record(act), access_log.record(act), return_exceptions=True)
    await store.statement("MATCH (h:AuditHead) SET h.name = 'head'")
    await access_log.record(act)

    assert [type(error) for error in failed] == [RuntimeError, RuntimeError]
    assert len(await entries(store)) == 1


async def test_a_look_that_cannot_be_written_fails_alone(store: Store) -> None:
    """78 of 80 looks of one person were refused while another one sent ids that no index can hold.

    Looks are written in groups, and one entry that fails made the whole group fail.
    """
    access_log = AccessLog(store)
    subjects = ["a", "b" * 9000, "c", "d" * 9000, "e"]
    acts = [audit.Act(NOW, "anna", "face.seen", subject, "test") for subject in subjects]

    done = await asyncio.gather(*(access_log.record(act) for act in acts), return_exceptions=True)
    await access_log.close()

    assert [isinstance(result, StoreUnavailable) for result in done] == [False, True, False, True, False]
    chain = await entries(store)
    assert [entry.subject for entry in chain] == ["a", "c", "e"]
    assert audit.first_fault(chain) is None


async def test_what_is_too_long_to_be_kept_is_refused_before_it_is_looked_for(
    api: httpx.AsyncClient, store: Store, subtests: pytest.Subtests
) -> None:
    long = "local:" + 9000 * "x"
    for path in (
        f"/links?case_id={long}",
        f"/cases/{long}",
        f"/victims/{long}",
        f"/media/{long}",
        f"/links/{long}",
        f"/faces/{long}/crop",
        f"/searches/{long}",
        f"/erasures/{long}",
        f"/paths?from_case={long}&to_case=a",
    ):
        with subtests.test(path=path[:20]):
            assert (await api.get(path)).status_code == 422
    assert await entries(store) == []


async def test_a_time_that_utc_cannot_name_is_refused(api: httpx.AsyncClient, subtests: pytest.Subtests) -> None:
    """`9999-12-31T23:59:59-23:59` lies in the year 10000 in UTC, which answered 500."""
    auditor = as_(Person("otto", frozenset({Role.AUDITOR})))
    for late, early in (("9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"),):
        for path, headers in (
            ("/audit?from=", auditor),
            ("/audit?to=", auditor),
            ("/queue?submitted_before=", {}),
            ("/queue?submitted_after=", {}),
        ):
            for moment in (late, early):
                with subtests.test(path=path, moment=moment):
                    answer = await api.get(path + quote(moment), headers=headers)
                    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
