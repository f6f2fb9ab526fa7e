"""The review page in a real browser: by keyboard alone, without script, and without a jump."""

import asyncio
import re
from datetime import UTC, datetime
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.async_api import Page, Route, expect

from graph.domain.queue import LEASE
from graph.store.session import Store
from tests.integration.conftest import entries
from tests.integration.screens.conftest import ALL_ANSWERED, PICTURES_CAME, Open, press_verdict, reload
from tests.support.factories import ANNA, BEN, Scene
from tests.support.queue import change, judge, pairs

pytestmark = pytest.mark.anyio

WITHOUT_LINKS = "MATCH ()-[r:CANDIDATE]->() DELETE r"
STATE = "MATCH ()-[r:CANDIDATE]->() RETURN r.state AS state, count(*) AS number ORDER BY state"


async def states(store: Store) -> dict[str, int]:
    rows = await store.read(lambda tx: tx.rows(STATE))
    return {row["state"]: row["number"] for row in rows}


async def review_of(number: int, scene: Scene, store: Store, open_as: Open) -> Page:
    """ANNA's review, for which so many pairs wait and nothing else."""
    await change(store, WITHOUT_LINKS)
    await pairs(scene, number)
    page = await open_as(ANNA)
    await page.goto("/app/review")
    return page


async def test_a_whole_review_by_keyboard(scene: Scene, store: Store, open_as: Open) -> None:
    page = await review_of(4, scene, store, open_as)
    item = page.locator("article.item:not([hidden])")
    await expect(item.locator("[data-consequence]")).to_contain_text("joins 2 faces of 1 case")
    await page.keyboard.press("ArrowLeft")
    await expect(item.locator(".face.picked[data-label-version]:not([data-label-version=''])")).to_be_visible()
    await press_verdict(page, "s")
    await expect(item.locator("[data-consequence]")).to_contain_text("at least one feature")
    await page.keyboard.press("e")
    await page.keyboard.press("h")
    await page.keyboard.press("h")
    first = await item.get_attribute("data-claim")
    await page.keyboard.press("t")
    await page.keyboard.type("sure")
    await page.keyboard.press("Enter")  # decides nothing
    await page.get_by_role("heading", level=1).click()
    await press_verdict(page, "s")
    await expect(page.locator("#last")).to_contain_text("same person")
    assert await item.get_attribute("data-claim") != first
    await press_verdict(page, "d")
    await expect(page.locator("#last")).to_contain_text("different")
    assert await states(store) == {"candidate": 2, "confirmed": 1, "dismissed": 1}
    await reload(page)
    await expect(page.locator("#last")).to_contain_text("different")
    await expect(page.locator("#last")).to_contain_text("the machine:")
    await page.keyboard.press("Backspace")
    await expect(page.locator("#last")).to_contain_text("Taken back")
    assert await states(store) == {"candidate": 3, "confirmed": 1}
    back = await item.get_attribute("data-item")
    await reload(page)
    await expect(page.locator("#last")).to_contain_text("Taken back")
    assert await item.get_attribute("data-item") == back, "another pair would be judged in its place"
    await press_verdict(page, "u")
    await expect(page.locator("#last")).to_contain_text("stays hidden")
    await reload(page)
    await expect(page.locator("#last")).to_contain_text("stays hidden")
    await expect(page.locator("#last")).not_to_contain_text("the machine:")
    await press_verdict(page, "l")
    await expect(page.locator("#last")).to_contain_text("Put aside")
    await press_verdict(page, "d")
    await expect(page.locator("#nothing")).to_be_visible()
    assert await page.locator("#trouble").inner_text() == ""
    assert await states(store) == {"candidate": 1, "confirmed": 1, "dismissed": 1, "unsure": 1}
    said = await store.read(lambda tx: tx.one("MATCH (v:Verdict {decision: 'confirmed'}) RETURN v.reasons AS reasons"))
    assert said is not None and sorted(said["reasons"]) == ["against:hair", "ears"]
    recorded = {entry.action for entry in await entries(store)}
    assert {"queue.claimed", "face.seen", "act.previewed", "links.judged"} <= recorded
    assert not recorded & {"face.labelled", "access.missed", "access.refused"}


