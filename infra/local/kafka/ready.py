"""Waits for a Kafka to answer, whoever started it."""

from __future__ import annotations

import asyncio
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from tenacity import (
    AsyncRetrying,
    RetryError,
    retry_if_exception_type,
    retry_if_not_result,
    stop_after_delay,
    wait_fixed,
)

from infra.local.base import StackError
from streams.kafka.connection import KafkaConnection

READY_S = 120.0


async def wait_until_ready(kafka: KafkaConnection, *, timeout_s: float = READY_S) -> None:
    """Returns once a broker answers a request for its topics; StackError after the time."""
    admin = AdminClient(kafka.librdkafka(reconnect_backoff_max_ms=250))

    def has_brokers(cluster: Any) -> bool:
        return bool(cluster.brokers)

    attempts = AsyncRetrying(
        retry=retry_if_exception_type(KafkaException) | retry_if_not_result(has_brokers),
        stop=stop_after_delay(timeout_s),
        wait=wait_fixed(0.1),
    )
    try:
        await attempts(asyncio.to_thread, admin.list_topics, timeout=1.0)
    except RetryError as error:
        raise StackError(f"Kafka at {kafka.bootstrap} does not answer after {timeout_s:.0f} s") from error
