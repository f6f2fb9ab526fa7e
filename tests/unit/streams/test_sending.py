"""A record is sent until the broker has it; one that it never takes is told at once."""

from collections.abc import Awaitable
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError

from graph.domain.errors import Unprocessable
from streams.kafka import sending

pytestmark = pytest.mark.anyio


class Topic:
    """A topic whose sends fail with these errors, one after the other, before one arrives."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.arrived: list[tuple[bytes, bytes]] = []

    async def send(self, *, key: bytes, value: bytes, headers: Any) -> Awaitable[None]:
        async def answer() -> None:
            if self._errors:
                raise self._errors.pop(0)
            self.arrived.append((key, value))

        return answer()


async def test_a_record_is_sent_again_until_the_broker_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "FIRST_WAIT_S", 0.0)
    topic = Topic(KafkaConnectionError(), TimeoutError(), KafkaConnectionError())

    await sending.send_sure(topic, b"key", b"value", [])

    assert topic.arrived == [(b"key", b"value")]


@pytest.mark.parametrize("wrapped", [False, True])
async def test_a_record_that_is_too_large_is_refused_and_not_sent_again(wrapped: bool) -> None:
    error: Exception = MessageSizeTooLargeError()
    if wrapped:
        error, cause = RuntimeError("as Faust wraps it"), error
        error.__cause__ = cause

    with pytest.raises(Unprocessable, match="larger than its topic takes"):
        await sending.send_sure(topic := Topic(error), b"key", b"value", [])

    assert topic.arrived == []
