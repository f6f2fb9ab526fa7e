"""A consumer group's committed offsets, read and set from outside the group.

Not by librdkafka's admin requests for them: both end the process, by an assertion or SIGSEGV, when their time runs out
while the coordinator is away (librdkafka 3663 and 4605). A consumer that never subscribes sends the requests that every
consumer sends.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaException, TopicPartition

ANSWER_S: Final = 10.0
"""The longest that Kafka is waited for; a group's coordinator moves, or starts again, in less."""


class GroupOffsets:
    """One group's offsets. Everything raises KafkaException where Kafka does not answer within ANSWER_S."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    def partitions(self, topics: Sequence[str]) -> list[TopicPartition]:
        """The partitions of those of the topics that exist."""
        known = self._consumer.list_topics(timeout=ANSWER_S).topics
        return [TopicPartition(name, number) for name in topics if name in known for number in known[name].partitions]

    def committed(self, places: Sequence[TopicPartition]) -> list[int]:
        """The committed offset of each partition; negative where there is none."""
        return _offsets(self._consumer.committed([*places], timeout=ANSWER_S))

    def bounds(self, places: Sequence[TopicPartition]) -> list[tuple[int, int]]:
        """Of each partition the first offset that it holds, and the one behind its last."""
        first, end = (
            _offsets(
                self._consumer.offsets_for_times(
                    [TopicPartition(place.topic, place.partition, logical) for place in places], timeout=ANSWER_S
                )
            )
            for logical in (OFFSET_BEGINNING, OFFSET_END)
        )
        return [*zip(first, end, strict=True)]

    def commit(self, place: TopicPartition) -> None:
        """Makes this the group's offset. KafkaException, too, while the group has members: Kafka refuses it then."""
        done = self._consumer.commit(offsets=[place], asynchronous=False)
        _offsets(done or [])


@contextmanager
def group_offsets(bootstrap: str, security: Mapping[str, str], group: str) -> Generator[GroupOffsets]:
    """The offsets of a group, for as long as it is left open; it is never joined."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "enable.auto.commit": False,
            "log_level": 0,
            # How long a commit waits for the group's coordinator: no member, no session.
            "session.timeout.ms": int(ANSWER_S * 1000),
            "reconnect.backoff.max.ms": 1000,
            **security,
        }
    )
    try:
        yield GroupOffsets(consumer)
    finally:
        consumer.close()


def _offsets(answers: Sequence[TopicPartition]) -> list[int]:
    for answer in answers:
        if answer.error is not None:
            raise KafkaException(answer.error)
    return [answer.offset for answer in answers]
