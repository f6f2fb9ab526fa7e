"""A case system as Redthread meets it: publishes events with confluent-kafka and reads its notices."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from cloudevents.core.bindings.kafka import to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from streams import topics

MEDIA: Final = "redthread.media.submitted.v1"
CASE: Final = "redthread.cases.changed.v1"

Delivered = Callable[[str], None]


class CaseSystem:
    """Publishes in the name of one source; every record is acknowledged before `flush` returns."""

    def __init__(self, bootstrap: str, source: str = "local", security: Mapping[str, str] | None = None) -> None:
        self.source = source
        self._connection: dict[str, Any] = {"bootstrap.servers": bootstrap, **(security or {})}
        self._failures: list[KafkaError] = []
        self._producer = Producer(
            {
                **self._connection,
                "enable.idempotence": True,
                "acks": "all",
                "compression.type": "zstd",
                # librdkafka's own default puts keys on other partitions than every other client does.
                "partitioner": "murmur2_random",
                "linger.ms": 5,
            }
        )

    def submit(self, event: Mapping[str, Any], delivered: Delivered = lambda place: None) -> None:
        """Publishes a media event; `delivered` is told its place `topic/partition/offset`."""
        key = str(event.get("sha256") or event.get("url"))
        self.send(topics.media_submitted(self.source), MEDIA, key, event, delivered)

    def change_case(self, event: Mapping[str, Any], delivered: Delivered = lambda place: None) -> None:
        self.send(topics.cases_changed(self.source), CASE, str(event["case_id"]), event, delivered)

    def send(
        self, topic: str, ce_type: str, key: str, event: Mapping[str, Any], delivered: Delivered = lambda place: None
    ) -> None:
        """Publishes any event as a CloudEvent in binary mode."""
        cloud_event = CloudEvent(
            attributes={
                "id": str(uuid.uuid4()),
                "source": f"/{self.source}",
                "specversion": "1.0",
                "type": ce_type,
                "time": datetime.now(UTC),
                "datacontenttype": "application/json",
            },
            data=dict(event),
        )
        message = to_binary(cloud_event, JSONFormat())
        self.send_raw(topic, key.encode(), message.value, list(message.headers.items()), delivered)

    def send_raw(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes]],
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

    def flush(self, timeout_s: float = 60) -> None:
        """Returns when the broker has every record; KafkaException where it took one not."""
        left = self._producer.flush(timeout_s)
        if self._failures:
            raise KafkaException(self._failures[0])
        if left:
            raise TimeoutError(f"Kafka did not take {left} records within {timeout_s:.0f} s")

    def notices(self, *, idle: Callable[[], bool] = lambda: True, from_end: bool = False) -> Iterator[dict[str, Any]]:
        """All notices of this source from the beginning (or from now), as long as `idle` says to wait for more."""
        consumer = Consumer({**self._connection, "group.id": f"notices-{uuid.uuid4()}", "enable.auto.commit": False})
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