async def test_no_face_is_one_key_and_so_is_its_way_back(scene: Scene, store: Store, open_as: Open) -> None:
    page = await review_of(2, scene, store, open_as)
    own = page.locator("article.item:not([hidden]) [data-label-version]")
    picked = await own.get_attribute("data-face")
    await press_verdict(page, "x")  # nobody has chosen a face: the one that is meant is shown first
    await expect(page.locator("article.item:not([hidden]) [data-consequence]")).to_contain_text("Press X again")
    await expect(own).to_have_class(re.compile("picked"))
    assert await store.read(lambda tx: tx.rows("MATCH (f:Face {label: 'no_face'}) RETURN f.face_id AS id")) == []
    await press_verdict(page, "x")
    await expect(page.locator("#last")).to_contain_text("Marked as no face")
    labelled = await store.read(lambda tx: tx.rows("MATCH (f:Face {label: 'no_face'}) RETURN f.face_id AS id"))
    assert labelled == [{"id": picked}]
    await expect(page.locator("article.item")).to_have_count(1)
    await expect(page.locator(f"[data-face='{picked}']")).to_have_count(0)
    await page.keyboard.press("Backspace")
    await expect(page.locator("#last")).to_contain_text("it is a face again")
    await expect(page.locator(f"article.item:not([hidden]) [data-face='{picked}']")).to_be_visible()
    assert await store.read(lambda tx: tx.rows("MATCH (f:Face {label: 'no_face'}) RETURN f.face_id AS id")) == []


async def test_a_verdict_without_script(scene: Scene, store: Store, open_as: Open) -> None:
    await change(store, WITHOUT_LINKS)
    await pairs(scene, 2)
    page = await open_as(ANNA, script=False)
    await page.goto("/app/review")
    item = page.locator("article.item:not([hidden])")
    await item.get_by_label("ears", exact=True).select_option("ears")
    await item.get_by_role("button", name="Same person").click()
    await expect(page.locator("#last")).to_contain_text("same person")
    await page.get_by_role("button", name="undo").click()
    await expect(page.locator("#last")).to_contain_text("Taken back")
    assert await states(store) == {"candidate": 2}


async def test_while_the_service_is_away_nothing_is_lost(scene: Scene, store: Store, open_as: Open) -> None:
    page = await review_of(2, scene, store, open_as)
    tries, pressed = 0, asyncio.Event()

    async def away(route: Route) -> None:
        nonlocal tries
        tries += 1
        if tries == 3:
            await pressed.wait()
        await (route.abort() if tries == 1 else route.fulfill(status=503) if tries == 2 else route.continue_())

    await page.route("**/review/decisions?*", away)
    await press_verdict(page, "d")
    await expect(page.locator("#trouble")).to_contain_text("Not saved. Trying again")
    await page.wait_for_timeout(600)  # a look that is long enough for a verdict
    await page.keyboard.press("d")  # locked: the next pair is not judged unseen
    pressed.set()
    await expect(page.locator("#last")).to_contain_text("different")
    await expect(page.locator("#trouble")).to_be_empty()
    assert (tries, await states(store)) == (3, {"candidate": 1, "dismissed": 1})


async def test_an_undo_whose_answer_was_lost_is_not_called_impossible(
    scene: Scene, store: Store, open_as: Open
) -> None:
    page = await review_of(2, scene, store, open_as)
    await press_verdict(page, "d")
    await expect(page.locator("#last")).to_contain_text("different")
    lost: list[str] = []

    async def lose_one(route: Route) -> None:
        if lost:
            return await route.continue_()
        sent = await route.request.all_headers() | {"sec-fetch-site": "same-origin", "sec-fetch-dest": "empty"}
        lost.append(await (await route.fetch(headers=sent)).text())
        return await route.fulfill(status=503)

    await page.route("**/review/undone?*", lose_one)
    async with page.expect_event("load"):
        await page.keyboard.press("Backspace")
    await expect(page.locator("#last")).to_contain_text("Taken back")
    assert await states(store) == {"candidate": 2} and "Taken back" in lost[0]


