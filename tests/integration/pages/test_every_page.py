"""Every page, found by its route: its security headers, its markup, and that hostile names stay text."""

import html
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from api.sign_in.gate import PAGES
from graph.files import MediaStore
from graph.store.session import Store
from tests.integration.conftest import Pages
from tests.support.page_html import PageHtml
from tests.support.page_scene import HOSTILE, READERS, PageScene, hostile, hostile_pages, page_routes, typical_pages

pytestmark = pytest.mark.anyio

WITH_NAMES = 30
WITHOUT_FORM = {"/approvals/undone", "/inbox/undone", "/pairs/undone", "/sign-in/development"} | {
    f"/search/{{search_id}}/{act}" for act in ("end", "marks", "register", "undone")
}
"""Routes of forms that no page has in the typical scene."""
BY_SCRIPT = ("/app/review", "/app/approvals")
"""Pages whose script writes into a link the page to come back to."""
SOURCES = {"script-src": "'self'", "style-src": "'self'", "connect-src": "'self'", "form-action": "'self'"}


async def answers(pages: Pages, filled: PageScene, purpose: str) -> dict[str, httpx.Response]:
    """What the first person who may open it is answered, for every page; else the answer to the first person."""
    clients = [await pages(person, purpose) for person in READERS.values()]
    found: dict[str, httpx.Response] = {}
    for address in filled.addresses():
        for client in clients:
            answer = await client.get(address.path)
            if answer.is_success or address.path not in found:
                found[address.path] = answer
            if answer.is_success:
                break
    return found


async def test_every_page_is_safe_in_a_browser(
    pages: Pages, store: Store, files: MediaStore, subtests: pytest.Subtests
) -> None:
    filled = await typical_pages(store, files)
    named: set[str | None] = set()
    pairs = 0
    for path, answer in (await answers(pages, filled, "victim identification")).items():
        with subtests.test(path=path):
            check_headers(answer)
            assert answer.status_code < 500
            if answer.headers.get("content-type", "").startswith("text/html"):
                page = PageHtml(answer.text)
                assert page.faults == []
                assert path.startswith(BY_SCRIPT) or all("next" in query_of(address) for address in page.pairs)
                pairs += len(page.pairs)
                forms = {address: form_of(address) for address in page.sent_to}
                unnamed = [address for address, form in forms.items() if form and "session" not in query_of(address)]
                assert not unnamed, "it would be recorded as done by whoever is signed in when it is sent"
                named |= set(forms.values())
    assert pairs, "no page of the scene leads to a pair"
    assert named - {None} == {route.path_format for route in page_routes("POST")} - WITHOUT_FORM


async def test_hostile_names_stay_text(
    pages: Pages, store: Store, files: MediaStore, subtests: pytest.Subtests
) -> None:
    filled = await hostile_pages(store, files)
    shown = 0
    for path, answer in (await answers(pages, filled, hostile(200))).items():
        with subtests.test(path=path):
            check_headers(answer)
            assert answer.status_code < 500
            if not answer.headers.get("content-type", "").startswith("text/html"):
                continue
            page = PageHtml(answer.text)
            assert page.faults == []
            shown += HOSTILE[:60] in page.shown
            assert html.escape("<script>canary", quote=False) in answer.text or HOSTILE[:60] not in page.shown
    assert shown >= WITH_NAMES, "the scene's names are on fewer pages than before"


def form_of(address: str) -> str | None:
    """The path of the route that takes what is sent to this address, with its parameters in braces; None for others."""
    path = urlsplit(address).path.removeprefix(PAGES)
    return next((route.path_format for route in page_routes("POST") if route.path_regex.match(path)), None)


def query_of(address: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(address).query)


def check_headers(answer: httpx.Response) -> None:
    """No script, style, form or frame of anybody else; nothing stored; no address told to others."""
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'" and policy["frame-ancestors"] == "'none'"
    if answer.headers.get("content-type", "").startswith("text/html"):
        assert policy.items() >= SOURCES.items()
        assert policy["img-src"] in ("'self'", "'self' blob:") and policy["base-uri"] == "'none'"
        assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
