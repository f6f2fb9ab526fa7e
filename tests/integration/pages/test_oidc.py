"""Sign-in to the pages by the authorization code flow with PKCE, against a real issuer in this process."""

import asyncio
import re
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from hashlib import sha256
from urllib.parse import parse_qs, urlencode, urlsplit

import flask
import httpx
import pytest
from fastapi import FastAPI
from oidc_provider_mock import User, run_server_in_thread
from werkzeug.serving import BaseWSGIServer

from api.sign_in import keys, oidc
from api.sign_in.keys import Keys, fetch_from
from api.sign_in.oidc import CALLBACK, OidcSignIn
from api.sign_in.tokens import SignIn
from graph.domain.audit_actions import AuditAction
from graph.store.session import Store
from tests.integration.conftest import deeds, pages_of

pytestmark = pytest.mark.anyio

HERE = "https://127.0.0.1"
CLIENT = "redthread-pages"
OWN = {"Sec-Fetch-Site": "same-origin"}
USERS = (
    User(sub="kim@north", claims={"roles": ["investigator"], "district": "north"}),
    User(sub="guest", claims={"roles": ["reader"], "district": "north"}),
)


@dataclass
class Issuer:
    """The issuer, and what it was asked for tokens with."""

    server: AbstractContextManager[BaseWSGIServer]
    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list[dict[str, str]])


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with ExitStack() as stack:
        running = stack.enter_context(run_server_in_thread(require_nonce=True, user_claims=USERS))
        found = Issuer(stack.pop_all(), f"http://localhost:{running.server_port}")

        def record() -> None:
            if flask.request.path == "/oauth2/token":
                found.asked.append(flask.request.form.to_dict())

        application = running.app
        assert isinstance(application, flask.Flask)
        application.before_request(record)
        yield found
        found.server.__exit__(None, None, None)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The issuer's thread may get its turn late."""
    for module in (keys, oidc):
        monkeypatch.setattr(module, "PATIENCE", httpx.Timeout(60))


@pytest.fixture
async def browser(app: FastAPI, issuer: Issuer) -> AsyncIterator[httpx.AsyncClient]:
    """A browser of the pages of a service that signs people in by the issuer."""
    async with use(app, issuer) as client:
        yield client


def use(app: FastAPI, issuer: Issuer, audience: str = CLIENT) -> httpx.AsyncClient:
    sign_in = SignIn(Keys(fetch_from(issuer.url, "")), issuer=issuer.url, audience=audience)
    flow = OidcSignIn(sign_in, issuer=issuer.url, client_id=CLIENT, client_secret="shared", public_url=HERE)
    pages_of(app).state.services = replace(app.state.services, pages=flow)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HERE, headers=OWN)


async def begin(browser: httpx.AsyncClient, back: str = "/app/purpose") -> dict[str, str]:
    """Begins a sign-in: what the browser is sent to the issuer with."""
    answer = await browser.get("/app/sign-in/begin", params={"next": back})
    assert answer.status_code == 303
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


