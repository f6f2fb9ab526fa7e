"""Signing in to the pages: by a link that works once, and never by a form of another site."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from api.pages.gate import COOKIE
from api.sign_in.development import write_link
from graph.actions import sessions
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import StoreUnavailable
from graph.store.session import Store
from tests.integration.conftest import Pages, deeds, entries
from tests.support.access import access_of
from tests.support.factories import ANNA, NORTH, NOW, SUE, Scene
from tests.support.page_scene import page_routes

pytestmark = pytest.mark.anyio

OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def browser(app: FastAPI) -> httpx.AsyncClient:
    """A browser that nobody is signed in with."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1")


async def test_a_link_signs_in_once(browser: httpx.AsyncClient, store: Store, tmp_path: Path) -> None:
    secret = write_link(tmp_path / "links", [ANNA, SUE])
    for _ in range(2):  # opening it uses nothing up
        assert ANNA.actor in (await browser.get(f"/app/sign-in/link/{secret}")).text
    chosen = {"actor": ANNA.actor, "secret": secret}
    answer = await browser.post("/app/sign-in/development", data=chosen, headers=OWN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/app/")
    cookies = answer.headers.get_list("set-cookie")
    assert all("HttpOnly" in cookie and "SameSite=lax" in cookie for cookie in cookies)
    assert (await browser.get("/app/")).headers["location"] == "/app/purpose"
    # The same browser may choose again; another one has nothing from the link.
    assert (await browser.post("/app/sign-in/development", data={"actor": SUE.actor}, headers=OWN)).status_code == 303
    browser.cookies.clear()
    assert (await browser.post("/app/sign-in/development", data=chosen, headers=OWN)).status_code == 401
    assert (await browser.get(f"/app/sign-in/link/{secret}")).status_code == 404
    signed_in = [entry for entry in await deeds(store) if entry.action == AuditAction.SESSION_BEGUN]
    assert [entry.actor for entry in signed_in] == [ANNA.actor, SUE.actor]


async def test_sign_out_ends_the_choice_of_users_and_a_change_of_user_does_not(
    browser: httpx.AsyncClient, tmp_path: Path
) -> None:
    chosen = {"actor": ANNA.actor, "secret": write_link(tmp_path / "links", [ANNA, SUE])}
    await browser.post("/app/sign-in/development", data=chosen, headers=OWN)
    old = dict(browser.cookies)
    for fields, offered in (({"change_user": "true"}, True), ({}, False)):
        form = re.search(r'action="(/app/sign-out[^"]*)"', (await browser.get("/app/purpose")).text)
        assert form is not None
        answer = await browser.post(form[1], data=fields, headers=OWN)
        assert (answer.status_code, answer.headers["location"]) == (303, "/app/sign-in")
        assert (SUE.actor in (await browser.get("/app/sign-in")).text) is offered
        again = await browser.post("/app/sign-in/development", data={"actor": SUE.actor}, headers=OWN)
        assert again.status_code == (303 if offered else 401)
    browser.cookies.update(old)
    assert SUE.actor not in (await browser.get("/app/sign-in")).text, "the secret of the choice is worth nothing now"


async def test_only_users_of_the_link_sign_in(browser: httpx.AsyncClient, tmp_path: Path) -> None:
    secret = write_link(tmp_path / "links", [ANNA])
    answer = await browser.post("/app/sign-in/development", data={"actor": SUE.actor, "secret": secret}, headers=OWN)
    assert answer.status_code == 401 and COOKIE not in answer.cookies


@pytest.mark.parametrize("site", [None, "cross-site", "same-site", "none"])
async def test_a_form_of_another_site_is_refused(pages: Pages, store: Store, site: str | None) -> None:
    anna = await pages(ANNA)
    anna.headers.pop("Sec-Fetch-Site")
    headers = {"Sec-Fetch-Site": site} if site else {}
    assert (await anna.post("/app/sign-out", headers=headers)).status_code == 403
    assert (await anna.get("/app/review")).status_code == 200


async def test_without_a_session_every_page_leads_to_the_sign_in(browser: httpx.AsyncClient, app: FastAPI) -> None:
    answer = await browser.get("/app/review?case_id=local%3A1")
    assert answer.headers["location"] == "/app/sign-in?next=/app/review%3Fcase_id%3Dlocal%253A1"
    script = await browser.get("/app/faces/x/crop", headers={"Sec-Fetch-Dest": "image"})
    assert (script.status_code, script.text) == (401, "session_over")
    assert (await browser.get("/")).headers["location"] == "/app/"


@pytest.mark.parametrize("back", ["https://elsewhere.example", "//elsewhere.example", "/app//x", "/app/\\x", "/links"])
async def test_nobody_is_sent_elsewhere(pages: Pages, back: str) -> None:
    anna = await pages(ANNA)
    answer = await anna.post("/app/purpose", data={"stated": "case work", "back": back})
    assert answer.headers["location"] == "/app/"


async def test_where_to_go_on_to_is_no_longer_than_an_address(pages: Pages) -> None:
    anna, far = await pages(ANNA), "/app/" + "x" * 2000
    for form in ("sign-in/view", "purpose", "sign-in/development"):
        answer = await anna.post(f"/app/{form}", data={"stated": "case work", "actor": ANNA.actor, "back": far})
        assert answer.status_code == 422, form


async def test_a_refused_form_leads_on_to_a_page(pages: Pages, scene: Scene) -> None:
    """To choose a language on the answer to a form led to the form's own address, which no page has."""
    anna = await pages(ANNA)
    refused = await anna.post("/app/search", data={"face": scene.faces["n1"]})
    assert refused.status_code == 422
    assert set(re.findall(r'name="back" value="([^"]*)"', refused.text)) == {"/app/"}
    assert "next=%2Fapp%2F&" not in refused.text and re.search(r"/app/purpose\?next=%2Fapp%2F\"", refused.text)
    earlier = await anna.get("/app/cases", params={"session": "of-before", "open": "x"})
    assert earlier.status_code == 200 or "somebody signed in" in earlier.text.lower()
    assert set(re.findall(r'name="back" value="([^"]*)"', earlier.text)) == {"/app/cases?open=x"}


async def test_a_session_ends_by_sign_out_by_idleness_and_by_age(pages: Pages, store: Store) -> None:
    anna = await pages(ANNA)
    assert (await anna.post("/app/sign-out")).status_code == 303
    assert (await anna.get("/app/review")).status_code == 303
    assert (await deeds(store))[-1].action == AuditAction.SESSION_ENDED
    secret = await sessions.do_sign_in(access_of(store, ANNA, NOW))
    almost, idle = NOW + sessions.IDLE - timedelta(seconds=1), NOW + sessions.IDLE + timedelta(seconds=1)
    assert await sessions.find_session(store, secret, idle, in_use=False) is None
    assert await sessions.find_session(store, secret, almost) is not None
    assert await sessions.find_session(store, secret, idle) is not None, "it was used in between"
    now = idle
    while now < NOW + sessions.LONGEST:
        assert await sessions.find_session(store, secret, now) is not None
        now += sessions.IDLE / 2
    assert await sessions.find_session(store, secret, now + sessions.IDLE / 2) is None


async def test_the_api_takes_no_cookie(pages: Pages) -> None:
    anna = await pages(ANNA)
    assert (await anna.get("/links", headers={"Redthread-Purpose": "test"})).status_code == 401


async def test_before_a_purpose_is_stated_a_page_leads_there_and_a_script_is_refused(pages: Pages) -> None:
    anna = await pages(ANNA, "")
    answer = await anna.get("/app/inbox")
    assert answer.headers["location"] == "/app/purpose?next=%2Fapp%2Finbox"
    assert "data-count" not in (await anna.get("/app/purpose")).text, "a number that nobody may read yet"
    script = await anna.get("/app/inbox/count", headers={"Sec-Fetch-Dest": "empty"})
    assert script.status_code == 403 and "<html" not in script.text


async def test_a_purpose_is_in_words_and_never_reads_like_a_claim(pages: Pages) -> None:
    anna = await pages(ANNA)
    for other in ("claim:" + "f" * 32, "CLAIM:x", "claim\uff1afff", "0"):
        answer = await anna.post("/app/purpose", data={"stated": "case work", "other": other})
        assert answer.status_code == 422, other


async def test_while_the_graph_is_away_a_browser_gets_a_page(
    pages: Pages, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable("the graph does not answer")

    anna = await pages(ANNA)
    monkeypatch.setattr(store, "read", away)
    answer = await anna.get("/app/cases")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert "The database does not answer" in answer.text
    assert (await anna.get("/app/static/screens.css")).status_code == 200


@pytest.mark.parametrize("route", [route for route in page_routes("POST") if not route.path.startswith("/sign-in/")])
async def test_a_form_of_an_earlier_session_is_not_recorded_under_the_next_one(
    pages: Pages, scene: Scene, store: Store, route: APIRoute
) -> None:
    anna, sue = await pages(ANNA), await pages(SUE)
    form = re.search(r'action="/app/sign-out\?(session=\w+)"', (await anna.get("/app/review")).text)
    assert form is not None
    before = await entries(store)
    for query in (form[1], "session=", f"{form[1]}&{form[1]}"):
        address = f"/app{route.path_format}?{query}"
        answer = await sue.post(address)
        assert answer.status_code == 409 and "See above who is signed in now" in answer.text
        script = await sue.post(address, headers={"Sec-Fetch-Dest": "empty"})
        assert (script.status_code, script.text) == (401, "session_over")
    assert await entries(store) == before
    assert (await anna.post(f"/app/purpose?{form[1]}", data={"stated": "case work"})).status_code == 303


async def test_what_a_page_asks_by_itself_keeps_no_session_alive(pages: Pages, scene: Scene, store: Store) -> None:
    """The answer of a search that waits was asked for every 15 seconds, so the session never became idle."""
    anna, sue = await pages(ANNA), await pages(SUE)
    question = {"case_id": NORTH, "where": "register", "purpose": "test", "legal_basis": "test"}
    asked = await anna.post("/app/search", data={**question, "face": scene.faces["n1"]})
    waiting = await anna.get(asked.headers["location"])
    address = re.search(r'data-waiting="([^"]+)"', waiting.text)
    assert address is not None and "session=" in address[1]
    before = (datetime.now(UTC) - sessions.IDLE / 2).isoformat()
    await store.write(lambda tx: tx.do("MATCH (s:Session) SET s.seen_at = $at", at=before))
    last_use = "MATCH (s:Session {actor: $actor}) RETURN s.seen_at AS at"
    assert (await anna.get(address[1])).status_code == 200
    assert await store.read(lambda tx: tx.one(last_use, actor=ANNA.actor)) == {"at": before}
    assert (await anna.get(asked.headers["location"])).status_code == 200
    assert await store.read(lambda tx: tx.one(last_use, actor=ANNA.actor)) != {"at": before}
    assert (await sue.get(address[1], headers={"Sec-Fetch-Dest": "empty"})).text == "session_over"
