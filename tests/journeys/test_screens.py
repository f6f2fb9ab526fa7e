"""The first minutes of somebody who opens the demo's link: judge, undo, approve, and look at the threads of a case."""

import os
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.integration.screens.conftest import CHORD, PICTURES_CAME, WAIT_MS
from tests.journeys.conftest import Demo


@pytest.fixture
def browser() -> Iterator[Browser]:
    path = os.environ.get("REDTHREAD_CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.skip("there is no Chromium here: apt install chromium, or name one in REDTHREAD_CHROMIUM")
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


def sign_in(page: Page, user: str) -> None:
    page.locator(f'button[value="{user}"]').click()
    page.get_by_role("button", name="Go on").click()


def decide(page: Page, keys: str, said: str) -> None:
    """Presses the keys on the item that is shown, and waits until the service has said so."""
    item = page.locator("article.item:not([hidden])")
    expect(item.locator("[data-tool=zoom]")).to_be_visible()  # the script runs
    expect(item.locator("[data-consequence]")).not_to_be_empty()
    page.wait_for_timeout(600)  # a look: right after a pair came a verdict's key counts as pressed twice
    page.evaluate(PICTURES_CAME)
    for key in keys.split():
        page.keyboard.press(key)
    expect(page.locator("#last")).to_contain_text(said)


def test_from_the_link_to_the_threads_of_a_case(demo: Demo, browser: Browser) -> None:
    link = re.search(r"http://\S+/app/sign-in/link/\S+", demo.said)
    assert link is not None and demo.said.index(link[0]) < demo.said.index("Candidate links"), "the link comes first"
    context = browser.new_context(locale="en")
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(link[0])
    sign_in(page, "investigator")
    decide(page, "e s", "same person")
    expect(page.locator("#last")).to_contain_text("the machine")
    decide(page, "d", "different")
    decide(page, "Backspace", "Taken back")
    decide(page, "y s", "same person")
    page.get_by_role("button", name="Change user").click()

    sign_in(page, "supervisor")
    expect(page).to_have_url(re.compile("/app/approvals"))
    item = page.locator("article.item:not([hidden])")
    expect(item.locator(".crop").nth(1)).to_be_attached()
    expect(item.locator("[data-tool=zoom]")).to_be_visible()
    page.evaluate(PICTURES_CAME)
    page.keyboard.press("s")
    expect(page.locator("#last")).to_contain_text("approved")

    page.evaluate(CHORD, ["G", "c"])
    expect(page).to_have_url(re.compile("/app/cases"))
    page.locator("main a", has_text="2026-014").first.click()
    threads = page.locator("table.threads")
    expect(threads).to_contain_text("2026-001")
    expect(threads.locator("img.crop").nth(1)).to_be_attached()

    other = browser.new_context().new_page()
    other.goto(link[0])
    expect(other.locator("main")).to_contain_text("used before")
    assert other.locator("button[name=actor]").count() == 0
