"""Signing in over HTTP: before anything else of a request is read, and without a trace of the token."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest

from api.app import build_app
from api.deps import Services
from api.readiness import Readiness
from api.settings import DEVELOPMENT_ISSUER
from api.sign_in.keys import Keys, fetch_from
from api.sign_in.tokens import SignIn
from graph.actions.access import AccessLog
from graph.files import MediaStore
from graph.store.session import Store
from tests.integration.conftest import HEADERS, entries
from tests.support.factories import ANNA, BEN, NORTH, SOUTH, SUE, Scene
from tests.support.signed_in import ISSUER, as_

pytestmark = pytest.mark.anyio


async def test_without_a_token_nothing_is_read_and_every_path_is_closed(api: httpx.AsyncClient, store: Store) -> None:
    del api.headers["Authorization"]
    broken = {"Content-Type": "application/json", "If-Match": "x"}
    for answer in (
        await api.get("/links"),
        await api.get("/nothing"),
        await api.delete("/links"),
        await api.get("/links", params={"limit": "x"}),
        await api.post("/links/x/verdicts", content=b"{", headers=broken),
        await api.post("/searches", content=b" " * 300_000, headers=broken),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")
        assert answer.headers["www-authenticate"] == 'Bearer realm="redthread"'
    assert await entries(store) == []


async def test_a_token_that_is_not_believed_leaves_no_trace(
    api: httpx.AsyncClient, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    expired, foreign = ISSUER.token(ANNA, exp=1), ISSUER.token(replace(ANNA, actor="canary"), aud="canary")
    twice = [("Authorization", value) for value in (as_(ANNA)["Authorization"], as_(SUE)["Authorization"])]
    for headers in ({"Authorization": f"Bearer {expired}"}, {"Authorization": f"Bearer {foreign}"}):
        answer = await api.get("/links", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
        assert answer.headers["www-authenticate"] == 'Bearer realm="redthread", error="invalid_token"'
        told = answer.text + caplog.text + str(answer.headers)
        assert not any(part in told for token in (expired, foreign) for part in token.split("."))
        assert "canary" not in told
    del api.headers["Authorization"]
    assert (await api.get("/links", headers=twice)).status_code == 401
    assert await entries(store) == []


async def test_a_valid_token_without_a_role_is_forbidden(api: httpx.AsyncClient) -> None:
    answer = await api.get("/links", headers=as_(replace(ANNA, roles=frozenset())))
    assert (answer.status_code, answer.json()["code"]) == (403, "role_missing")


async def test_the_header_of_old_names_nobody(api: httpx.AsyncClient, store: Store, scene: Scene) -> None:
    await api.get("/links", headers={"Redthread-Actor": "somebody@else"})
    assert [entry.actor for entry in await entries(store)] == ["anna@north"]


async def test_without_the_issuers_keys_everybody_is_refused_and_asked_to_retry(
    store: Store, files: MediaStore
) -> None:
    @asynccontextmanager
    async def services() -> AsyncIterator[Services]:
        keys = Keys(fetch_from("http://127.0.0.1:1", ""))
        who = SignIn(keys, issuer=DEVELOPMENT_ISSUER, audience="redthread")
        yield Services(store, files, AccessLog(store), who, Readiness(store, files, who))

    app = build_app(services, upload_limit=1, version="test")
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=HEADERS) as client,
    ):
        answer = await client.get("/links")
        assert (answer.status_code, answer.json()["code"]) == (503, "sign_in_unavailable")
        assert answer.headers["retry-after"] == "5"
        assert (await client.get("/healthz")).status_code == 200


async def test_the_list_has_just_the_links_that_a_person_sees(api: httpx.AsyncClient, scene: Scene) -> None:
    await scene.case("local:west", "west")
    await scene.media("w", "local:west", faces=["w1"])
    own, others = await scene.link("n1", "s1"), await scene.link("s1", "w1")

    async def listed(headers: dict[str, str], **params: str) -> set[str]:
        answer = await api.get("/links", headers=headers, params=params)
        return {link["link_id"] for link in answer.json()["items"]}

    assert await listed(as_(ANNA)) == {own}
    assert await listed(as_(BEN)) == {own, others}
    assert await listed(as_(replace(ANNA, district="west"))) == {others}
    assert await listed(as_(replace(ANNA, district=None))) == set()
    assert await listed(as_(ANNA), case_id=NORTH) == {own}
    # Not even the own link: the list would tell that it leads to this very case.
    assert await listed(as_(ANNA), case_id=SOUTH) == await listed(as_(ANNA), case_id="local:none") == set()


async def test_approval_opens_the_other_side(api: httpx.AsyncClient, store: Store, scene: Scene) -> None:
    link_id = await scene.link("n1", "s1")
    path = f"/links/{link_id}"

    def other(link: dict[str, dict[str, object]]) -> dict[str, object]:
        return next(link[side] for side in "ab" if link[side]["face_id"] == scene.faces["s1"])

    before = other((await api.get(path)).json())
    await store.statement("MATCH ()-[r:CANDIDATE {state: 'candidate'}]->() SET r.state = 'approved', r.version = 2")
    after = other((await api.get(path)).json())

    assert {name for name, value in before.items() if value} == {"face_id", "district"}
    assert (after["case_ids"], after["box"], after["quality"]) == ([SOUTH], [10, 20, 60, 80], 0.7)
    assert after["media_id"]


async def test_who_moved_to_another_district_reads_the_answers_to_their_own_searches(
    api: httpx.AsyncClient, scene: Scene
) -> None:
    question = {"case_id": NORTH, "purpose": "x", "legal_basis": "x", "in": "register", "faces": [scene.faces["n1"]]}
    search = (await api.post("/searches", json=question)).headers["location"]
    await scene.answer(search.rpartition("/")[2], [("n2", 0.6)])

    moved = (await api.get(search, headers=as_(replace(ANNA, district="west")))).json()

    [item] = moved["items"]
    assert (item["face_id"], item["district"], item["media_id"]) == (scene.faces["n2"], "north", None)
    assert (await api.get(search, headers=as_(replace(SUE, district="west")))).status_code == 404
