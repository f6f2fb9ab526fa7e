"""What the quarantine knows of an event, on the real graph."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from graph.actions.notices import Notice, store_notices
from graph.actions.operate import quarantine
from graph.domain import ids
from graph.store import log
from graph.store.session import Store, Tx
from streams import topics
from streams.records.reading import to_base64
from streams.settings import Addresses
from tests.support.harness import Site, installation, until

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def failed(place: int, code: str, *, host: str | None = None, attempts: int = 1) -> dict[str, Any]:
    return {
        "event": f"redthread.media.submitted.local.v1/0/{place}",
        "topic": "redthread.media.submitted.local.v1",
        "partition": 0,
        "offset": place,
        "stage": "embed",
        "reason": "a reason",
        "code": code,
        "source": "local",
        "host": host,
        "attempts": attempts,
        "submitted_at": place,
        "truncated": False,
        "key": None,
        "value": "",
        "headers": [],
    }


async def unresolved(store: Store) -> list[dict[str, Any]]:
    query = "MATCH (q:Quarantined) WHERE q.status <> 'resolved' RETURN q {.*} AS q ORDER BY q.submitted_at"
    return [row["q"] for row in await store.read(lambda tx: tx.rows(query))]


async def status(store: Store, place: int) -> str:
    quarantine_id = ids.quarantine_id(failed(place, "")["event"])
    query = "MATCH (q:Quarantined {quarantine_id: $id}) RETURN q.status AS status"
    row = await store.read(lambda tx: tx.one(query, id=quarantine_id))
    assert row is not None
    return row["status"]


async def test_an_event_that_was_processed_waits_for_nobody_when_it_fails_on_a_second_reading(store: Store) -> None:
    async def processed(tx: Tx) -> None:
        head = await log.lock_head(tx)
        notice = Notice(f"event:{failed(1, '')['event']}", "local", "faces_found", {})
        await log.append(tx, head, [], await store_notices(tx, [notice], NOW))

    await store.write(processed)

    await quarantine.index(store, [failed(1, "missing_file"), failed(2, "missing_file")], now=NOW)

    assert (await status(store, 1), await status(store, 2)) == ("resolved", "waiting")
    assert [row["offset"] for row in await unresolved(store)] == [2]


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


@pytest.fixture
async def site(stack: Addresses, store: Store, tmp_path: Path) -> AsyncIterator[Site]:
    async with installation(stack, store, tmp_path) as site:
        yield site


async def limit_inputs(site: Site, size: int) -> None:
    """From now on the topic of submitted media takes records of at most this many bytes."""
    name, limit = topics.media_submitted("local"), "max.message.bytes"
    change = ConfigEntry(limit, str(size), incremental_operation=AlterConfigOpType.SET)
    for future in site.admin.incremental_alter_configs([topic(name, [change])]).values():
        future.result(30)
    await until(
        lambda: site.admin.describe_configs([topic(name)])[topic(name)].result(30)[limit].value == str(size),
        "the broker knows the new limit",
    )


def topic(name: str, changes: list[ConfigEntry] | None = None) -> ConfigResource:
    return ConfigResource(ResourceType.TOPIC, name, incremental_configs=changes)


async def test_an_event_whose_replay_its_topic_does_not_take_waits_again_with_the_reason(site: Site) -> None:
    """It was dropped with a line in a log, and stood as `replayed` for ever."""
    large = {**failed(1, "missing_file"), "value": to_base64(bytes(5000))}
    await quarantine.index(site.store, [large, failed(2, "missing_file")], now=NOW)
    await limit_inputs(site, 2000)
    site.start("link")
    await site.linked()

    for place in (1, 2):
        quarantine_id = ids.quarantine_id(failed(place, "")["event"])
        await quarantine.replay(site.store, quarantine_id, actor="operator", now=NOW)
    await site.linked()

    assert (await status(site.store, 1), await status(site.store, 2)) == ("waiting", "replayed")
    row, *_ = await unresolved(site.store)
    assert (row["event"], row["code"]) == (large["event"], "record_too_large")
    assert row["reason"] == (
        "the replay was refused: the record is larger than its topic takes; it is here because: a reason"
    )
    # The bytes are kept: a topic that takes more takes this one, too.
    await limit_inputs(site, topics.INPUT_MAX)
    await quarantine.replay(site.store, ids.quarantine_id(large["event"]), actor="operator", now=NOW)
    await site.linked()

    assert await status(site.store, 1) == "replayed"
    assert bytes(5000) in [message.value() for message in site.read(topics.media_submitted("local"))]
