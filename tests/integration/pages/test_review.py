"""The review page over HTTP: sheets as large as groups may be."""

import re

import pytest

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
