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
WAIT_MS = 90_000
"""Longer than a loaded machine needs, so that no result depends on its speed."""
expect.set_options(timeout=WAIT_MS)

KEEPS_REQUESTS = """(() => {
  const ask = fetch.bind(globalThis);
  globalThis.requests = new Set();
  globalThis.fetch = (...given) => {
    const answer = ask(...given);
    const whole = answer.then((found) => found.clone().text()).catch(() => {});
    requests.add(whole);
    whole.then(() => requests.delete(whole));
    return answer;
  };
})()"""
"""Run in every page: `requests` are those of its scripts whose answer is not whole yet."""
ALL_ANSWERED = "(async () => { while (requests.size) await Promise.allSettled([...requests]); })()"
PICTURES_CAME = """
    Promise.all([...document.querySelectorAll("article.item:not([hidden]) img")].map((image) =>
      image.decode().catch(() => {})))
"""
SHIFTS = """(async () => {
  const moved = [];
  const take = (entries) => {
    for (const entry of entries)
      moved.push([entry.value, entry.sources.map((source) => source.node?.outerHTML?.slice(0, 80)).join(" ")]);
  };
  const observer = new PerformanceObserver((list) => take(list.getEntries()));
  observer.observe({ type: "layout-shift", buffered: true });
  const inWindow = (image) => {
    const box = image.getBoundingClientRect();
    return box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  };
  await Promise.all([...document.images].filter(inWindow).map((image) => image.decode().catch(() => {})));
  for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
  take(observer.takeRecords());
  return moved;
})()"""
CHORD = """(keys) => {
  for (const key of keys) {
    const press = { key, shiftKey: key !== key.toLowerCase(), bubbles: true, cancelable: true };
    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", press));
  }
}"""


async def shifts_of(page: Page) -> list[tuple[float, str]]:
    """What moved in the page until its scripts had their answers and its pictures in the window were painted.

    Each shift as its share of the window, and what moved.
    """
    await page.wait_for_load_state()
    await page.evaluate(ALL_ANSWERED)
    return await page.evaluate(SHIFTS)


async def reload(page: Page) -> None:
    """Loads the page again once what it asked for is answered, so that nothing of it is read after what comes next."""
    await page.evaluate(ALL_ANSWERED)
    await page.reload()


async def chord(page: Page, *keys: str) -> None:
    """Presses keys at one moment of the page's time: the second of two counts only a short time after the first."""
    await page.wait_for_load_state()
    await page.evaluate(CHORD, keys)


async def press_verdict(page: Page, key: str) -> None:
    """Presses a verdict's key once the page is there, its pictures and its previews, after a look that is long enough.

    Right after a pair came a key counts as pressed twice, without its pictures no pair can be judged, and a preview
    that the service reads after the verdict is refused and recorded.
    """
    await page.wait_for_load_state()
    await page.evaluate(ALL_ANSWERED)
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
        await context.add_init_script(KEEPS_REQUESTS)
        cookie = await session_cookie(store, person, purpose)
        await context.add_cookies([{"name": COOKIE, "value": cookie, "url": address}])
        page = await context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if "Content Security" in message.text else None)
        return page

    yield opened
    for context in contexts:
        await context.close()
    assert errors == []
