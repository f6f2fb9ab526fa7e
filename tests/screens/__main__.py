"""Pictures of every page that a running system's people can reach, for those who build the pages to look at.

`python -m tests.screens pictures FOLDER` starts the demo; with `--link LINK` the pages of a running system are taken,
whose sign-in link was not used yet. Three items are judged and one is approved first, so that later pages have content.
Each page is reached by links from the first one, as a person does; routes that no link leads to are listed at the end.
"""

import argparse
import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playwright.async_api import Browser, BrowserContext, Error, Page, async_playwright
from starlette.routing import Match

from api.sign_in.gate import PAGES
from tests.support.page_scene import page_routes

CHECKOUT = Path(__file__).parents[2]
SIZES = {"small": (1366, 768), "large": (1920, 1080), "tablet": (820, 1180)}
IN_DANISH = frozenset({"review", "case", "search", "approvals", "victim", "purpose"})
LINK = re.compile(r"http://127\.0\.0\.1:\d+/app/sign-in/link/\S+")
LINKS = "[...document.querySelectorAll('a[href^=\"/app/\"]')].map((a) => a.getAttribute('href'))"


@contextmanager
def demo_link() -> Iterator[str]:
    """The sign-in link of a demo of its own, which ends with the block."""
    command = ["sh", "infra/run", "demo"]
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if found := LINK.search(line):
                yield found[0]
                return
        raise SystemExit("the demo ended without a link")
    finally:
        process.terminate()
        process.wait(60)


@dataclass
class Tour:
    """One person's way through the pages: the first address of every route that is found."""

    user: str
    state: dict[str, object]
    found: dict[str, str] = field(default_factory=dict[str, str])


def route_of(path: str) -> str | None:
    """The name of the route that opens this address."""
    plain = unquote(urlsplit(path).path).removeprefix(PAGES)
    scope = {"type": "http", "path": plain, "root_path": "", "method": "GET"}
    return next((route.name for route in page_routes() if route.matches(scope)[0] is Match.FULL), None)


async def sign_in_all(browser: Browser, link: str) -> list[Tour]:
    """Every user of the link, signed in and with a purpose."""
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(link)
    users = [await button.get_attribute("value") or "" for button in await page.locator("button[name=actor]").all()]
    tours: list[Tour] = []
    for user in users:
        await page.locator(f'button[name=actor][value="{user}"]').click()
        await page.locator("form.form button.yes").click()
        tours.append(Tour(user, dict(await context.storage_state())))
        await context.clear_cookies(name=re.compile(r"^redthread$"))
        await page.goto(urlsplit(link)._replace(path="/app/sign-in").geturl())
    await context.close()
    return tours


@asynccontextmanager
async def opened(browser: Browser, tour: Tour, **more: object) -> AsyncIterator[Page]:
    context: BrowserContext = await browser.new_context(storage_state=tour.state, reduced_motion="reduce", **more)  # type: ignore[arg-type]
    yield await context.new_page()
    await context.close()


async def work(browser: Browser, base: str, tours: list[Tour]) -> None:
    """Judges three items as the first investigator, and approves one as the first supervisor, by keys."""
    for role, path, keys in (("investigator", "review", "es" * 3), ("supervisor", "approvals", "s")):
        tour = next(tour for tour in tours if tour.user.startswith(role))
        async with opened(browser, tour) as page:
            await page.goto(f"{base}/app/{path}")
            for key in keys:
                await page.keyboard.press(key)
                await page.wait_for_timeout(700)
            decided = await page.locator("#last").inner_text()
            if not decided.strip():
                raise SystemExit(f"{tour.user} decided nothing on {path}: later pages would lack it")


async def find_pages(browser: Browser, base: str, tour: Tour) -> None:
    """Follows links from the first page, to one address of every route."""
    async with opened(browser, tour) as page:
        to_visit = ["/app/", "/app/_parts", "/app/purpose"]
        while to_visit:
            path = to_visit.pop(0)
            answer = await page.goto(base + path)
            if answer is None or not answer.ok or "html" not in answer.headers.get("content-type", ""):
                continue
            if name := route_of(page.url.removeprefix(base)):
                tour.found.setdefault(name, page.url.removeprefix(base))
            for href in await page.evaluate(LINKS):
                name = route_of(href)
                if name and name not in tour.found and name not in map(route_of, to_visit):
                    to_visit.append(href)


async def take(browser: Browser, base: str, tour: Tour, folder: Path) -> int:
    """Pictures of the pages that were found, in every size and theme, some in Danish."""
    number = 0
    for (size, (width, height)), theme, language in product(SIZES.items(), ("dark", "light"), ("en", "da")):
        wanted = [name for name in tour.found if language == "en" or (name in IN_DANISH and size == "small")]
        look = {"viewport": {"width": width, "height": height}, "color_scheme": theme, "locale": language}
        async with opened(browser, tour, **look) as page:
            for name in wanted:
                await page.goto(base + tour.found[name])
                with suppress(Error):  # the stream of counts never ends
                    await page.wait_for_load_state("networkidle", timeout=3000)
                place = folder / tour.user.replace("@", "-")
                place.mkdir(parents=True, exist_ok=True)
                await page.screenshot(path=place / f"{name}-{size}-{theme}-{language}.png", full_page=True)
                number += 1
    return number


async def pictures(link: str, folder: Path) -> None:
    path = os.environ.get("REDTHREAD_CHROMIUM") or shutil.which("chromium")
    if path is None:
        raise SystemExit("there is no Chromium here: apt install chromium, or name one in REDTHREAD_CHROMIUM")
    base = f"http://{urlsplit(link).netloc}"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        tours = await sign_in_all(browser, link)
        await work(browser, base, tours)
        for tour in tours:
            await find_pages(browser, base, tour)
            print(
                f"{tour.user}: {await take(browser, base, tour, folder)} pictures of {len(tour.found)} pages",
                flush=True,
            )
        await browser.close()
    reached = {name for tour in tours for name in tour.found}
    print("no link leads to:", ", ".join(sorted({route.name for route in page_routes()} - reached)) or "none")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.screens", description=__doc__)
    parser.add_argument("what", choices=["pictures"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--link", help="of a running system, as `redthread sign-in` prints it")
    asked = parser.parse_args()
    if asked.link:
        asyncio.run(pictures(asked.link, asked.folder))
        return
    with demo_link() as link:
        asyncio.run(pictures(link, asked.folder))


if __name__ == "__main__":
    sys.exit(main())
