"""Approvals in a real browser: a whole approval by keyboard alone, and without script."""

import pytest
from playwright.async_api import expect

from graph.domain.people import Person
from graph.store.session import Store
from tests.integration.screens.conftest import Open, chord, press_verdict
from tests.integration.screens.test_review import states
from tests.support.decisions import judge
from tests.support.factories import ANNA, NORTH, SUE, Scene
from tests.support.queue import change

pytestmark = pytest.mark.anyio
BOB = Person("bob@north", ANNA.roles, "north")


async def confirmed_pairs(scene: Scene, number: int) -> None:
    """So many pairs that one person has confirmed, each by an act of its own."""
    await change(scene.store, "MATCH ()-[r:CANDIDATE]->() DELETE r")
    for place in range(number):
        await scene.media(f"p{place}", NORTH, faces=[f"p{place}"])
        await scene.media(f"q{place}", NORTH, faces=[f"q{place}"])
        await judge(scene.store, await scene.link(f"p{place}", f"q{place}"), by=BOB if place % 2 else ANNA)


async def test_a_whole_approval_by_keyboard(scene: Scene, store: Store, open_as: Open) -> None:
    await confirmed_pairs(scene, 8)
    page = await open_as(SUE)
    await page.goto("/app/review")
    await expect(page.get_by_role("alert")).to_contain_text("may not")
    await chord(page, "g", "a")
    item = page.locator("article.item:not([hidden])")
    await expect(item.locator(".face")).to_have_count(2)
    await expect(item.locator("[data-tool=zoom]")).to_be_visible()
    await press_verdict(page, "r")
    await expect(item.locator("[data-consequence]")).to_contain_text("needs a reason")
    first = await item.get_attribute("data-claim")
    await press_verdict(page, "s")
    await expect(page.locator("#last")).to_contain_text("approved")
    await expect(page.locator("#last")).to_contain_text("ears +")
    assert await item.get_attribute("data-claim") != first
    await page.keyboard.press("t")
    await page.keyboard.type("the ears differ")
    await page.keyboard.press("Tab")
    await press_verdict(page, "r")
    await expect(page.locator("#last")).to_contain_text("stay hidden")
    assert await states(store) == {"approved": 1, "confirmed": 6, "returned": 1}
    await press_verdict(page, "l")
    await expect(page.locator("#last")).to_contain_text("Put aside")
    await press_verdict(page, "s")
    await expect(page.locator("#last")).to_contain_text("approved")
    await page.reload()
    await expect(page.locator("#last")).to_contain_text("ears +")
    again = await item.get_attribute("data-claim")
    await page.keyboard.press("Backspace")
    await expect(page.locator("#last")).to_contain_text("Taken back")
    assert await states(store) == {"approved": 1, "confirmed": 6, "returned": 1}
    assert await item.get_attribute("data-claim") != again
    for left in range(4, -1, -1):  # six wait, of which one was put aside
        await press_verdict(page, "s")
        if left:
            await expect(page.locator("article.item")).to_have_count(left)
    await expect(page.locator("#nothing")).to_be_visible()
    assert await states(store) == {"approved": 6, "confirmed": 1, "returned": 1}
    await page.keyboard.press("i")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("approved by two persons")


async def test_an_approval_without_script(scene: Scene, store: Store, open_as: Open) -> None:
    await confirmed_pairs(scene, 2)
    page = await open_as(SUE, script=False)
    await page.goto("/app/approvals")
    await page.get_by_role("button", name="Later").click()
    await expect(page.locator("#last")).to_contain_text("Put aside")
    await page.get_by_role("button", name="approve").click()
    await expect(page.locator("#last")).to_contain_text("approved")
    await expect(page.locator("#nothing")).to_be_visible()
    await page.get_by_role("button", name="undo").click()
    await expect(page.locator("#last")).to_contain_text("Taken back")
    assert await states(store) == {"confirmed": 2}


async def test_what_changed_before_the_decision_is_shown_again_and_not_called_done(
    scene: Scene, store: Store, open_as: Open
) -> None:
    """The last item was refused because it had changed, and the page said that nothing waits."""
    await confirmed_pairs(scene, 1)
    page = await open_as(SUE)
    await page.goto("/app/approvals")
    await expect(page.locator("[data-tool=zoom]")).to_be_visible()
    await change(store, "MATCH ()-[r:CANDIDATE]->() SET r.version = r.version + 1")
    await press_verdict(page, "s")
    await expect(page.locator("#trouble")).to_contain_text("nothing new was saved")
    await expect(page.locator("#nothing")).to_be_hidden()
    await page.keyboard.press("Enter")
    await expect(page.locator("#trouble")).to_be_empty()
    await expect(page.locator("article.item:not([hidden])")).to_have_count(1)
    await press_verdict(page, "s")
    await expect(page.locator("#last")).to_contain_text("approved")
    await expect(page.locator("#nothing")).to_be_visible()
    assert await states(store) == {"approved": 1}
