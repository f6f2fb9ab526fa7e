"""Committed offsets of consumer groups, read and set from outside the group, and the lag that follows from them.

Not by librdkafka's admin requests: both end the process, by an assertion or SIGSEGV, when their time runs out while the
coordinator is away (librdkafka 3663 and 4605). A consumer that never subscribes sends the requests of every consumer.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaException, TopicPartition

from streams.kafka.connection import KafkaConnection
from streams.topics import read_by

ANSWER_S: Final = 10.0
"""The longest wait for Kafka; a group's coordinator moves, or restarts, in less."""


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
        """Each partition's first stored offset, and the one after its last."""
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
        """Sets the group's offset. KafkaException also while the group has members: Kafka refuses it then."""
        done = self._consumer.commit(offsets=[place], asynchronous=False)
        _offsets(done or [])


@contextmanager
def group_offsets(kafka: KafkaConnection, group: str) -> Generator[GroupOffsets]:
    """The offsets of a group, on a connection that is closed afterwards; the group is never joined."""
    settings = kafka.librdkafka(
        group_id=group,
        enable_auto_commit=False,
        # How long a commit waits for the group's coordinator: no member, no session.
        session_timeout_ms=int(ANSWER_S * 1000),
        reconnect_backoff_max_ms=1000,
    )
    consumer = Consumer(settings)
    try:
        yield GroupOffsets(consumer)
    finally:
        consumer.close()


def _offsets(answers: Sequence[TopicPartition]) -> list[int]:
    for answer in answers:
        if answer.error is not None:
            raise KafkaException(answer.error)
    return [answer.offset for answer in answers]


@dataclass(frozen=True, slots=True)
class Position:
    """Records of a topic, over all partitions: committed by one group, and present in all."""

    done: int
    end: int

    @property
    def lag(self) -> int:
        return max(0, self.end - self.done)


Positions = Mapping[tuple[str, str], Position]
"""By (group, topic)."""


def positions(
    kafka: KafkaConnection, sources: Sequence[str], done: Mapping[tuple[str, int], int] | None = None
) -> Positions:
    """The positions of embed and link in the topics that they read; records deleted unread count as done.

    So do the first `done` records of a partition, by (topic, partition): groups commit their offsets only later. Raises
    KafkaException where Kafka does not answer.
    """
    found: dict[tuple[str, str], Position] = {}
    for group, names in read_by(sources).items():
        with group_offsets(kafka, group) as offsets:
            places = offsets.partitions(names)
            # The ends last: what is committed meanwhile is never beyond them.
            for place, committed, (first, end) in zip(
                places, offsets.committed(places), offsets.bounds(places), strict=True
            ):
                old = found.get((group, place.topic), Position(0, 0))
                known = max(first, committed, (done or {}).get((place.topic, place.partition), 0))
                found[group, place.topic] = Position(old.done + min(known, end), old.end + end)
    return found


def lags(kafka: KafkaConnection, sources: Sequence[str]) -> dict[tuple[str, str], int]:
    """Records that embed and link have not committed yet, by (group, topic), over all partitions."""
    return {key: position.lag for key, position in positions(kafka, sources).items()}
