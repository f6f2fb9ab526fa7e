"""What the quarantine knows of an event, on the real graph."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graph.actions import quarantine
from graph.actions.ingest import NoticeRow, new_notices
from graph.domain import ids
from graph.store import log
from graph.store.session import Store, Tx

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def failed(place: int, code: str, *, host: str | None = None, attempts: int = 1) -> dict[str, Any]:
    return {
        "event": f"redthread.media.submitted.local.v1/0/{place}", "topic": "redthread.media.submitted.local.v1",
        "partition": 0, "offset": place, "stage": "embed", "reason": "a reason", "code": code, "source": "local",
        "host": host, "attempts": attempts, "submitted_at": place, "truncated": False, "key": None, "value": "",
        "headers": [],
    }  # fmt: skip


async def status(store: Store, place: int) -> str:
    quarantine_id = ids.quarantine_id(failed(place, "")["event"])
    query = "MATCH (q:Quarantined {quarantine_id: $id}) RETURN q.status AS status"
    row = await store.read(lambda tx: tx.one(query, id=quarantine_id))
    assert row is not None
    return row["status"]


async def test_an_event_that_was_processed_waits_for_nobody_when_it_fails_on_a_second_reading(store: Store) -> None:
    async def processed(tx: Tx) -> None:
        head = await log.lock_head(tx)
        notice = NoticeRow(f"event:{failed(1, '')['event']}", "local", "faces_found", {})
        await log.append(tx, head, [], await new_notices(tx, [notice], NOW))

    await store.write(processed)

    await quarantine.index(store, [failed(1, "missing_file"), failed(2, "missing_file")], now=NOW)

    assert (await status(store, 1), await status(store, 2)) == ("resolved", "waiting")
    assert [row["offset"] for row in await quarantine.waiting(store)] == [2]


async def test_a_host_that_answers_with_another_failure_lets_go_what_waits_for_it(store: Store) -> None:
    later = NOW + timedelta(seconds=61)
    away = [failed(place, "source_unreachable", host="host") for place in range(3)]
    await quarantine.index(store, away, now=NOW)

    assert await quarantine.replay_due(store, now=NOW) == 0
    assert await quarantine.replay_due(store, now=later) == 1
    assert await quarantine.replay_due(store, now=later) == 0
    await quarantine.index(store, [failed(0, "wrong_sha256", attempts=2)], now=later)
    assert await quarantine.replay_due(store, now=later) == 2

    assert [await status(store, place) for place in range(3)] == ["waiting", "replayed", "replayed"]
