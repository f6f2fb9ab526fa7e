"""The pages of a case in a real browser: from the threads to the graph by keyboard, and files sent with and without
script."""

import asyncio
import re

import pytest
from playwright.async_api import FilePayload, Page, Route, expect

from graph.store.session import Store
from tests.integration.pages.test_case_pages import of_case
from tests.integration.screens.conftest import Open, shifts_of
from tests.support.decisions import outbox
from tests.support.factories import ANNA, NORTH, Scene, drawn_face

pytestmark = pytest.mark.anyio

DROP = """(bytes) => {
  const good = new File([new Uint8Array(bytes)], "good.jpg", {type: "image/jpeg"});
  const entries = [
    {isFile: true, name: "locked.jpg", file: (done, fail) => fail(new Error("locked"))},
    {isFile: true, name: "good.jpg", file: (done) => done(good)},
  ];
  const folder = {name: "folder", createReader: () => ({readEntries: (done) => done(entries.splice(0))})};
  const event = new Event("drop", {cancelable: true});
  event.dataTransfer = {items: [{webkitGetAsEntry: () => folder}]};
  document.querySelector("[data-drop]").dispatchEvent(event);
}"""
UPLOADS = "MATCH (u:Upload) RETURN count(u) AS number"


def file(name: str) -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": drawn_face(len(name))}


async def uploads(store: Store) -> int:
    row = await store.read(lambda tx: tx.one(UPLOADS))
    return row["number"] if row else 0


async def test_from_the_list_to_the_graph_and_back_by_keyboard(scene: Scene, open_as: Open) -> None:
    page = await open_as(ANNA)
    await page.goto("/app/cases")
    await page.keyboard.press("Enter")
    await expect(page.locator("table.threads")).to_contain_text("Person 1")
    assert sum(share for share, _ in await shifts_of(page)) < 0.02
    await page.keyboard.press("v")
    await expect(page.locator("[data-graph-tools]")).to_be_visible()
    drawing = page.locator("svg[data-view]")
    await drawing.focus()
    await page.keyboard.press("ArrowRight")
    first = await page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert first == NORTH
    for key in ("ArrowRight", "ArrowUp", "ArrowDown", "ArrowLeft"):
        await page.keyboard.press(key)
        if await page.evaluate("document.activeElement.getAttribute('aria-label')") != first:
            break
    other = await page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert other in ("person 1", "held by south")
    whole = await drawing.get_attribute("viewBox")
    await page.keyboard.press("+")
    assert await drawing.get_attribute("viewBox") != whole
    await page.keyboard.press("0")
    assert await drawing.get_attribute("viewBox") == whole
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/graph?focus=*")
    await page.keyboard.press("Escape")
    await expect(page.locator("table.threads")).to_be_visible()


async def to_upload(page: Page) -> None:
    """Opens the page to add pictures, with what it asks for filled in."""
    await page.goto(of_case(NORTH, "/upload"))
    await page.get_by_label("Legal basis").fill("law")
    await page.get_by_label("within this case only").check()


async def add(page: Page, *files: FilePayload) -> None:
    if files:
        await page.locator("#file").set_input_files(files)
    await page.get_by_role("button", name="Add", exact=True).click()


async def test_many_files_are_sent_one_after_another_and_none_is_left_out_unsaid(
    scene: Scene, store: Store, open_as: Open
) -> None:
    """A refused file counted as sent, and one that was empty or hidden was in no list."""
    page = await open_as(ANNA)
    await to_upload(page)
    no_picture: FilePayload = {"name": "\u202egpj.<b>x</b>", "mimeType": "image/jpeg", "buffer": b"no picture"}
    empty: FilePayload = {"name": "empty.jpg", "mimeType": "image/jpeg", "buffer": b""}
    await add(page, file("a.jpg"), no_picture, empty, file(".hidden.jpg"), file("bb.jpg"))
    await expect(page.locator("[data-partly]")).to_be_visible()
    await expect(page.locator("[data-ended]")).to_be_hidden()
    sent = page.locator("[data-files] li")
    await expect(sent).to_have_count(5)
    await expect(sent.filter(has_text="stored, and on its way")).to_have_count(2)
    await expect(sent.filter(has_text="<b>x</b>").get_by_role("alert")).to_be_visible()
    await expect(sent.filter(has_text="empty.jpg")).to_contain_text("left out: the file is empty")
    await expect(sent.filter(has_text=".hidden.jpg")).to_contain_text("left out: a hidden file")
    counted = "3 / 3 · stored: 2 · refused: 1 · left out: 2"
    await expect(page.get_by_role("status")).to_contain_text(counted, use_inner_text=True)
    assert await uploads(store) == 2


