"""A whole search in a real browser: by keyboard alone, and with a picture that stays beside its answer."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from graph.actions.read import search
from graph.domain.errors import StoreUnavailable
from graph.store.session import Store
from tests.integration.screens.conftest import ALL_ANSWERED, PICTURES_CAME, Open, chord
from tests.support.factories import ANNA, NORTH, Scene, drawn_face

pytestmark = pytest.mark.anyio
FIRST_DIGEST_WAITS = """{
  const digest = crypto.subtle.digest.bind(crypto.subtle);
  let chosen = 0;
  crypto.subtle.digest = async (...of) => {
    chosen += 1;
    if (chosen > 1) return digest(...of);
    return new Promise((done) => {
      window.digestFirst = async () => {
        done(await digest(...of));
        await document.querySelector(".picture img").decode();
        await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
      };
    });
  };
}"""
MOVED = "new Promise((done) => document.addEventListener('pointermove', () => done(), { once: true }))"
ASKED = "MATCH (s:Search) RETURN s.search_id AS id, s.within AS within"
CONFIRMED = "MATCH ()-[r:CANDIDATE {state: 'confirmed'}]->() RETURN count(r) AS number"


async def press(page: Page, key: str) -> None:
    """Presses a key once the page listens to keys."""
    await page.wait_for_load_state()
    await page.keyboard.press(key)


async def test_a_whole_search_by_keyboard(scene: Scene, store: Store, open_as: Open) -> None:
    page = await open_as(ANNA)
    await page.goto(f"/app/search?face={scene.faces['n1']}")
    await press(page, "r")
    await expect(page.get_by_label("In the whole register")).to_be_checked()
    await page.get_by_label("Legal basis").focus()
    await page.keyboard.type("StPO 98c")
    await press(page, "Enter")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Being compared")
    asked = await store.read(lambda tx: tx.one(ASKED))
    assert asked is not None and asked["within"] == "register"

    await scene.answer(asked["id"], [("t1", 0.6), ("s1", 0.52)], "n1")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Leads to")  # without a key: it comes by itself
    await press(page, "1")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Is this person")
    await page.evaluate(PICTURES_CAME)
    await press(page, "s")
    await expect(page.locator(".consequence")).to_contain_text("at least one feature")
    await press(page, "e")
    await expect(page.locator(".consequence")).to_contain_text("joins 2 faces of")
    await press(page, "z")
    await expect(page.locator("html")).to_have_class("zoomed")
    await press(page, "w")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Wider view")
    await press(page, "Escape")  # leaves the field of the reason
    await press(page, "Escape")
    await expect(page.locator("[data-feature=ears]")).to_have_attribute("aria-pressed", "true")
    await page.evaluate(PICTURES_CAME)
    await press(page, "s")
    await expect(page.locator(".last")).to_contain_text("same person, by one person")
    assert await store.read(lambda tx: tx.one(CONFIRMED)) == {"number": 1}
    await press(page, "Backspace")
    await expect(page.locator(".last")).to_have_count(0)
    assert await store.read(lambda tx: tx.one(CONFIRMED)) == {"number": 0}
    await press(page, "y")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Look yourself")
    await press(page, "Escape")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Leads to")
    await chord(page, "g", "s")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Searches so far")


async def test_a_picture_stays_beside_its_answer_and_a_missed_face_is_marked_in_it(
    scene: Scene, store: Store, open_as: Open, tmp_path: Path
) -> None:
    picture = tmp_path / "a.jpg"
    picture.write_bytes(drawn_face(200))
    page = await open_as(ANNA)
    await page.goto("/app/search")
    await page.set_input_files("#file", picture)
    await page.get_by_label("For which case?").fill(NORTH)
    await page.get_by_label("Legal basis").fill("StPO 98c")
    await page.get_by_role("button", name="Start the search").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Being compared")
    asked = await store.read(lambda tx: tx.one(ASKED))
    assert asked is not None
    await expect(page).to_have_url(re.compile(f"/app/search/{asked['id']}$"))

    await scene.media("a", NORTH, faces=["mine"], data=picture.read_bytes())
    await scene.answer(asked["id"], [("s1", 0.52)], "mine")
    await expect(page.locator(".picture img")).to_be_visible()
    await expect(page.locator(".picture rect")).to_have_count(1)
    await page.locator(".picture rect").click()
    await expect(page.get_by_role("button", name="Search for this one alone")).to_be_focused()

    await page.get_by_text("Mark a face that was missed").click()
    for label, value in (("Left", "301"), ("Top", "200"), ("Width", "60"), ("Height", "80")):
        await page.get_by_label(label, exact=True).fill(value)
    await expect(page.locator(".picture rect.drawn")).to_have_count(1)
    await page.get_by_role("button", name="Mark this face").click()
    await expect(page.locator("#answer")).to_contain_text("A face that you marked is being compared")
    await expect(page.locator(".picture img")).to_be_visible()


async def test_a_face_that_was_not_found_is_drawn_by_pointer_by_keys_and_by_numbers(
    scene: Scene, store: Store, open_as: Open, tmp_path: Path
) -> None:
    picture = tmp_path / "a.jpg"
    picture.write_bytes(drawn_face(200))
    page = await open_as(ANNA)
    await page.goto("/app/search")
    await page.set_input_files("#file", picture)
    await page.get_by_label("For which case?").fill(NORTH)
    await page.get_by_label("Legal basis").fill("StPO 98c")
    await page.get_by_role("button", name="Start the search").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Being compared")
    asked = await store.read(lambda tx: tx.one(ASKED))
    assert asked is not None
    await scene.media("a", NORTH, faces=[], data=picture.read_bytes())
    await scene.answer(asked["id"], [], None)
    await expect(page.get_by_text("No face was found in your picture")).to_be_visible()
    await expect(page.get_by_text("Draw a box around the face")).to_be_visible()
    drawn = page.locator(".picture rect.drawn")

    async def box() -> list[int]:
        return [int(await field.input_value() or 0) for field in await page.locator("input[name=box]").all()]

    width, height = await page.locator(".picture img").evaluate("image => [image.naturalWidth, image.naturalHeight]")
    canvas = await page.locator(".picture svg").bounding_box()
    assert canvas is not None
    corners = [(canvas["x"] + canvas["width"] * at, canvas["y"] + canvas["height"] * at) for at in (0.25, 0.75, 0.5)]
    await page.mouse.move(*corners[0])
    await page.mouse.down()
    await page.mouse.move(*corners[1])
    await page.mouse.up()
    await expect(drawn).to_have_count(1)
    found = zip(await box(), (width / 4, height / 4, width / 2, height / 2), strict=True)
    assert all(abs(value - expected) <= 2 for value, expected in found)
    await page.mouse.click(*corners[0])  # without dragging: two corners
    await page.mouse.click(*corners[2])
    left, top, wide, high = before = await box()
    assert abs(wide - width / 4) <= 2 and abs(high - height / 4) <= 2

    await press(page, "p")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Shift+ArrowDown")
    after = await box()
    assert (after[0] > left, after[1], after[2], after[3] > high) == (True, top, wide, True), (before, after)
    await page.get_by_label("Left", exact=True).fill("3")
    await expect(drawn).to_have_attribute("x", "3")
    await press(page, "Tab")
    await page.get_by_role("button", name="Draw with the keys").click()
    await page.keyboard.press("Enter")
    await expect(page.locator("#answer")).to_contain_text("A face that you marked is being compared")


async def test_a_search_without_script(scene: Scene, store: Store, open_as: Open) -> None:
    page = await open_as(ANNA, script=False)
    await page.goto(f"/app/search?face={scene.faces['n1']}")
    await page.get_by_label("Legal basis").fill("StPO 98c")
    await page.get_by_role("button", name="Start the search").click()
    await expect(page.get_by_role("link", name="Look now")).to_be_visible()
    asked = await store.read(lambda tx: tx.one(ASKED))
    assert asked is not None
    await scene.answer(asked["id"], [("s1", 0.52)], "n1")
    await page.get_by_role("link", name="Look now").click()
    await page.get_by_role("link", name="Judge this pair").click()
    await page.get_by_label("ears", exact=True).select_option("ears")
    await page.get_by_role("button", name="Same person").click()
    await expect(page.locator(".last")).to_contain_text("same person, by one person")


async def test_a_search_that_was_saved_is_not_asked_twice(scene: Scene, store: Store, open_as: Open) -> None:
    """What failed after the search was saved, such as the page of its answer, sent the question again."""
    page = await open_as(ANNA)
    await page.goto("/app/search")
    failed: list[str] = []

    async def fail_once(route: Route) -> None:
        if failed:
            await route.continue_()
        else:
            failed.append(route.request.url)
            await route.abort()

    await page.route(re.compile(r"/app/search/[0-9a-f]+\?session="), fail_once)
    await page.locator("#file").set_input_files([{"name": "a.jpg", "mimeType": "image/jpeg", "buffer": drawn_face()}])
    await page.get_by_label("For which case?").fill(NORTH)
    await page.get_by_label("Legal basis").fill("StPO 98c")
    await page.get_by_role("button", name="Start the search").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Being compared")
    [search] = await store.read(lambda tx: tx.rows(ASKED))
    await expect(page).to_have_url(re.compile(f"/app/search/{search['id']}$"))
    assert [address.partition("?")[0] for address in failed] == [page.url]


async def choose(page: Page, data: bytes) -> None:
    await page.locator("#file").set_input_files([{"name": "a.jpg", "mimeType": "image/jpeg", "buffer": data}])


async def to_search(page: Page, data: bytes) -> None:
    """Chooses a picture, and fills in what a search asks for."""
    await page.goto("/app/search")
    await choose(page, data)
    await page.get_by_label("For which case?").fill(NORTH)
    await page.get_by_label("Legal basis").fill("StPO 98c")


async def test_a_search_whose_answer_was_lost_is_not_asked_twice(
    scene: Scene, store: Store, open_as: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page sent it again, and the service took it for another: one more open search that nobody knew of."""
    ask, lost = search.ask_with_picture, [StoreUnavailable("saved all the same")]

    async def ask_and_fail_once(*question: Any) -> str:
        search_id = await ask(*question)
        if lost:
            raise lost.pop()
        return search_id

    monkeypatch.setattr(search, "ask_with_picture", ask_and_fail_once)
    page = await open_as(ANNA)
    await to_search(page, drawn_face())
    await page.get_by_role("button", name="Start the search").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Being compared")
    [saved] = await store.read(lambda tx: tx.rows(ASKED))
    assert not lost
    await expect(page).to_have_url(re.compile(f"/app/search/{saved['id']}$"))


