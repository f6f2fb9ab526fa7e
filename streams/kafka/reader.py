"""Reads topics from an offset to their present end, without joining a group."""

import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Self

from confluent_kafka import Consumer, KafkaError, TopicPartition

from streams.kafka.connection import KafkaConnection
from streams.records.message import Message

ANSWER_S: Final = 30.0
"""Seconds without a record or an answer after which the broker counts as away."""
POLL_MAX: Final = 500


class TopicReader:
    """A reader on its own connection; its methods block. KafkaException or TimeoutError where Kafka is away."""

    def __init__(self, kafka: KafkaConnection) -> None:
        settings = kafka.librdkafka(
            group_id="redthread-reader",
            enable_auto_commit=False,
            # Records deleted while they are read are skipped, and nothing after them.
            auto_offset_reset="earliest",
            # As the workers read. The end is signalled: after the last record there may be a transaction's marker.
            isolation_level="read_uncommitted",
            enable_partition_eof=True,
        )
        self._consumer = Consumer(settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def partitions(self, topic: str) -> list[int]:
        """The topic's partitions; none where there is no such topic."""
        return [*self._consumer.list_topics(topic, timeout=ANSWER_S).topics[topic].partitions]

    def bounds(self, topic: str) -> dict[int, tuple[int, int]]:
        """Each partition's first offset and the one after its last."""
        return {number: self._bounds(topic, number) for number in self.partitions(topic)}

    def _bounds(self, topic: str, number: int) -> tuple[int, int]:
        return self._consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=ANSWER_S)

    def read(self, topic: str, start: Mapping[int, int] | None = None) -> Iterator[Message]:
        """The records in the topic now, from offset `start` of each partition (or its first) on."""
        for number in self.partitions(topic):
            low, high = self._bounds(topic, number)
            yield from self._read(topic, number, max(low, (start or {}).get(number, low)), high)

    def _read(self, topic: str, number: int, place: int, high: int) -> Iterator[Message]:
        if place >= high:
            return
        self._consumer.assign([TopicPartition(topic, number, place)])
        answered = time.monotonic()
        while place < high:
            first = self._consumer.poll(1.0)
            if first is None:
                if time.monotonic() - answered > ANSWER_S:
                    raise TimeoutError(f"Kafka gave no record of {topic}/{number} from {place} on in {ANSWER_S:.0f} s")
                continue
            answered = time.monotonic()
            # consume() waits until it has as many as requested: wait for one record, then take what has arrived.
            for message in (first, *self._consumer.consume(POLL_MAX, 0.0)):
                error = message.error()
                if error is None:
                    place = (message.offset() or 0) + 1
                    if place <= high:
                        yield _message(message)
                elif error.code() == KafkaError._PARTITION_EOF:
                    place = high
        self._consumer.unassign()


def _message(found: Any) -> Message:
    return Message(
        topic=found.topic(),
        partition=found.partition(),
        offset=found.offset(),
        key=found.key(),
        value=found.value(),
        headers=[(str(name), value) for name, value in found.headers() or ()],
        timestamp=found.timestamp()[1],
    )
