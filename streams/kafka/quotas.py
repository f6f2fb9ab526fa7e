"""Client quotas of Kafka, which throttle publishers while there is too little space for what they publish."""

import logging
from typing import Any, Final

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Float64, Int16, Int32, Schema, String

from streams.kafka.connection import CLIENT_ID, KafkaConnection

# A Kafka that is away reaches the caller as an error; the log lines would only disturb the terminal of `up`.
logging.getLogger("aiokafka").addHandler(logging.NullHandler())

CLIENT: Final = "client-id"
"""The kind of quota: by the name that a client gives itself."""
OTHERS, OURS = None, CLIENT_ID
"""Whose rate is limited, and whose is not: every client without a quota of its own, and our own processes."""
LIMITED: Final = 1024.0
"""Bytes a second. Kafka makes a client wait for as long as its last batch takes at this rate: with a lower one it would
still wait long after the limit is removed."""
UNLIMITED: Final = 2.0**53
RATE: Final = "producer_byte_rate"

_TEXT: Final = String("utf-8")
_ENTITY: Final = ("entity", Array(("entity_type", _TEXT), ("entity_name", _TEXT)))
_CHANGES: Final = ("ops", Array(("key", _TEXT), ("value", Float64), ("remove", Boolean)))


class _AlterResponse(Response):
    # Properties in the base class, numbers in all of aiokafka's own subclasses.
    API_KEY = 49  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    API_VERSION = 0  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    SCHEMA = Schema(
        ("throttle_time_ms", Int32), ("entries", Array(("error_code", Int16), ("error_message", _TEXT), _ENTITY))
    )


class _AlterStruct(RequestStruct):
    API_KEY = 49  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    API_VERSION = 0  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    RESPONSE_TYPE = _AlterResponse
    SCHEMA = Schema(("entries", Array(_ENTITY, _CHANGES)), ("validate_only", Boolean))


class _AlterClientQuotas(Request[_AlterStruct]):
    """The request of that name, which neither aiokafka nor librdkafka has."""

    API_KEY = 49

    def __init__(self, entries: list[Any]) -> None:
        self._entries = entries

    def build(self, request_struct_class: type[_AlterStruct]) -> _AlterStruct:
        return request_struct_class(self._entries, False)


async def limit_producers(kafka: KafkaConnection, *, limited: bool) -> None:
    """Limits all producers but our own to almost nothing, or removes that limit.

    Repeating it changes nothing. Raises KafkaError or OSError where Kafka does not do it now.
    """
    make_client: Any = AIOKafkaClient
    client: Any = make_client(client_id=CLIENT_ID, request_timeout_ms=10_000, **kafka.aiokafka())
    try:
        await client.bootstrap()
        entries = [
            ([(CLIENT, name)], [(RATE, rate, not limited)]) for name, rate in ((OTHERS, LIMITED), (OURS, UNLIMITED))
        ]
        answer: Any = await client.send(client.get_random_node(), _AlterClientQuotas(entries))
        for code, message, _ in answer.entries:
            if code:
                raise KafkaError(f"{message} ({code})")
    finally:
        await client.close()
