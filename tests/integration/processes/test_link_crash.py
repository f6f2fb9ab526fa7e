"""Whatever happens to link (kill -9, two at once, a pause): every pair is there once, every event is told once."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from graph.actions.decide.decision import Judgement, Seen
from graph.actions.decide.verdicts import do_reopening, do_verdict
from graph.domain.link import Decision
from graph.store.session import Store
from streams.records.gallery import GalleryRecord, MediaEmbedded
from streams.settings import Addresses
from tests.support import factories_streams as make
from tests.support.access import access_of
from tests.support.factories import ANNA, NOW
from tests.support.harness import Site, current_notices, installation
from tests.support.reference_gallery import Reference

pytestmark = pytest.mark.anyio
RECORDS = [record for _, record in make.drawn_log(11, 240) if isinstance(record, MediaEmbedded)]
LOG = list(enumerate(RECORDS))
EVENTS = {f"event:{record.origin.event}" for record in RECORDS}


@pytest.fixture
async def site(stack: Addresses, store: Store, tmp_path: Path) -> AsyncIterator[Site]:
    async with installation(stack, store, tmp_path) as site:
        yield site


@pytest.fixture(scope="module")
def expected() -> Reference:
    reference = meaning(LOG)
    assert len(reference.links) > 25
    return reference


def meaning(log: Sequence[tuple[int, GalleryRecord]]) -> Reference:
    reference = Reference()
    for offset, record in log:
        reference.apply(offset, record)
    return reference


async def check(site: Site, expected: Reference) -> None:
    """Nothing is lost and nothing doubled: links, faces, memberships, and one standing notice an event."""
    await site.noticed(EVENTS)
    assert await site.links() == expected.links
    (row,) = await site.rows(
        "RETURN COUNT { MATCH (:Media) } AS media, COUNT { MATCH (:Face) } AS faces, "
        "COUNT { MATCH ()-[:IN_CASE]->() } AS members, COUNT { MATCH (:Embedding) } AS embeddings"
    )
    faces = sum(len(known.faces) for known in expected.media.values())
    members = sum(len(known.members) for known in expected.media.values())
    assert row == {"media": len(expected.media), "faces": faces, "embeddings": faces, "members": members}
    assert set(current_notices(site.notices())) == EVENTS


async def test_kill_9_before_and_after_the_commit_and_after_notices_loses_and_doubles_nothing(
    site: Site, expected: Reference, tmp_path: Path
) -> None:
    site.write(RECORDS)
    points = ["link-before-commit", "link-after-commit", "relay-after-send"]
    for point in points:
        link = site.start("link", REDTHREAD_CRASH_AT=f"{point}@{tmp_path / point}")
        assert await link.ended() == -signal.SIGKILL, link.log_tail
        stands = (await site.cursor()).offset
        assert stands < len(LOG) - 1, "the crash came too late to be in the middle"
        # The graph holds exactly what the log means up to its cursor, no half batch.
        assert await site.links() == meaning(LOG[: stands + 1]).links

    site.start("link")
    await site.linked()

    await check(site, expected)
    ids = [notice["notice_id"] for notice in site.notices()]
    assert len(ids) > len(set(ids)), "the crash after sending should have made the relay send again"
    assert len(set(ids)) == len(EVENTS)


async def test_decision_notices_keep_their_order_though_the_relay_dies_after_each(site: Site, tmp_path: Path) -> None:
    """Three decisions on one link, each told by a relay that dies before it can note that it did."""
    site.write(RECORDS[:60])
    link = site.start("link")
    await site.linked()
    await site.wait_until(lambda: _outbox_is_empty(site), "everything is told")
    await site.stop(link)
    [row] = await site.rows(
        "MATCH (:Face)-[r:CANDIDATE {state: 'candidate', district_low: 'north'}]->(:Face) "
        "RETURN r.link_id AS link_id ORDER BY link_id LIMIT 1"
    )
    link_id = row["link_id"]
    await do_verdict(access_of(site.store, ANNA, NOW), Judgement(link_id, 0, Decision.CONFIRMED, ("ears",), ""))
    await do_reopening(access_of(site.store, ANNA, NOW), Seen(link_id, 1), "too quick")
    await do_verdict(access_of(site.store, ANNA, NOW), Judgement(link_id, 2, Decision.DISMISSED, (), ""))

    for number in range(3):
        dying = site.start("link", REDTHREAD_CRASH_AT=f"relay-after-send@{tmp_path / str(number)}")
        assert await dying.ended() == -signal.SIGKILL, dying.log_tail
    site.start("link")
    await site.wait_until(lambda: _outbox_is_empty(site), "everything is told")

    subject = f"link:{link_id}@local"
    told = [notice for notice in site.notices() if notice["subject"] == subject]
    first_seen = list(dict.fromkeys((notice["number"], notice["decision"]) for notice in told))
    assert first_seen == [(1, "confirmed"), (2, "reopened"), (3, "dismissed")]
    assert len(told) > 3, "what the dying relays had sent was sent again"
    by_number = {notice["number"]: notice["notice_id"] for notice in told}
    assert len({notice["notice_id"] for notice in told}) == 3, "sent again it is the same notice"
    assert next(notice.get("supersedes") for notice in told if notice["number"] == 3) == by_number[2]


async def _outbox_is_empty(site: Site) -> bool:
    [row] = await site.rows("RETURN COUNT { (:Outbox) } AS waiting")
    return row["waiting"] == 0


async def test_of_two_link_workers_one_writes_and_no_pair_is_missed(site: Site, expected: Reference) -> None:
    exits: list[int] = []
    both = [asyncio.create_task(site.keep("link", f"link-{number}", exits)) for number in (0, 1)]
    try:
        # Fed in pieces, so that one worker may take the log from the other in the middle of it.
        for start in range(0, len(RECORDS), 60):
            site.write(RECORDS[start : start + 60])
            await site.linked(start)
        await site.linked()
        await check(site, expected)
        # One that has ended is started again within a moment.
        await site.wait_until(lambda: sum(worker.alive for worker in site.workers) == 2, "both run")
    finally:
        for task in both:
            task.cancel()
    assert set(exits) <= {75}


async def test_a_paused_worker_that_wakes_after_another_took_over_writes_nothing_and_ends(
    site: Site, expected: Reference
) -> None:
    half = len(RECORDS) // 2
    site.write(RECORDS[:half])
    paused = site.start("link", "link-0")
    await site.linked()
    old = await site.cursor()
    paused.send(signal.SIGSTOP)

    # The group is empty once the paused one's session has ended; until then the other waits.
    exits: list[int] = []
    other = asyncio.create_task(site.keep("link", "link-1", exits))
    try:
        site.write(RECORDS[half : half + 20])
        await site.linked()
        assert (await site.cursor()).epoch == old.epoch + 1

        paused.send(signal.SIGCONT)
        site.write(RECORDS[half + 20 :])
        # 70: it was stopped for so long that its own watchdog was first to see it.
        assert await paused.ended() in (70, 75), paused.log_tail
        await site.linked()
    finally:
        other.cancel()

    await check(site, expected)
    assert (await site.cursor()).epoch > old.epoch
    assert set(exits) <= {75}
