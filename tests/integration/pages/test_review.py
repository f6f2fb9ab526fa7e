"""The review page over HTTP: sheets as large as groups may be."""

import html
import re
from datetime import UTC, datetime

import httpx
import pytest
from fastapi import FastAPI

from api.pages.review_items import BATCH
from graph.actions.decide.acts import do_act_approval
from graph.actions.decide.decision import Seen
from graph.domain import ids
from graph.domain.group import SHEET_MAX
from graph.domain.link import SecondDecision
from graph.domain.queue import CLAIMS_MAX, Filters
from graph.store.session import Store
from tests.integration.conftest import Pages, entries
from tests.support.access import access_of
from tests.support.decisions import judge as decided
from tests.support.factories import ANNA, BEN, NORTH, NOW, SOUTH, SUE, Scene, every_face
from tests.support.queue import change, claim, pairs

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


async def test_who_confirms_names_the_faces_that_the_page_showed(scene: Scene, store: Store, pages: Pages) -> None:
    link_id = await scene.link("n1", "n2")
    anna = await pages(ANNA)
    form = {"link": f"{link_id}:0", "reason": "ears", "decision": "confirmed"}
    for path in ("decisions", "previews"):
        assert (await anna.post(f"/app/review/{path}", data=form)).status_code == 422
    assert (await anna.post("/app/review/decisions", data={**form, "decision": "unsure"})).status_code == 303


async def test_every_picture_of_a_lead_to_another_district_comes(scene: Scene, store: Store, pages: Pages) -> None:
    """Its crop was refused, so that nobody could judge it, and the audit called the look a try at unknown ids."""
    anna, lead = await pages(ANNA), ids.link_id(*ids.ordered(scene.faces["n2"], scene.faces["t1"]))
    for path in ("/app/review?leads=true", f"/app/links/{lead}"):
        pictures = re.findall(r'src="(/app/faces/[^"]+)"', (await anna.get(path)).text)
        assert any(scene.faces["t1"] in picture for picture in pictures), path
        for picture in pictures:
            assert (await anna.get(html.unescape(picture))).status_code == 200, picture
    assert "access.missed" not in {entry.action for entry in await entries(store)}


async def test_a_pair_with_a_face_that_is_none_is_over_until_that_is_taken_back(scene: Scene, pages: Pages) -> None:
    """The very same pair came back, for as long as its claim lasted."""
    anna, face, script = await pages(ANNA), scene.faces["n1"], {"Sec-Fetch-Dest": "empty"}
    [claim] = re.findall(r'data-claim="([^"]+)"', (await anna.get("/app/review")).text)
    form = {"face": face, "label_version": "0", "claim": claim}
    part = (await anna.post("/app/review/no-face", data=form, headers=script)).text
    assert "Marked as no face" in part and "data-face" not in part
    assert "data-face" not in (await anna.get("/app/review")).text
    form |= {"label_version": "1", "take_back": "true"}
    part = (await anna.post("/app/review/no-face", data=form, headers=script)).text
    assert f'data-face="{face}"' in part


async def test_a_review_of_one_case_shows_that_case_and_says_where_claims_end(
    scene: Scene, store: Store, pages: Pages
) -> None:
    await change(store, "MATCH ()-[r:CANDIDATE]->() DELETE r")
    other = f"{NORTH}-other"
    await scene.case(other, "north")
    await pairs(scene, CLAIMS_MAX + 2)
    for name in ("a", "b", "c"):
        await scene.media(f"{name}n", other, faces=[f"{name}n"])
        await scene.media(f"{name}s", SOUTH, faces=[f"{name}s"])
        await scene.link(f"{name}n", f"{name}s")
    anna, script = await pages(ANNA), {"Sec-Fetch-Dest": "empty"}

    def shown(text: str) -> int:
        return len(re.findall(r'<article class="item"', text))

    assert shown((await anna.get(f"/app/review?case_id={NORTH}")).text) == BATCH
    await claim(store, CLAIMS_MAX - BATCH - 2, filters=Filters(case_id=NORTH), now=datetime.now(UTC))
    text = (await anna.get(f"/app/review?case_id={other}")).text
    assert shown(text) == 2 and NORTH not in re.findall(r"<dt>Case</dt><dd><bdi>([^<]*)", text)
    form = dict(re.findall(r'name="(claim|link|face)" value="([^"]*)"', text)[:3])
    part = await anna.post("/app/review/decisions", data=form | {"decision": "dismissed", "held": "1"}, headers=script)
    assert part.status_code == 200 and "different" in part.text, "saved, though nothing more may be claimed"

    await claim(store, 1, filters=Filters(case_id=NORTH), now=datetime.now(UTC))
    third = f"{NORTH}-third"
    await scene.case(third, "north")
    assert "Nothing of this case" in (await anna.get(f"/app/review?case_id={third}")).text
    await scene.media("tn", third, faces=["tn"])
    await scene.link("tn", "cs")
    refused = await anna.get(f"/app/review?case_id={third}")
    assert refused.status_code == 409 and "as many open items as one person may have" in refused.text


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


async def test_an_act_says_of_how_many_pairs_the_machine_spoke_and_who_decided_since(
    scene: Scene, store: Store, pages: Pages
) -> None:
    """The two persons read scores of different pairs of one act, and undo said only that one may not."""
    await scene.media("w", SOUTH, faces=["w1"])
    await decided(store, await scene.link("s1", "w1"), by=BEN)
    links = [await scene.link("n1", "s1", score=0.45), await scene.link("n1", "w1", score=0.61)]
    anna, script = await pages(ANNA), {"Sec-Fetch-Dest": "empty"}
    faces = " ".join(scene.faces[called] for called in ("n1", "s1", "w1"))
    form = {"link": " ".join(f"{link}:0" for link in links), "face": faces, "decision": "dismissed"}

    part = (await anna.post("/app/review/decisions", data=form, headers=script)).text

    assert "the machine, of 2 pairs: " in part and "(0.45 to 0.61)" in part
    [act_id] = re.findall(r'name="act_id" value="([^"]+)"', part)
    assert act_id in (await anna.get("/app/review")).text, "who opens the page again can still take it back"
    undone = await anna.post("/app/review/undone", data={"act_id": act_id}, headers=script)
    assert "Taken back." in undone.text

    form |= {"link": " ".join(f"{link}:2" for link in links), "decision": "confirmed", "reason": "ears"}
    part = (await anna.post("/app/review/decisions", data=form, headers=script)).text
    assert "data-undo" in part, part
    [act_id] = re.findall(r'name="act_id" value="([^"]+)"', part)
    query = "MATCH (:Act {act_id: $act_id})-[:WROTE]->(v) RETURN v.link_id AS link_id, v.version AS version"
    seen = [Seen(**row) for row in await store.read(lambda tx: tx.rows(query, act_id=act_id))]
    everybody = await every_face(store)
    await do_act_approval(access_of(store, SUE, NOW), act_id, seen, SecondDecision.APPROVED, "", faces=everybody)
    refused = await anna.post("/app/review/undone", data={"act_id": act_id}, headers=script)
    assert refused.status_code == 409
    told = re.sub(r"</?bdi>", "", refused.text)
    assert "This cannot be undone" in told and f"Since then {SUE.actor} decided (approved, " in told
    assert "a supervisor of north or south may take that back first." in told
