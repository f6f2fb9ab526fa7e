"""Which settings keep what Kafka acknowledged: the disk of one broker, or three of which two must have it."""

import pytest

from streams.kafka.admin import is_durable

NEVER = "9223372036854775807"


@pytest.mark.parametrize(
    ("replicas", "in_sync", "flush", "expected"),
    [
        (1, "1", NEVER, False),
        (1, "1", "1", True),
        (1, "2", "1000", False),
        (2, "2", NEVER, False),
        (3, "1", NEVER, False),
        (3, "2", NEVER, True),
        (5, "3", NEVER, True),
    ],
)
def test_a_topic_is_durable_by_two_of_three_brokers_or_by_the_disk_of_each(
    replicas: int, in_sync: str, flush: str, expected: bool
) -> None:
    assert is_durable(replicas, {"min.insync.replicas": in_sync, "flush.messages": flush}) is expected
