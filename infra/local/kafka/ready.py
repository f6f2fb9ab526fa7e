"""Waits for a Kafka to answer, whoever started it."""

import asyncio

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from tenacity import RetryError

from infra.local.base import StackError, polling
from streams.kafka.connection import KafkaConnection

READY_S = 120.0


async def wait_until_ready(kafka: KafkaConnection, *, timeout_s: float = READY_S) -> None:
    """Returns once a broker answers a request for its topics; StackError after the time."""
    admin = AdminClient(kafka.librdkafka(reconnect_backoff_max_ms=250))

    async def answers() -> bool:
        return bool((await asyncio.to_thread(admin.list_topics, timeout=1.0)).brokers)

    try:
        await polling(timeout_s, KafkaException)(answers)
    except RetryError as error:
        raise StackError(f"Kafka at {kafka.bootstrap} does not answer after {timeout_s:.0f} s") from error
