"""The pages in a real browser: Debian's Chromium, driven by Playwright, against the service on a port of this process.

Where there is no Chromium the tests skip and say so; REDTHREAD_CHROMIUM names another than the one in the path.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.async_api import Browser, Page, async_playwright, expect

from api.main import listen
from api.pages.gate import COOKIE
from graph.domain.people import Person
from graph.store.session import Store
from tests.integration.conftest import PURPOSE, session_cookie

SMALL, LARGE, TABLET = (1366, 768), (1920, 1080), (820, 1180)
expect.set_options(timeout=30_000)  # longer than a loaded machine needs, so no result depends on speed


PICTURES_CAME = """
    Promise.all([...document.querySelectorAll("article.item:not([hidden]) img")].map((image) =>
      image.decode().catch(() => {})))
"""


async def press_verdict(page: Page, key: str) -> None:
    """Presses a verdict's key once the pictures are there, after a look that is long enough.

    Right after a pair came a key counts as pressed twice, and without its pictures no pair can be judged.
    """
    await page.wait_for_timeout(600)
    await page.evaluate(PICTURES_CAME)
    await page.keyboard.press(key)


Open = Callable[..., Awaitable[Page]]
"""Opens a page of the browser as this person: `page = await open_as(ANNA)`, then `await page.goto("/app/review")`."""


@pytest.fixture(scope="session")
async def browser(anyio_backend: str) -> AsyncIterator[Browser]:
    """One browser for all tests of the process."""
    path = os.environ.get("REDTHREAD_CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.skip("there is no Chromium here: apt install chromium, or name one in REDTHREAD_CHROMIUM")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        await started.close()


@pytest.fixture
async def address(app: FastAPI) -> AsyncIterator[str]:
    """The service's address, on a free port."""
    listening = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    await serving


@pytest.fixture
async def open_as(browser: Browser, address: str, store: Store) -> AsyncIterator[Open]:
    """Opens a page as a person who is signed in; what the page logs as an error fails the test at its end."""
    contexts, errors = [], []

    async def opened(
        person: Person,
        size: tuple[int, int] = SMALL,
        *,
        scheme: str = "dark",
        script: bool = True,
        language: str = "en",
        purpose: str = PURPOSE,
    ) -> Page:
        context = await browser.new_context(
            base_url=address,
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            java_script_enabled=script,
            reduced_motion="reduce",
            locale=language,
        )
        contexts.append(context)
        cookie = await session_cookie(store, person, purpose)
        await context.add_cookies([{"name": COOKIE, "value": cookie, "url": address}])
        page = await context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if "Content Security" in message.text else None)
        return page

    yield opened
    for context in contexts:
        await context.close()
    assert errors == []
