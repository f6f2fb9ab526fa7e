"""Every page in a real browser: WCAG 2.2 AA by axe-core, no sideways scroll when enlarged, and nothing that executes.

Each page is examined once here, the themes and enlargements spread over the pages; REDTHREAD_SCREENS=all examines every
page in all of them, and the scene with hostile names too. Enlarged by 200 % a window of 1366 x 768 has 683 x 384 pixels
for the page, by 400 % one of 1280 x 1024 has 320 x 256 (WCAG 2.2, 1.4.10).
"""

import os
from itertools import product
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from api.sign_in.development import write_link
from graph.files import MediaStore
from graph.store.session import Store
from tests.integration.screens.conftest import SMALL, Open
from tests.support.factories import ANNA, SUE
from tests.support.page_scene import (
    NO_PAGES,
    READERS,
    PageAddress,
    PageScene,
    hostile,
    hostile_pages,
    typical_pages,
)

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(1800)]

WHOLE = os.environ.get("REDTHREAD_SCREENS") == "all"
LOOKS = list(product(("dark", "light"), (1, 2)))
"""Theme, and by how much the page is enlarged."""
REFLOW = {"width": 320, "height": 256}
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
WIDER = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const wide = [...document.body.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > width + 1);
  return wide.filter((e) => !e.closest(".scroll, .threads")).slice(0, 5).map((e) => e.outerHTML.slice(0, 120));
}"""


def shown(filled: PageScene) -> list[PageAddress]:
    return [address for address in filled.addresses() if address.route not in NO_PAGES]


async def visited(page: Page, path: str) -> bool:
    """Whether the person of the page's session may open it, and it is one."""
    answer = await page.goto(path)
    assert answer is not None and answer.headers.get("content-type", "").startswith("text/html"), (
        "name its route in NO_PAGES"
    )
    return answer.ok


def none_of(faults: list[str]) -> None:
    assert not faults, "\n".join(faults)


async def faults_of_axe(page: Page) -> list[str]:
    found = await Axe().run(page, options=RULES)
    return [
        f"{fault['id']}: {fault['help']}: {node['target']} {node['html'][:160]} {node['failureSummary']}"
        for fault in found.response["violations"]
        for node in fault["nodes"][:3]
    ]


async def examine(filled: PageScene, open_as: Open, subtests: pytest.Subtests, purpose: str) -> None:
    pages = [await open_as(person, purpose=purpose) for person in READERS.values()]
    for number, address in enumerate(shown(filled)):
        for page in pages:
            if await visited(page, address.path):
                break
        else:
            continue
        for theme, times in LOOKS if WHOLE or address.route == "parts" else [LOOKS[number % len(LOOKS)]]:
            with subtests.test(page=address.route, theme=theme, enlarged=times):
                await page.emulate_media(color_scheme=theme)
                await page.set_viewport_size({"width": SMALL[0] // times, "height": SMALL[1] // times})
                none_of(await page.evaluate(WIDER))
                none_of(await faults_of_axe(page))
        with subtests.test(page=address.route, enlarged=4):
            await page.set_viewport_size(REFLOW)
            none_of(await page.evaluate(WIDER))
        assert await page.evaluate("typeof canary") == "undefined"
        await page.set_viewport_size({"width": SMALL[0], "height": SMALL[1]})


async def test_every_page_is_accessible(
    store: Store, files: MediaStore, open_as: Open, subtests: pytest.Subtests
) -> None:
    await examine(await typical_pages(store, files), open_as, subtests, "victim identification")


@pytest.mark.usefixtures("link_id")
async def test_what_no_address_leads_to_is_accessible(open_as: Open, subtests: pytest.Subtests, tmp_path: Path) -> None:
    """The help, a refusal, the choice among users, and the first page after signing in."""
    anna, newcomer = await open_as(ANNA), await open_as(ANNA, scheme="light", purpose="")
    await newcomer.context.clear_cookies()
    link = f"/app/sign-in/link/{write_link(tmp_path / 'links', [ANNA, SUE])}"
    unstated = await open_as(ANNA, scheme="light", purpose="")
    for page, path, status in (
        (anna, "/app/review", 200),
        (anna, "/app/cases/none", 404),
        (newcomer, link, 200),
        (unstated, "/app/purpose", 200),
    ):
        answer = await page.goto(path)
        assert answer is not None and answer.status == status
        if path == "/app/review":
            await page.keyboard.press("?")
            await expect(page.get_by_role("dialog")).to_be_visible()
        with subtests.test(path=path.replace(link, "link")):
            none_of(await faults_of_axe(page))
            await page.set_viewport_size(REFLOW)
            none_of(await page.evaluate(WIDER))
            await page.set_viewport_size({"width": SMALL[0], "height": SMALL[1]})


async def test_hostile_names_neither_execute_nor_widen_a_page(
    store: Store, files: MediaStore, open_as: Open, subtests: pytest.Subtests
) -> None:
    filled = await hostile_pages(store, files)
    if WHOLE:
        return await examine(filled, open_as, subtests, hostile(200))
    pages = [await open_as(person, (360, 740), purpose=hostile(200)) for person in READERS.values()]
    for address in shown(filled):
        for page in pages:
            if await visited(page, address.path):
                with subtests.test(page=address.route):
                    assert await page.evaluate("typeof canary") == "undefined"
                    none_of(await page.evaluate(WIDER))
                break
    return None