async def test_files_keep_the_fields_that_were_stated_for_them(scene: Scene, store: Store, open_as: Open) -> None:
    """Those that waited were stored under what the form said when they were sent: the exhibit of the next files."""
    page = await open_as(ANNA)
    await to_upload(page)
    typed = asyncio.Event()

    async def wait(route: Route) -> None:
        await typed.wait()
        await route.continue_()

    await page.route("**/upload?*", wait)
    exhibit = page.get_by_label("Exhibit number")
    await exhibit.fill("14/3")
    async with page.expect_request("**/upload?*"):
        await add(page, file("a.jpg"), file("bb.jpg"))
    await exhibit.fill("14/4")
    await add(page, file("ccc.jpg"))
    await exhibit.fill("14/")
    typed.set()
    await expect(page.locator("[data-ended]")).to_be_visible()
    assert [event["exhibit"] for event in await outbox(store, "media")] == ["14/3", "14/3", "14/4"]


async def test_files_wait_for_what_has_to_be_stated(scene: Scene, store: Store, open_as: Open) -> None:
    page = await open_as(ANNA)
    await page.goto(of_case(NORTH, "/upload"))
    await page.wait_for_load_state()
    await page.evaluate(DROP, list(drawn_face()))
    await expect(page.locator("[data-sent]")).to_have_text("0")
    await page.get_by_label("Legal basis").fill("law")
    await page.get_by_label("within this case only").check()
    await add(page)
    await expect(page.locator("[data-partly]")).to_be_visible()
    assert [event["legal_basis"] for event in await outbox(store, "media")] == ["law"]


async def test_no_file_stops_those_after_it_and_what_was_not_saved_is_sent_again(
    scene: Scene, store: Store, open_as: Open
) -> None:
    """A file that made the service fail was sent for ever; one on its way when the session ended was never sent."""
    page = await open_as(ANNA)
    await to_upload(page)
    answers = [500, 507, 0, 401]

    async def answer(route: Route) -> None:
        status = answers.pop(0) if answers else 0
        await (route.fulfill(status=status, body="no page of ours") if status else route.continue_())

    await page.route("**/upload?*", answer)
    await add(page, file("a.jpg"), file("bb.jpg"), file("ccc.jpg"), file("dddd.jpg"))
    sent = page.locator("[data-files] li")
    await expect(page.locator("[data-over]")).to_be_visible()
    await expect(sent.filter(has_text="not saved: the service does not answer")).to_have_count(2)
    await expect(sent.filter(has_text="dddd.jpg")).to_contain_text("not sent yet")
    assert await uploads(store) == 1

    await add(page)
    await expect(sent.filter(has_text="dddd.jpg")).to_contain_text("stored, and on its way")
    await expect(page.locator("[data-over]")).to_be_hidden()
    await page.get_by_role("button", name="Send those again").click()
    await expect(page.locator("[data-ended]")).to_be_visible()
    await expect(sent.filter(has_text="stored, and on its way")).to_have_count(4)
    await expect(sent).to_have_count(4)
    assert await uploads(store) == 4


async def test_a_service_that_stays_away_is_asked_for_a_minute(scene: Scene, store: Store, open_as: Open) -> None:
    page = await open_as(ANNA)
    await page.clock.install()
    await to_upload(page)
    asked: list[str] = []

    async def away(route: Route) -> None:
        asked.append(route.request.url)
        await route.fulfill(status=503)

    await page.route("**/upload?*", away)
    await add(page, file("a.jpg"))
    again = page.get_by_role("button", name="Send those again")
    while await again.is_hidden():
        await page.clock.run_for(3_000)
    assert len(asked) == 20
    await page.unroute("**/upload?*")
    await again.click()
    await expect(page.locator("[data-ended]")).to_be_visible()
    assert await uploads(store) == 1


async def test_what_cannot_be_read_of_a_drop_is_named_and_the_rest_is_sent(
    scene: Scene, store: Store, open_as: Open
) -> None:
    """One file of a folder that could not be read ended the drop without a word."""
    page = await open_as(ANNA)
    await to_upload(page)
    await page.evaluate(DROP, list(drawn_face()))
    await expect(page.locator("[data-partly]")).to_be_visible()
    sent = page.locator("[data-files] li")
    await expect(sent.filter(has_text="left out: it could not be read")).to_have_text(re.compile("locked"))
    await expect(sent.filter(has_text="good.jpg")).to_contain_text("stored, and on its way")
    assert await uploads(store) == 1


async def test_one_file_without_script(scene: Scene, store: Store, open_as: Open) -> None:
    page = await open_as(ANNA, script=False)
    await page.goto(of_case(NORTH, "/upload"))
    await page.get_by_label("Legal basis").fill("law")
    await page.get_by_label("with all cases").check()
    await page.get_by_label("Day on which they were taken").fill("2020-02-03")
    await page.locator("#file").set_input_files([file("a.jpg")])
    await page.get_by_role("button", name="Add").click()
    await page.get_by_role("link", name="The file is stored, and on its way.").click()
    await expect(page.locator("main")).to_contain_text("it is not compared yet")
    assert await uploads(store) == 1
