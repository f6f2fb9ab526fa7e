"""The inbox page: what it shows, masks, and when it is empty."""

import html
import re
from datetime import UTC, datetime

import pytest

from graph.actions.decide import contact_sheet, verdicts
from graph.actions.decide.decision import Judgement, Seen
from graph.domain.link import Decision, SecondDecision
from graph.domain.people import Person
from graph.store.session import Store
from tests.integration.conftest import Pages
from tests.support.access import access_of
from tests.support.factories import ANNA, BEN, NORTH, SOUTH, SUE, Scene, every_face

pytestmark = pytest.mark.anyio
HOSTILE = "<script>alert(1)</script> \u202e\u0301 " + "x" * 3000


async def decided(store: Store, link_id: str, *, returned: str = "", by: Person = ANNA) -> None:
    """A confirmation of now, and the return of it with this reason."""
    now, faces = datetime.now(UTC), await every_face(store)
    said = Judgement(link_id, 0, Decision.CONFIRMED, ("ears",), "first reason", faces)
    await verdicts.do_verdict(access_of(store, by, now), said)
    if returned:
        access = access_of(store, SUE, now)
        await verdicts.do_approval(access, Seen(link_id, 1), SecondDecision.RETURNED, returned, faces=faces)


async def test_a_returned_decision_is_shown_until_all_is_said_to_be_seen(
    store: Store, link_id: str, pages: Pages
) -> None:
    await decided(store, link_id, returned=HOSTILE)
    anna = await pages(ANNA)
    text = (await anna.get("/app/inbox")).text
    assert "Your decision was returned" in text and SUE.actor in text and "Judge it again" in text
    assert "&lt;script&gt;alert(1)" in text and "<script>alert" not in text
    assert "0.52" not in text and "first reason" not in text and SOUTH not in text
    assert "Your decision was returned" in (await anna.get("/app/inbox")).text, "looking ends nothing"
    assert (await anna.get("/app/inbox/count")).text == "1"

    until = re.search(r'name="until" value="([^"]+)"', text)
    assert until is not None
    since = re.search(r'name="since" value="([^"]+)"', text)
    assert since is not None
    seen = {"until": until[1], "since": since[1]}
    answer = await anna.post("/app/inbox/seen", data=seen)
    assert answer.status_code == 303
    cleared = (await anna.get(answer.headers["location"])).text
    assert "Nothing has changed since your last visit" in cleared
    assert (await anna.get("/app/inbox/count")).text == ""

    back = re.search(r'name="until" value="([^"]+)"', cleared)
    assert back is not None
    answer = await anna.post("/app/inbox/undone", data={"until": html.unescape(back[1])})
    assert (answer.status_code, answer.headers["location"]) == (303, "/app/inbox")
    assert "Your decision was returned" in (await anna.get("/app/inbox")).text, "one stray key loses nothing"
    for wrong in ("", "soon", "2999-01-01T00:00:00+00:00", "2026-01-01T00:00:00"):
        assert (await anna.post("/app/inbox/seen", data=seen | {"until": wrong})).status_code == 422
        assert (await anna.post("/app/inbox/undone", data={"until": wrong})).status_code == 422


async def test_all_pairs_of_an_act_are_named(scene: Scene, pages: Pages) -> None:
    links = [await scene.link(face, "s1") for face in ("n1", "n2")]
    seen = tuple(Seen(link_id, 0) for link_id in links)
    sheet = contact_sheet.SheetJudgement(seen, Decision.DISMISSED, ("ears",), "")
    await contact_sheet.do_act(access_of(scene.store, BEN, datetime.now(UTC)), sheet)
    text = (await (await pages(ANNA)).get("/app/inbox")).text
    assert "2 pairs judged to be different people" in text
    assert all(f"/app/links/{link_id}" in text for link_id in links)


async def test_a_decision_of_the_other_district_hides_who_and_where(store: Store, link_id: str, pages: Pages) -> None:
    await decided(store, link_id, by=BEN)
    text = (await (await pages(ANNA)).get("/app/inbox")).text
    assert "Judged to be the same person" in text and "investigator of south" in text and NORTH in text
    assert BEN.actor not in text and SOUTH not in text
    danish = (await (await pages(ANNA)).get("/app/inbox", headers={"Accept-Language": "da"})).text
    assert "efterforsker i south" in danish


async def test_new_candidates_lead_to_the_review_of_their_case(scene: Scene, pages: Pages) -> None:
    name = 'local:"><b>\u05d0 ' + "y" * 80
    await scene.case(name)
    await scene.media("v", name, faces=["v1"], urgency="urgent")
    await scene.link("v1", "n1")
    now = datetime.now(UTC).isoformat()
    await scene.store.write(lambda tx: tx.do("MATCH ()-[r:CANDIDATE]->() SET r.proposed_at = $now", now=now))
    text = (await (await pages(ANNA)).get("/app/inbox")).text
    assert "urgent · 1" in text and "<b>\u05d0" not in text and "review?case_id=local%3A%22%3E%3Cb%3E" in text
    supervisor = (await (await pages(SUE)).get("/app/inbox")).text
    assert "urgent · 1" in supervisor and "Review this case" not in supervisor
