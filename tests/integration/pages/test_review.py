"""The review page over HTTP: sheets as large as groups may be."""

import re

import httpx
import pytest
from fastapi import FastAPI

from graph.domain.group import SHEET_MAX
from graph.store.session import Store
from tests.integration.conftest import Pages
from tests.support.factories import ANNA, NORTH, SOUTH, Scene
from tests.support.queue import change

pytestmark = pytest.mark.anyio


async def test_the_largest_group_is_judged_in_one_act(scene: Scene, store: Store, pages: Pages) -> None:
    await change(store, "MATCH ()-[r:CANDIDATE]->() DELETE r")
    names = [f"g{number}" for number in range(SHEET_MAX)]
    for start in range(0, SHEET_MAX, 50):
        await scene.media(f"m{start}", NORTH, faces=names[start : start + 50])
    await scene.media("o", SOUTH, faces=["o"])
    await scene.group("group", NORTH, *names)
    link_id = await scene.link("g0", "o")
    anna = await pages(ANNA)
    text = (await anna.get("/app/review")).text
    assert text.count("data-face=") == SHEET_MAX + 1
    form: dict[str, list[str]] = {"decision": ["dismissed"], "reason": ["ears"]}
    for name, value in re.findall(r'name="(claim|link|face|tickable|same)" value="([^"]*)"', text):
        form.setdefault(name, []).append(value)
    answer = await anna.post("/app/review/decisions", data=form)
    assert answer.status_code == 303, answer.text[:2000]
    row = await store.read(lambda tx: tx.one("MATCH ()-[r:CANDIDATE]->() RETURN r.link_id AS id, r.state AS state"))
    assert row == {"id": link_id, "state": "dismissed"}


async def test_a_fault_of_the_service_answers_with_a_page(
    app: FastAPI, pages: Pages, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def faulty(*_: object, **__: object) -> None:
        raise RuntimeError("a fault")

    anna = await pages(ANNA)
    monkeypatch.setattr("api.pages.review.open_items", faulty)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url=anna.base_url, headers=anna.headers, cookies=anna.cookies
    ) as browser:
        answer = await browser.get("/app/review")
    assert answer.status_code == 500 and "The service failed." in answer.text and "a fault" not in answer.text
