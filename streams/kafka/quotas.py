"""Client quotas of Kafka, which hold back those who publish while there is too little space for what they publish."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Float64, Int16, Int32, Schema, String

from streams.kafka.app import CLIENT_ID

# What it says of a Kafka that is away reaches the caller as an error, and not the terminal of `up` as well.
logging.getLogger("aiokafka").addHandler(logging.NullHandler())

ENTITY: Final = "client-id"
"""What Kafka tells clients apart by."""
OTHERS, OURS = None, CLIENT_ID
"""Whose rate is limited, and whose is not: everybody without a quota of his own, and our own processes."""
LIMITED: Final = 1024.0
"""Bytes a second. Kafka makes a client wait for as long as its last batch takes at this rate: with a lower one it would
go on waiting long after the limit is lifted."""
UNLIMITED: Final = 2.0**53
RATE: Final = "producer_byte_rate"


class _Altered(Response):
    # Properties there, numbers in all its classes.
    API_KEY = 49  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    API_VERSION = 0  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("entries", Array(
            ("error_code", Int16), ("error_message", String("utf-8")),
            ("entity", Array(("entity_type", String("utf-8")), ("entity_name", String("utf-8")))),
        )),
    )  # fmt: skip


class _AlterStruct(RequestStruct):
    # Properties there, numbers in all its classes.
    API_KEY = 49  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    API_VERSION = 0  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    RESPONSE_TYPE = _Altered
    SCHEMA = Schema(
        ("entries", Array(
            ("entity", Array(("entity_type", String("utf-8")), ("entity_name", String("utf-8")))),
            ("ops", Array(("key", String("utf-8")), ("value", Float64), ("remove", Boolean))),
        )),
        ("validate_only", Boolean),
    )  # fmt: skip


class _Alter(Request[_AlterStruct]):
    """AlterClientQuotas, which neither aiokafka nor librdkafka has."""

    API_KEY = 49

    def __init__(self, entries: list[Any]) -> None:
        self._entries = entries

    def build(self, request_struct_class: type[_AlterStruct]) -> _AlterStruct:
        return request_struct_class(self._entries, False)


async def limit_producers(bootstrap: str, security: Mapping[str, str], *, limited: bool) -> None:
    """Kafka takes next to nothing from others than our own processes, or, without the limit, whatever they publish.

    Doing the same again changes nothing. Raises KafkaError or OSError where Kafka does not do it now.
    """
    make_client: Any = AIOKafkaClient
    client: Any = make_client(
        bootstrap_servers=bootstrap, client_id=CLIENT_ID, request_timeout_ms=10_000, **_access(security)
    )
    try:
        await client.bootstrap()
        entries = [
            ([(ENTITY, name)], [(RATE, rate, not limited)]) for name, rate in ((OTHERS, LIMITED), (OURS, UNLIMITED))
        ]
        answer: Any = await client.send(client.get_random_node(), _Alter(entries))
        for code, message, _ in answer.entries:
            if code:
                raise KafkaError(f"{message} ({code})")
    finally:
        await client.close()


def _access(security: Mapping[str, str]) -> dict[str, Any]:
    """aiokafka's names for librdkafka's SASL settings; a local Kafka has no TLS."""
    return {
        "security_protocol": security.get("security.protocol", "PLAINTEXT").upper(),
        "sasl_mechanism": security.get("sasl.mechanism", "PLAIN"),
        "sasl_plain_username": security.get("sasl.username"),
        "sasl_plain_password": security.get("sasl.password"),
    }
