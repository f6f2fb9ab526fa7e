"""The pages of a case in a real browser: from the threads to the graph by keyboard, and files sent with and without
script."""

import pytest
from playwright.async_api import FilePayload, expect

from graph.store.session import Store
from tests.integration.pages.test_case_pages import of_case
from tests.integration.screens.conftest import Open
from tests.support.factories import ANNA, NORTH, Scene, drawn_face

pytestmark = pytest.mark.anyio

SHIFTS = """new Promise(done => new PerformanceObserver(list => done(list.getEntries().reduce((all, one) =>
  all + one.value, 0))).observe({type: "layout-shift", buffered: true}) || setTimeout(() => done(0), 300))"""
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
    assert await page.evaluate(SHIFTS) < 0.02
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


async def test_many_files_are_sent_one_after_another(scene: Scene, store: Store, open_as: Open) -> None:
    page = await open_as(ANNA)
    await page.goto(of_case(NORTH, "/upload"))
    await page.get_by_label("Legal basis").fill("law")
    await page.get_by_label("within this case only").check()
    no_picture: FilePayload = {"name": "\u202egpj.<b>x</b>", "mimeType": "image/jpeg", "buffer": b"no picture"}
    await page.locator("#file").set_input_files([file("a.jpg"), no_picture, file("bb.jpg")])
    await page.get_by_role("button", name="Add").click()
    await expect(page.locator("[data-ended]")).to_be_visible()
    sent = page.locator("[data-files] li")
    await expect(sent).to_have_count(3)
    await expect(sent.filter(has_text="stored, and on its way")).to_have_count(2)
    await expect(sent.filter(has_text="<b>x</b>").get_by_role("alert")).to_be_visible()
    assert await uploads(store) == 2


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