async def test_an_answer_that_is_not_of_the_pages_is_not_shown(scene: Scene, open_as: Open) -> None:
    page = await open_as(ANNA)
    await to_search(page, drawn_face())
    statuses = [500, 200]

    async def answer(route: Route) -> None:
        body = "<h1 id='foreign'>Bad gateway</h1>"
        await route.fulfill(status=statuses.pop(0), content_type="text/html", body=body)

    await page.route("**/app/search?session=*", answer)
    while statuses:
        await page.get_by_role("button", name="Start the search").click()
        await expect(page.locator("#trouble")).to_contain_text("The service failed")
        await expect(page.locator("#foreign")).to_have_count(0)
        await page.locator("#trouble").evaluate("trouble => trouble.replaceChildren()")


async def test_the_picture_chosen_last_is_the_one_beside_the_answer(scene: Scene, store: Store, open_as: Open) -> None:
    """The digest of a larger picture, chosen just before, came last and was taken for that of the shown one."""
    first, second = drawn_face(200), drawn_face(201)
    page = await open_as(ANNA)
    await page.add_init_script(FIRST_DIGEST_WAITS)
    await to_search(page, first)
    await page.wait_for_function("window.digestFirst")
    await choose(page, second)
    await page.get_by_role("button", name="Start the search").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Being compared")
    [asked] = await store.read(lambda tx: tx.rows(ASKED))
    await scene.media("a", NORTH, faces=["mine"], data=second)
    await scene.answer(asked["id"], [("s1", 0.52)], "mine")
    await expect(page.locator(".picture rect")).to_have_count(1)
    await page.evaluate("window.digestFirst()")
    await expect(page.locator(".picture rect")).to_have_count(1)


async def test_a_page_that_nobody_works_on_asks_nothing_by_itself(scene: Scene, store: Store, open_as: Open) -> None:
    """A search that waited kept the session alive, and wrote that its answer was seen, every 15 seconds for hours."""
    page = await open_as(ANNA)
    await page.clock.install(time=0)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "?session=" in request.url else None)
    await page.goto(f"/app/search?face={scene.faces['n1']}")
    await page.get_by_label("Legal basis").fill("StPO 98c")
    await page.get_by_role("button", name="Start the search").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Being compared")
    await page.wait_for_load_state()  # from now on the page knows when somebody last worked on it
    await page.clock.pause_at(3_600_000)
    await page.clock.run_for(15_000)
    await page.evaluate(ALL_ANSWERED)  # one that was asked for just before has come
    asked.clear()
    await page.clock.run_for(60_000)
    assert asked == []
    moved = asyncio.create_task(page.evaluate(MOVED))
    await page.mouse.move(200, 200)
    await moved
    async with page.expect_request(re.compile(r"/app/search/[0-9a-f]+\?session=")):
        await page.clock.run_for(15_000)
