"""Claims on the pages: whose item it is, and what happened to one that is over."""

import re

import pytest

from graph.store.session import Store
from tests.integration.conftest import PURPOSE, Pages, entries
from tests.support.factories import ANNA, BEN, NORTH, Scene
from tests.support.queue import judge

pytestmark = pytest.mark.anyio


def form_of(page: str, **more: str) -> dict[str, str]:
    """The form of the first item, with its claim, as a person sends it."""
    fields = dict(re.findall(r'name="(claim|link|face)" value="([^"]*)"', page))
    assert fields["claim"], page
    return {**fields, "decision": "dismissed", **more}


async def test_what_somebody_else_holds_is_refused_with_who_and_until_when(scene: Scene, pages: Pages) -> None:
    await scene.link("n1", "s1")
    anna, ben = await pages(ANNA), await pages(BEN)
    form = form_of((await anna.get("/app/review")).text)

    refused = await ben.post("/app/review/decisions", data={**form, "claim": ""})

    assert refused.status_code == 409
    assert "Somebody else is judging this now; yours was not saved." in refused.text
    assert re.search(r"Until .* at the latest, investigator of north is judging this\.", refused.text)
    assert (await anna.post("/app/review/decisions", data=form)).status_code == 303


async def test_a_claim_is_the_purpose_of_its_own_item_alone(scene: Scene, store: Store, pages: Pages) -> None:
    """What was judged under the claim of another item stood in the audit as judged under that claim."""
    await scene.media("m", NORTH, faces=["m1"])
    other = await scene.link("m1", "s1")
    anna = await pages(ANNA)
    page = (await anna.get("/app/review")).text
    forms = [form for form in page.split("<form") if 'name="claim"' in form]
    [its, another] = sorted((form_of(form) for form in forms), key=lambda form: other not in form["link"])
    for form, claim in [(its, another["claim"]), (another, another["claim"])]:
        assert (await anna.post("/app/review/decisions", data={**form, "claim": claim})).status_code == 303
    judged = [entry.purpose for entry in await entries(store) if entry.action == "links.judged"]
    assert judged == [PURPOSE, f"claim:{another['claim']}"]


async def test_a_verdict_after_its_claim_is_stored_or_says_who_was_first(
    scene: Scene, store: Store, pages: Pages
) -> None:
    """A claim that was gone answered `There is no such page or thing`, and the verdict with its words was lost."""
    link_id = await scene.link("n1", "s1")
    anna = await pages(ANNA)
    form = form_of((await anna.get("/app/review")).text, claim="f" * 32)

    assert (await anna.post("/app/review/previews", data=form)).status_code == 200
    assert (await anna.post("/app/review/decisions", data={**form, "decision": "unsure"})).status_code == 303

    again = await anna.post("/app/review/decisions", data=form)
    assert again.status_code == 409
    assert "You acted first yourself, in another window or by pressing twice (unsure, " in again.text
    later = await anna.post("/app/review/decisions", data={**form, "decision": "later"})
    assert later.status_code == 303
    await judge(store, link_id, "dismissed", version=1)
