"""No page moves while its pictures arrive (Cumulative Layout Shift, web.dev): each crop here comes late."""

import asyncio

import pytest
from playwright.async_api import Route

from graph.files import MediaStore
from graph.store.session import Store
from tests.integration.screens.conftest import SMALL, TABLET, Open, shifts_of
from tests.support.factories import ANNA
from tests.support.page_scene import typical_pages

pytestmark = pytest.mark.anyio

LATE_S = 0.2
LOOKED_AT = {"review", "case", "case_pictures", "search", "answer", "victim", "inbox", "picture"}


async def late(route: Route) -> None:
    await asyncio.sleep(LATE_S)
    await route.continue_()


async def test_no_page_moves_when_its_pictures_arrive(
    store: Store, files: MediaStore, open_as: Open, subtests: pytest.Subtests
) -> None:
    filled = await typical_pages(store, files)
    looked_at = [address for address in filled.addresses() if address.route in LOOKED_AT]
    assert {address.route for address in looked_at} == LOOKED_AT
    for size, routes in ((TABLET, LOOKED_AT), (SMALL, {"review", "case"})):
        page = await open_as(ANNA, size)
        await page.route("**/crop*", late)
        for address in (address for address in looked_at if address.route in routes):
            with subtests.test(page=address.route, size=size):
                await page.goto(address.path)
                await page.wait_for_load_state("networkidle")
                moved = await shifts_of(page)
                assert sum(share for share, _ in moved) < 0.01, moved
