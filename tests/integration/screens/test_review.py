"""The review page in a real browser: by keyboard alone, without script, and without a jump."""

import pytest
from playwright.async_api import expect

from graph.store.session import Store
from tests.integration.conftest import entries
from tests.integration.screens.conftest import Open
from tests.support.factories import ANNA, Scene
from tests.support.queue import change, pairs

pytestmark = pytest.mark.anyio

WITHOUT_LINKS = "MATCH ()-[r:CANDIDATE]->() DELETE r"
STATE = "MATCH ()-[r:CANDIDATE]->() RETURN r.state AS state, count(*) AS number ORDER BY state"


async def states(store: Store) -> dict[str, int]:
    rows = await store.read(lambda tx: tx.rows(STATE))
    return {row["state"]: row["number"] for row in rows}


async def test_a_whole_review_by_keyboard(scene: Scene, store: Store, open_as: Open) -> None:
    await change(store, WITHOUT_LINKS)
    await pairs(scene, 4)
    page = await open_as(ANNA)
    await page.goto("/app/review")
    item = page.locator("article.item:not([hidden])")
    await expect(item.locator("[data-consequence]")).to_contain_text("joins 2 faces of 1 case")
    await page.keyboard.press("s")
    await expect(item.locator("[data-consequence]")).to_contain_text("at least one feature")
    await page.keyboard.press("e")
    await page.keyboard.press("h")
    await page.keyboard.press("h")
    first = await item.get_attribute("data-claim")
    await page.keyboard.press("s")
    await expect(page.locator("#last")).to_contain_text("same person")
    assert await item.get_attribute("data-claim") != first
    await page.keyboard.press("d")
    await expect(page.locator("#last")).to_contain_text("different")
    assert await states(store) == {"candidate": 2, "confirmed": 1, "dismissed": 1}
    await page.keyboard.press("Backspace")
    await expect(page.locator("#last")).to_contain_text("Taken back")
    assert await states(store) == {"candidate": 3, "confirmed": 1}
    await page.keyboard.press("u")
    await expect(page.locator("#last")).to_contain_text("stays hidden")
    await page.keyboard.press("l")
    await expect(page.locator("#last")).to_contain_text("Put aside")
    await page.keyboard.press("d")
    await expect(page.locator("#nothing")).to_be_visible()
    assert await page.locator("#trouble").inner_text() == ""
    assert await states(store) == {"candidate": 1, "confirmed": 1, "dismissed": 1, "unsure": 1}
    said = await store.read(lambda tx: tx.one("MATCH (v:Verdict {decision: 'confirmed'}) RETURN v.reasons AS reasons"))
    assert said is not None and sorted(said["reasons"]) == ["against:hair", "ears"]
    assert {"queue.claimed", "face.seen", "act.previewed", "links.judged"} <= {e.action for e in await entries(store)}


async def test_a_verdict_without_script(scene: Scene, store: Store, open_as: Open) -> None:
    await change(store, WITHOUT_LINKS)
    await pairs(scene, 2)
    page = await open_as(ANNA, script=False)
    await page.goto("/app/review")
    item = page.locator("article.item:not([hidden])")
    await item.get_by_label("ears", exact=True).select_option("ears")
    await item.get_by_role("button", name="Same person").click()
    await expect(page.locator("#last")).to_contain_text("same person")
    await page.get_by_role("button", name="undo").click()
    await expect(page.locator("#last")).to_be_empty()
    assert await states(store) == {"candidate": 2}