async def test_a_pause_is_offered_after_as_many_pictures_as_the_reviewer_wants(
    scene: Scene, store: Store, open_as: Open
) -> None:
    page = await review_of(3, scene, store, open_as)
    await page.get_by_label("Offer a pause after").fill("4")
    await page.locator("h1:visible").click()
    await press_verdict(page, "d")
    await expect(page.locator("#last")).to_contain_text("different")
    await expect(page.locator("#rest")).to_contain_text("before a pause")
    await page.keyboard.press("Enter")
    await expect(page.locator("#rest")).to_be_empty()


async def test_a_fault_of_the_service_is_shown_and_nothing_is_sent_again(
    scene: Scene, store: Store, open_as: Open
) -> None:
    page = await review_of(2, scene, store, open_as)
    tries = 0

    async def failing(route: Route) -> None:
        nonlocal tries
        tries += 1
        await (route.fulfill(status=500, body="Bad gateway?") if tries == 1 else route.continue_())

    await page.route("**/review/decisions?*", failing)
    item = page.locator("article.item:not([hidden])")
    first = await item.get_attribute("data-claim")
    await page.keyboard.press("e")
    await press_verdict(page, "d")
    await expect(page.locator("#trouble")).to_contain_text("The service failed")
    assert await item.get_attribute("data-claim") == first
    await expect(item.locator("[data-feature=ears]")).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("Enter")
    await expect(page.locator("#trouble")).to_be_empty()
    await press_verdict(page, "d")
    await expect(page.locator("#last")).to_contain_text("different")
    assert (tries, await states(store)) == (2, {"candidate": 1, "dismissed": 1})


async def test_who_comes_back_finds_the_same_item_as_they_had_marked_it(
    scene: Scene, store: Store, open_as: Open
) -> None:
    page = await review_of(4, scene, store, open_as)
    item = page.locator("article.item:not([hidden])")
    await press_verdict(page, "l")
    await expect(page.locator("#last")).to_contain_text("Put aside")
    for key in ("e", "h", "h", "t"):
        await page.keyboard.press(key)
    await page.keyboard.type("a scar")
    await item.get_by_role("heading", level=1).click()
    marked = await item.get_attribute("data-item")
    await page.keyboard.press("w")
    reason = page.get_by_label("Reason, once")
    await reason.fill("is it a mirror?")
    await page.wait_for_load_state()  # keys act once the scripts are there
    await page.keyboard.press("Escape")
    await expect(reason).not_to_be_focused()
    await expect(reason).to_have_value("is it a mirror?")
    await reason.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("open until")).to_be_visible()
    await page.wait_for_load_state()
    await page.keyboard.press("Escape")
    for _ in range(2):
        assert await item.get_attribute("data-item") == marked
        await expect(item.locator("[data-feature=ears]")).to_have_attribute("aria-pressed", "true")
        await expect(item.locator("[data-feature=hair]")).to_have_attribute("aria-pressed", "mixed")
        await expect(item.locator("[name=text]")).to_have_value("a scar")
        await page.reload()
    await press_verdict(page, "s")
    await expect(page.locator("#last")).to_contain_text("same person")
    said = await store.read(lambda tx: tx.one("MATCH (v:Verdict) RETURN v.reasons AS reasons, v.text AS text"))
    assert said == {"reasons": ["ears", "against:hair"], "text": "a scar"}
    assert "scar" not in await page.evaluate("JSON.stringify(sessionStorage)")


