"""The intake page in a real browser: what is no longer live does not say that it is."""

import pytest
from playwright.async_api import Route, expect

from graph.domain.people import Person, Role
from tests.integration.screens.conftest import Open

pytestmark = pytest.mark.anyio
OLGA = Person("olga@ops", frozenset({Role.OPERATOR}))


async def test_counts_that_come_no_more_are_not_live(open_as: Open) -> None:
    """While the service was away the browser went on connecting, and the page said that it was live for hours."""
    page = await open_as(OLGA)
    await page.clock.install(time=0)
    await page.clock.pause_at(3_600_000)
    answers = ["live"]

    async def answer(route: Route) -> None:
        match answers:
            case ["live"]:
                answers.clear()
                body = 'retry: 50\ndata: {"events": "7,654"}\n\n'
                await route.fulfill(status=200, content_type="text/event-stream", body=body)
            case ["over"]:
                await route.fulfill(status=401, body="session_over")
            case _:
                await route.abort()

    await page.route("**/app/intake/now", answer)
    await page.goto("/app/intake")
    state = page.locator("[data-stream]")
    await expect(page.locator("[data-count=events]")).to_have_text("7,654")
    await expect(state).to_have_text("live")
    await page.clock.run_for(20_000)
    await expect(state).to_have_text("not live: the service does not answer")
    answers.append("live")
    await expect(state).to_have_text("live")
    answers[:] = ["over"]
    await expect(state).to_have_text("not live any more: open the page again")
