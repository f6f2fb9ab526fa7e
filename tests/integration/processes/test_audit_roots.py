"""Each finished day has one root, in the graph, in its topic and in a file, whatever happens in between."""

import json
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from graph.actions.operate import audit_file, audit_roots
from graph.domain import audit
from graph.domain.audit_export import ExportRequest
from graph.domain.audit_root import GRACE, Root
from graph.domain.errors import Fenced
from graph.store import log
from graph.store.session import Store, Tx
from streams import topics
from streams.settings import Addresses
from tests.integration.conftest import entries
from tests.support.harness import Site, installation

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


async def act(store: Store, *moments: datetime) -> None:
    async def work(tx: Tx) -> None:
        acts = [audit.Act(at, "anna", "face.seen", "face") for at in moments]
        await log.append(tx, await log.lock_head(tx), acts)

    await store.write(work)


async def drawn(store: Store, now: datetime, epoch: int = 0) -> list[Root]:
    found: list[Root] = []
    while root := await audit_roots.draw_next(store, epoch, now=now):
        found.append(root)
    return found


async def outbox(store: Store) -> list[str]:
    rows = await store.read(lambda tx: tx.rows("MATCH (o:Outbox) RETURN o.kind + ' ' + o.key AS row ORDER BY o.seq"))
    return [row["row"] for row in rows]


async def test_every_finished_day_gets_one_root_also_after_days_that_were_missed(store: Store) -> None:
    await act(store, NOON, NOON, NOON + DAY, NOON + 3 * DAY, NOON + 3 * DAY, NOON + 4 * DAY)
    hashes = [entry.hash for entry in await entries(store)]

    found = await drawn(store, NOON + 4 * DAY)

    assert found == [
        Root("2026-11-20", 2, hashes[1], 2),
        Root("2026-11-21", 3, hashes[2], 1),
        Root("2026-11-22", 3, hashes[2], 0),
        Root("2026-11-23", 5, hashes[4], 2),
    ]
    assert await audit_roots.all_roots(store) == found
    assert await outbox(store) == [f"root 2026-11-2{day}" for day in range(4)]
    assert await drawn(store, NOON + 4 * DAY) == []
    assert [root.date for root in await drawn(store, NOON + 5 * DAY)] == ["2026-11-24"]


async def test_an_empty_audit_and_the_day_under_way_have_no_root(store: Store) -> None:
    assert await drawn(store, NOON) == []
    await act(store, NOON)
    assert await drawn(store, NOON.replace(hour=23)) == []
    assert await drawn(store, (NOON + DAY).replace(hour=0, minute=4)) == []


async def test_an_entry_that_is_committed_after_its_days_root_stands_behind_it(store: Store) -> None:
    await act(store, NOON)
    (first,) = await drawn(store, NOON + DAY)
    await act(store, NOON, NOON + DAY)

    (second,) = await drawn(store, NOON + 2 * DAY)

    assert (first.seq, second.seq, second.count) == (1, 3, 2)


async def test_who_does_not_hold_the_epoch_draws_nothing(store: Store) -> None:
    await act(store, NOON)

    with pytest.raises(Fenced):
        await drawn(store, NOON + DAY, epoch=7)

    assert await audit_roots.all_roots(store) == []
    assert await outbox(store) == []


@pytest.fixture
async def site(stack: Addresses, store: Store, tmp_path: Path) -> AsyncIterator[Site]:
    async with installation(stack, store, tmp_path) as site:
        yield site


async def test_a_crash_between_outbox_and_file_leaves_each_day_with_one_root_everywhere(
    site: Site, store: Store, tmp_path: Path
) -> None:
    today = datetime.now(UTC) - GRACE
    await act(store, today - 3 * DAY, today - 3 * DAY, today - 2 * DAY)
    anchors = tmp_path / "anchors"
    for marker in ("once", "twice"):
        link = site.start("link", REDTHREAD_CRASH_AT=f"roots-before-file@{tmp_path / marker}")
        assert await link.ended() == -signal.SIGKILL, link.log_tail
    assert len(await audit_roots.all_roots(store)) == 2
    assert len(names(anchors)) == 1

    site.start("link")
    await site.wait_until(lambda: len(names(anchors)) == 3, "every finished day has its file")
    await site.linked(-1)

    known = await audit_roots.all_roots(store)
    assert [root.count for root in known][:2] == [2, 1]
    assert audit_file.read_roots(anchors) == known
    sent = {
        (message.key() or b"").decode(): json.loads(message.value() or b"") for message in site.read(topics.AUDIT_ROOTS)
    }
    assert sent == {root.date: root.body for root in known}
    asked = ExportRequest("chain", "", "audrey", datetime.now(UTC).isoformat(), "inspection")
    await audit_file.write_export(store, asked, tmp_path / "export", now=datetime.now(UTC))
    found = audit_file.verify_file(tmp_path / "export", audit_file.read_roots(anchors))
    assert (found.fault, len(found.roots)) == (None, 3)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("*.json")]
