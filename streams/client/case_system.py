"""A case system as Redthread meets it: publishes events with confluent-kafka and reads its notices."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from cloudevents.core.bindings.kafka import to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from streams import topics
from streams.kafka.connection import KafkaConnection
from streams.kafka.reader import TopicReader
from streams.records.incoming import CE_CASE, CE_MEDIA

Delivered = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Held:
    """What a topic holds: the ids of its events, and the SHA-256 that the event at each place names."""

    ids: frozenset[str]
    sha256_at: Mapping[str, str]


class CaseSystem:
    """Publishes in the name of one source; every record is acknowledged before `flush` returns."""

    def __init__(self, kafka: KafkaConnection, source: str = "local", **producer: Any) -> None:
        """`producer`: further settings of its producer, as KafkaConnection.librdkafka takes them."""
        self.source = source
        self._kafka = kafka
        self._failures: list[KafkaError] = []
        settings = kafka.librdkafka(
            enable_idempotence=True,
            acks="all",
            compression_type="zstd",
            # librdkafka's own default puts keys on other partitions than every other client does.
            partitioner="murmur2_random",
            linger_ms=5,
            **producer,
        )
        self._producer = Producer(settings)

    def submit(
        self, event: Mapping[str, Any], delivered: Delivered = lambda place: None, *, event_id: str = ""
    ) -> None:
        """Publishes a media event; `delivered` is told its place `topic/partition/offset`."""
        key = str(event.get("sha256") or event.get("url"))
        self.send(topics.media_submitted(self.source), CE_MEDIA, key, event, delivered, event_id=event_id)

    def change_case(self, event: Mapping[str, Any], delivered: Delivered = lambda place: None) -> None:
        self.send(topics.cases_changed(self.source), CE_CASE, str(event["case_id"]), event, delivered)

    def send(
        self,
        topic: str,
        ce_type: str,
        key: str,
        event: Mapping[str, Any],
        delivered: Delivered = lambda place: None,
        *,
        event_id: str = "",
    ) -> None:
        """Publishes any event as a CloudEvent in binary mode; without an `event_id` it gets one of its own."""
        cloud_event = CloudEvent(
            attributes={
                "id": event_id or str(uuid.uuid4()),
                "source": f"/{self.source}",
                "specversion": "1.0",
                "type": ce_type,
                "time": datetime.now(UTC),
                "datacontenttype": "application/json",
            },
            data=dict(event),
        )
        message = to_binary(cloud_event, JSONFormat())
        self.send_raw(topic, key.encode(), message.value, [*message.headers.items()], delivered)

    def send_raw(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, str | bytes | None]],
        delivered: Delivered = lambda place: None,
    ) -> None:
        """Publishes bytes as they are; waits where the producer's queue is full."""

        def report(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                self._failures.append(error)
            else:
                delivered(f"{message.topic()}/{message.partition()}/{message.offset()}")

        while True:
            try:
                self._producer.produce(topic, value, key, headers=headers, on_delivery=report)
                self._producer.poll(0)
                return
            except BufferError:
                self._producer.poll(0.5)

    def unacknowledged(self, wait_s: float = 0.0) -> int:
        """Records that the broker has not acknowledged after at most `wait_s`; KafkaException where it refused one."""
        self._producer.poll(0)
        left = self._producer.flush(wait_s) if wait_s else len(self._producer)
        if self._failures:
            raise KafkaException(self._failures[0])
        return left

    def flush(self, timeout_s: float = 60) -> None:
        """Returns when the broker has every record; KafkaException where it took one not."""
        left = self.unacknowledged(timeout_s)
        if left:
            raise TimeoutError(f"Kafka did not take {left} records within {timeout_s:.0f} s")

    def held(self) -> Held:
        """The media events of this source that their topic holds now."""
        ids, sha256_at = set[str](), dict[str, str]()
        with TopicReader(self._kafka) as reader:
            for message in reader.read(topics.media_submitted(self.source)):
                ids.add(message.header("ce_id"))
                place = f"{message.topic}/{message.partition}/{message.offset}"
                with suppress(ValueError, AttributeError):
                    sha256_at[place] = str(json.loads(message.value or b"").get("sha256"))
        return Held(frozenset(ids), sha256_at)

    def read_notices(self, start: int | None = None) -> NoticeReader:
        """A reader of this source's notices from offset `start`, or of those that come from now on."""
        return NoticeReader(self._kafka, topics.notices(self.source), start)

    def notices(self, *, idle: Callable[[], bool] = lambda: True, from_end: bool = False) -> Iterator[dict[str, Any]]:
        """All notices of this source from the beginning (or from now), as long as `idle` says to wait for more."""
        consumer = Consumer(self._kafka.librdkafka(group_id=f"notices-{uuid.uuid4()}", enable_auto_commit=False))
        try:
            position = TopicPartition(topics.notices(self.source), 0)
            low, high = consumer.get_watermark_offsets(position, timeout=30)
            position.offset = high if from_end else low
            consumer.assign([position])
            while True:
                message = consumer.poll(0.2)
                if message is None:
                    if not idle():
                        return
                    continue
                if message.error() is not None:
                    time.sleep(0.2)
                    continue
                yield json.loads(message.value() or b"null")
        finally:
            consumer.close()


class NoticeReader:
    """Reads notices as they come, in a thread of its own choosing; `position` is the offset of the next one."""

    def __init__(self, kafka: KafkaConnection, topic: str, start: int | None) -> None:
        self._consumer = Consumer(
            kafka.librdkafka(group_id=f"notices-{uuid.uuid4()}", enable_auto_commit=False, auto_offset_reset="earliest")
        )
        place = TopicPartition(topic, 0)
        low, high = self._consumer.get_watermark_offsets(place, timeout=30)
        if start is None:
            start = high
        elif not low <= start <= high:  # the topic lost its end, or its begin is over
            start = low
        self.position = place.offset = start
        self._consumer.assign([place])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def read(self, wait_s: float) -> list[dict[str, Any]]:
        """The notices that stand there, at most 500; waits up to `wait_s` for the first."""
        found: list[dict[str, Any]] = []
        # consume() waits for as many as it is asked for: one is waited for, the rest is taken as it stands.
        for message in (*self._consumer.consume(1, wait_s), *self._consumer.consume(499, 0)):
            if message.error() is None:
                found.append(json.loads(message.value() or b"null"))
                self.position = (message.offset() or 0) + 1
        return found
