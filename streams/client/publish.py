"""Publishes events as a case system does, with confluent-kafka."""

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from cloudevents.core.bindings.kafka import to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from streams import topics
from streams.client.receive import NoticeReader
from streams.kafka.connection import KafkaConnection
from streams.records.incoming import CE_CASE, CE_MEDIA

Delivered = Callable[[str], None]
"""Called with the place `topic/partition/offset` of an acknowledged record."""


class CaseSystem:
    """Publishes as one source; Kafka has acknowledged every record when `flush` returns."""

    def __init__(self, kafka: KafkaConnection, source: str = "local", **producer: Any) -> None:
        """`producer`: further settings of its producer, as KafkaConnection.librdkafka takes them."""
        self.source = source
        self.kafka = kafka
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
        """Publishes a media event."""
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
        """Publishes an event as a CloudEvent in binary mode; its id is random where no `event_id` is given."""
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
        """Publishes these bytes; waits while the producer's queue is full."""

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
        """How many records are not acknowledged after at most `wait_s`; KafkaException where the broker refused one."""
        self._producer.poll(0)
        left = self._producer.flush(wait_s) if wait_s else len(self._producer)
        if self._failures:
            raise KafkaException(self._failures[0])
        return left

    def flush(self, timeout_s: float = 60) -> None:
        """Returns when the broker has every record; raises KafkaException where it refused one, or TimeoutError."""
        left = self.unacknowledged(timeout_s)
        if left:
            raise TimeoutError(f"Kafka did not take {left} records within {timeout_s:.0f} s")

    def read_notices(self, start: int | None = None) -> NoticeReader:
        """A reader of this source's notices from offset `start`, or of those published from now on."""
        return NoticeReader(self.kafka, self.source, start)
