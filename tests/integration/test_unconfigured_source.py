"""A case system that is taken out of the settings stops nobody, and is told everything once it is back."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from graph.actions.read import counts
from graph.store.session import Store
from streams import topics
from streams.relay.outbox import BATCH
from tests.support import factories_streams as make
from tests.support.harness import until
from tests.support.link_in_process import LinkInProcess, link_in_process

pytestmark = pytest.mark.anyio
WAITING = BATCH + 100
"""More than the relay looks at in one go."""
NOTICES = """
UNWIND range(1, $n) AS seq
CREATE (:Outbox {seq: seq, kind: 'notice', key: 'link:1@gone', source: 'gone',
                 body: '{"notice_id": "n' + seq + '", "number": ' + seq + '}'})
"""
REPLAY = "CREATE (:Outbox {seq: $seq, kind: 'replay', key: 'e', source: '', body: $body})"


@pytest.fixture
async def site(store: Store, tmp_path: Path) -> AsyncIterator[LinkInProcess]:
    async with link_in_process(store, tmp_path) as site:
        yield site


async def test_notices_of_an_unconfigured_source_wait_in_order_and_block_nobody(
    site: LinkInProcess, caplog: pytest.LogCaptureFixture
) -> None:
    topic = topics.media_submitted("gone")
    event: dict[str, Any] = {
        "topic": topic,
        "key": None,
        "value": "e30=",
        "headers": [],
        "event": f"{topic}/0/1",
        "submitted_at": 1,
        "attempts": 1,
    }
    await site.do(NOTICES, n=WAITING)
    await site.do(REPLAY, seq=WAITING + 1, body=json.dumps(event))
    await site.do("MATCH (h:AuditHead) SET h.outbox = $n", n=WAITING + 1)
    site.write([make.embedded("one", [], make.submitted(), make.origin(0))])

    await site.linked()
    assert [notice["subject"] for notice in site.notices()] == [f"event:{make.origin(0).event}"]
    waits = {topics.notices("gone"): WAITING, topic: 1}
    assert (await counts.counts(site.store)).withheld == waits
    for name in waits:
        assert caplog.text.count(f"ALARM records for {name} wait") == 1

    await site.restart(sources=["local", "gone"])

    async def back() -> bool:
        return (await counts.counts(site.store)).withheld == {}

    await until(back, "all rows are in the outbox again")
    await site.linked()

    assert [notice["number"] for notice in site.notices("gone")] == list(range(1, WAITING + 1))
    [replayed] = site.read(topic)
    assert replayed.value == b"{}"