async def consent(issuer: Issuer, asked: dict[str, str], user: str = "kim@north", **form: str) -> dict[str, str]:
    """What the issuer sends the browser back with, once the person has agreed."""
    async with httpx.AsyncClient(timeout=60) as outside:
        address = f"{issuer.url}/oauth2/authorize?{urlencode(asked)}"
        answer = await outside.post(address, data=form or {"sub": user})
    back = urlsplit(answer.headers["location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == HERE + CALLBACK
    return {name: values[0] for name, values in parse_qs(back.query).items()}


async def finish(browser: httpx.AsyncClient, sent: dict[str, str]) -> httpx.Response:
    return await browser.get(CALLBACK, params=sent)


async def test_the_whole_flow_signs_in_with_the_roles_of_the_id_token(
    browser: httpx.AsyncClient, issuer: Issuer, store: Store
) -> None:
    asked = await begin(browser, "/app/review?case_id=local%3A1")
    assert asked["code_challenge_method"] == "S256" and asked["response_type"] == "code"
    assert {"openid"} <= set(asked["scope"].split()) and asked["redirect_uri"] == HERE + CALLBACK
    answer = await finish(browser, await consent(issuer, asked))
    assert (answer.status_code, answer.headers["location"]) == (303, "/app/review?case_id=local%3A1")

    [sent] = issuer.asked
    challenge = urlsafe_b64encode(sha256(sent["code_verifier"].encode()).digest()).rstrip(b"=").decode()
    assert challenge == asked["code_challenge"], "PKCE: the verifier is the one that the challenge was made of"
    cookies = [cookie for cookie in answer.headers.get_list("set-cookie") if "Max-Age=0" not in cookie]
    assert cookies and all(cookie.startswith("__Host-") for cookie in cookies)
    for needed in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
        assert all(needed in cookie for cookie in cookies)
    assert not any("domain" in cookie.lower() for cookie in cookies)

    form = re.search(r'action="(/app/purpose[^"]*)"', (await browser.get("/app/purpose")).text)
    assert form is not None and (await browser.post(form[1], data={"stated": "case work"})).status_code == 303
    assert (await browser.get("/app/review")).status_code == 200
    assert (await browser.get("/app/approvals")).status_code == 403, "kim is no supervisor"
    signed_in = [entry for entry in await deeds(store) if entry.action == AuditAction.SESSION_BEGUN]
    assert [entry.actor for entry in signed_in] == ["kim@north"]


async def refused(browser: httpx.AsyncClient, sent: dict[str, str], status: int = 401) -> None:
    answer = await finish(browser, sent)
    assert answer.status_code == status
    assert not any(name.endswith("redthread") for name in answer.cookies)
    assert (await browser.get("/app/")).headers["location"].startswith("/app/sign-in")


async def test_an_answer_that_this_browser_did_not_begin_signs_nobody_in(
    browser: httpx.AsyncClient, issuer: Issuer
) -> None:
    answered = await consent(issuer, await begin(browser))
    for other in ("another", "én anden"):
        await refused(browser, answered | {"state": other})
    await refused(browser, {"code": answered["code"]})
    kept = dict(browser.cookies)
    browser.cookies.clear()
    await refused(browser, answered)
    browser.cookies.update(kept)
    assert issuer.asked == [], "the issuer was asked for nothing"


async def test_a_token_for_another_flow_signs_nobody_in(browser: httpx.AsyncClient, issuer: Issuer) -> None:
    asked = await begin(browser)
    await refused(browser, await consent(issuer, asked | {"nonce": "of somebody else"}))


async def test_a_code_works_once(browser: httpx.AsyncClient, issuer: Issuer) -> None:
    answered = await consent(issuer, await begin(browser))
    kept = dict(browser.cookies)
    assert (await finish(browser, answered)).status_code == 303
    browser.cookies.clear()
    browser.cookies.update(kept)
    await refused(browser, answered)
    assert len(issuer.asked) == 2


async def test_a_person_whom_the_issuer_refuses_is_not_signed_in(browser: httpx.AsyncClient, issuer: Issuer) -> None:
    asked = await begin(browser)
    denied = await consent(issuer, asked, action="deny")
    assert denied["error"] == "access_denied"
    await refused(browser, denied | {"state": asked["state"]})


async def test_a_person_without_a_role_here_is_not_signed_in(browser: httpx.AsyncClient, issuer: Issuer) -> None:
    await refused(browser, await consent(issuer, await begin(browser), "guest"), 403)


async def test_an_id_token_for_another_client_signs_nobody_in(app: FastAPI, issuer: Issuer) -> None:
    async with use(app, issuer, audience="another-client") as browser:
        await refused(browser, await consent(issuer, await begin(browser)))


async def test_an_issuer_that_is_away_signs_nobody_in(app: FastAPI, issuer: Issuer) -> None:
    async with use(app, issuer) as browser:
        answered = await consent(issuer, await begin(browser))
        await asyncio.to_thread(issuer.server.__exit__, None, None, None)
        await refused(browser, answered, 503)
    async with use(app, issuer) as browser:
        assert (await browser.get("/app/sign-in/begin")).status_code == 503
        assert "work account" in (await browser.get("/app/sign-in")).text
