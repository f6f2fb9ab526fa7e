"""Claims on the pages: whose item it is, and what happened to one that is over."""

import re

import pytest

from graph.store.session import Store
from tests.integration.conftest import Pages
from tests.support.factories import ANNA, BEN, Scene
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
    assert re.search(r"Investigator of .*north.* is judging this, until .* at the latest\.", refused.text)
    assert (await anna.post("/app/review/decisions", data=form)).status_code == 303


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
