"""What a case system reads from Kafka: its notices, and the media events that it has published."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from confluent_kafka import Consumer, TopicPartition

from streams import topics
from streams.kafka.connection import KafkaConnection
from streams.kafka.reader import TopicReader
from streams.records.reading import event_object

Notice = dict[str, Any]


class NoticeReader:
    """Reads the notices of a source from offset `start`, or those published from now on.

    Not thread-safe. `position` is the offset of the next notice.
    """

    def __init__(self, kafka: KafkaConnection, source: str, start: int | None) -> None:
        settings = kafka.librdkafka(
            group_id=f"notices-{uuid.uuid4()}", enable_auto_commit=False, auto_offset_reset="earliest"
        )
        self._consumer = Consumer(settings)
        place = TopicPartition(topics.notices(source), 0)
        low, high = self._consumer.get_watermark_offsets(place, timeout=30)
        if start is None:
            start = high
        elif not low <= start <= high:  # the topic lost its end, or its beginning has expired
            start = low
        self.position = place.offset = start
        self._consumer.assign([place])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def read(self, wait_s: float) -> list[Notice]:
        """The next notices, at most 500; waits up to `wait_s` for the first."""
        found: list[Notice] = []
        # consume() waits until it has as many as requested: wait for one, then take what has arrived.
        for message in (*self._consumer.consume(1, wait_s), *self._consumer.consume(499, 0)):
            if message.error() is None:
                found.append(json.loads(message.value() or b"null"))
                self.position = (message.offset() or 0) + 1
        return found


@dataclass(frozen=True, slots=True)
class MediaEvents:
    """The media events in a topic: their ids, and the SHA-256 that the event at each place names."""

    ids: frozenset[str]
    sha256_at: Mapping[str, str]


def media_events(kafka: KafkaConnection, source: str) -> MediaEvents:
    """The media events of a source that Kafka holds now."""
    ids, sha256_at = set[str](), dict[str, str]()
    with TopicReader(kafka) as reader:
        for message in reader.read(topics.media_submitted(source)):
            ids.add(message.attribute("id"))
            place = f"{message.topic}/{message.partition}/{message.offset}"
            sha256_at[place] = str(event_object(message.value).get("sha256"))
    return MediaEvents(frozenset(ids), sha256_at)