async def test_a_key_after_g_stays_on_the_page_and_after_shift_g_leaves_it(
    scene: Scene, store: Store, open_as: Open
) -> None:
    await change(store, WITHOUT_LINKS)
    await pairs(scene, 2)
    page = await open_as(ANNA)
    await page.clock.install(time=0)
    await page.goto("/app/review")
    item = page.locator("article.item:not([hidden])")
    await expect(item.locator("[data-tool=grey]")).to_be_visible()
    for key in ("g", "c"):
        await page.keyboard.press(key)
    await expect(page.locator("html")).to_have_class("grey")
    await expect(item.locator("[data-feature=context]")).to_have_attribute("aria-pressed", "true")
    await press_verdict(page, "g")
    await page.keyboard.press("d")
    await expect(page.locator("#last")).to_contain_text("different")
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_contain_text("Shift+G")
    await page.keyboard.press("Escape")
    await page.clock.pause_at(3_600_000)  # two keys belong together for a short time
    await page.keyboard.press("Shift+g")
    await page.keyboard.press("u")  # leads nowhere, and is no verdict
    await page.keyboard.press("Shift+G")
    await page.keyboard.press("c")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Cases")
    await page.wait_for_load_state("load")  # before it no script reads keys
    await page.keyboard.press("g")
    await page.keyboard.press("r")
    await expect(item).to_have_count(1)
    assert await states(store) == {"candidate": 1, "dismissed": 1}


async def test_who_is_too_late_is_told_and_goes_on(scene: Scene, store: Store, open_as: Open) -> None:
    page = await review_of(2, scene, store, open_as)
    item = page.locator("article.item:not([hidden])")
    link_id, _, version = (await item.locator("input[name=link]").get_attribute("value") or "").partition(":")
    await judge(store, link_id, "dismissed", int(version), actor=BEN, now=datetime.now(UTC) + LEASE)
    await press_verdict(page, "d")
    await expect(page.locator("#trouble")).to_contain_text("nothing new was saved")
    await page.keyboard.press("Enter")
    await expect(page.locator("#trouble")).to_be_empty()
    await press_verdict(page, "d")
    await expect(page.locator("#nothing")).to_be_visible()
    assert await states(store) == {"dismissed": 2}


async def test_after_the_session_the_reviewer_signs_in_and_is_where_they_were(
    scene: Scene, store: Store, open_as: Open
) -> None:
    page = await review_of(2, scene, store, open_as)
    await page.evaluate(ALL_ANSWERED)  # no preview meets the end of the session in place of the verdict
    await page.context.clear_cookies()
    async with page.expect_request("**/review/decisions?*"):
        await press_verdict(page, "d")
    await expect(page.locator("#trouble")).to_contain_text("Your session is over")
    back = page.get_by_role("link", name="Sign in again")
    here = urlsplit(page.url)
    assert here.query.startswith("first=")
    assert parse_qs(urlsplit(await back.get_attribute("href") or "").query) == {"next": [f"{here.path}?{here.query}"]}
    assert await states(store) == {"candidate": 2}


async def test_what_the_next_item_would_join_is_asked_again_after_faces_were_joined(
    scene: Scene, store: Store, open_as: Open
) -> None:
    """It may be more by then, and the item said what was true before."""
    page = await review_of(2, scene, store, open_as)
    following = page.locator("article.item[hidden]")
    await expect(following.locator("[data-consequence]")).to_contain_text("joins")
    link = await following.locator("[name=link]").input_value()
    await page.keyboard.press("e")
    async with page.expect_request(lambda request: quote(link.strip()) in (request.post_data or "")):
        await press_verdict(page, "s")


async def test_a_key_that_was_pressed_twice_judges_one_pair(scene: Scene, store: Store, open_as: Open) -> None:
    await change(store, WITHOUT_LINKS)
    await pairs(scene, 3)
    page = await open_as(ANNA)
    await page.clock.install(time=0)
    await page.goto("/app/review")
    await page.clock.pause_at(3_600_000)
    await page.evaluate(PICTURES_CAME)
    await page.keyboard.press("d")
    await expect(page.locator("#last")).to_contain_text("different")
    await page.evaluate(PICTURES_CAME)
    await page.keyboard.press("d")
    await page.keyboard.press("e")
    await expect(page.locator("article.item:not([hidden]) [data-feature=ears]")).to_have_attribute(
        "aria-pressed", "true"
    )
    assert await states(store) == {"candidate": 2, "dismissed": 1}
    await page.clock.run_for(600)
    await page.keyboard.press("d")
    await expect(page.locator("article.item")).to_have_count(1)
    assert await states(store) == {"candidate": 1, "dismissed": 2}
