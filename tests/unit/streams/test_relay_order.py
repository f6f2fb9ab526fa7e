"""Rows of the outbox with one key reach their topic in the order in which they were written."""

from __future__ import annotations

import asyncio
import json
import random
from types import SimpleNamespace
from typing import Any

import pytest

from streams import relay
from streams.relay import Relay

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_notices_of_one_subject_are_sent_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Symptom: of two notices in one round the second was in the topic first.

    Cause: all sends of a round began together, and nothing says in which order such sends reach the broker.
    """
    sent: dict[bytes, list[str]] = {}
    chance = random.Random(1)

    async def send(_topic: Any, key: bytes, value: bytes, _headers: Any) -> None:
        await asyncio.sleep(chance.random() / 1000)
        sent.setdefault(key, []).append(json.loads(value)["notice_id"])

    async def read(_work: Any) -> Any:
        return 1, rows

    async def write(_work: Any) -> None:
        return None

    monkeypatch.setattr(relay, "send_sure", send)
    rows = [
        {"seq": number, "kind": "notice", "key": f"link:{number % 5}", "source": "local",
         "body": json.dumps({"notice_id": f"{number:03}"})}
        for number in range(100)
    ]  # fmt: skip
    part: Any = Relay.__new__(Relay)
    part._store = SimpleNamespace(read=read, write=write)
    part._link = SimpleNamespace(epoch=1)
    part._crash = SimpleNamespace(reach=lambda _: None)
    part._app, part._topics = SimpleNamespace(topic=lambda name, **_: name), {}

    assert await part._publish() == 100
    assert len(sent) == 5
    assert all(order == sorted(order) for order in sent.values())
