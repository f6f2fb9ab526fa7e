"""While space is low the real Kafka holds back who publishes, but for our own processes."""

import asyncio
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from streams.kafka.connection import CLIENT_ID
from streams.kafka.quotas import limit_producers
from streams.settings import Addresses

TOPIC = "quotas.test"
BYTES = 100_000


@pytest.fixture
def topic(stack: Addresses) -> Iterator[str]:
    admin = AdminClient(stack.kafka_connection.librdkafka())
    admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result(30)
    yield TOPIC
    asyncio.run(limit_producers(stack.kafka_connection, limited=False))
    admin.delete_topics([TOPIC])[TOPIC].result(30)


def is_held_back(stack: Addresses, topic: str, client: str) -> bool:
    """Whether Kafka makes a producer of this name wait after a record."""
    waits: list[float] = []
    settings = stack.kafka_connection.librdkafka(client_id=client, acks="all")
    producer = Producer({**settings, "throttle_cb": lambda event: waits.append(event.throttle_time)})
    producer.produce(topic, bytes(BYTES))
    assert producer.flush(60) == 0
    producer.poll(1)
    return max(waits, default=0) > 0


def test_others_are_held_back_and_our_own_processes_are_not_until_there_is_space_again(
    stack: Addresses, topic: str
) -> None:
    asyncio.run(limit_producers(stack.kafka_connection, limited=True))
    assert is_held_back(stack, topic, "a case system")
    assert not is_held_back(stack, topic, CLIENT_ID)
    asyncio.run(limit_producers(stack.kafka_connection, limited=False))
    asyncio.run(limit_producers(stack.kafka_connection, limited=False))
    assert not is_held_back(stack, topic, "another one")
