"""The gallery log as a Kafka topic: its identity and bounds, link's committed offset, and deletion up to the cursor."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from graph.actions.link.cursor import Cursor, RecordId
from graph.domain.errors import LogGap, NotSameLog
from streams import topics
from streams.kafka.connection import KafkaConnection
from streams.kafka.offsets import group_offsets
from streams.kafka.reader import TopicReader
from streams.records.message import Message
from streams.topics import LINK_GROUP

log = logging.getLogger(__name__)
WAIT_S: Final = 0.5
REPAIR: Final = "`redthread restore` repairs it"


class GalleryTopic:
    """Reads and administers the gallery log's topic; every method blocks."""

    def __init__(self, kafka: KafkaConnection) -> None:
        self._kafka = kafka
        self._admin: Any = AdminClient(kafka.librdkafka())

    def log_id(self) -> str:
        """The id that Kafka gave this topic; a recreated topic has another one."""
        future = self._admin.describe_topics(TopicCollection([topics.GALLERY]))[topics.GALLERY]
        return str(future.result(30).topic_id)

    def bounds(self) -> tuple[int, int]:
        """The first offset of the log, and the one after its last."""
        consumer = Consumer(self._kafka.librdkafka(group_id=f"{LINK_GROUP}-look"))
        try:
            return consumer.get_watermark_offsets(TopicPartition(topics.GALLERY, 0), timeout=30)
        finally:
            consumer.close()

    def record_at(self, offset: int) -> RecordId | None:
        """The identity of the record at `offset`; None if the log does not hold it."""
        with TopicReader(self._kafka) as reader:
            first = next(reader.read(topics.GALLERY, {0: offset}), None)
        return record_id(first) if first is not None and first.offset == offset else None

    def check(self, cursor: Cursor) -> None:
        """Raises LogGap or NotSameLog unless the log continues the one that the graph was written from."""
        low, high = self.bounds()
        check_log(cursor, self.log_id(), low, high)
        if cursor.record is None or cursor.offset < low:
            return
        # None if another link process has moved the cursor and deleted the record meanwhile.
        if (found := self.record_at(cursor.offset)) is not None:
            check_record(cursor, found)

    def align(self, read_cursor: Callable[[], Cursor]) -> None:
        """Sets the group's committed offset to the record after the cursor; waits until the group is empty.

        Reads the cursor for each attempt, because the process that leaves the group may have moved it. Raises as
        `check`.
        """
        announced = ""
        while True:
            try:
                cursor = read_cursor()
                self.check(cursor)
                with group_offsets(self._kafka, LINK_GROUP) as offsets:
                    offsets.commit(TopicPartition(topics.GALLERY, 0, cursor.offset + 1))
                return
            except KafkaException as error:
                reason = error.args[0].str()
            except TimeoutError:
                reason = "Kafka does not answer"
            if reason != announced:
                log.warning("link waits until Kafka answers and its group is empty: %s", reason)
                announced = reason
            time.sleep(WAIT_S)

    def delete_before(self, offset: int) -> None:
        """Deletes the records before `offset`, which the graph holds; the cursor's own record identifies the log."""
        position = TopicPartition(topics.GALLERY, 0, offset)
        for future in self._admin.delete_records([position]).values():
            future.result(30)


def check_log(cursor: Cursor, log_id: str, low: int, high: int) -> None:
    """Raises LogGap or NotSameLog if the record after the cursor is not in the log."""
    if cursor.broken is not None:
        raise LogGap(cursor.broken)
    if cursor.log_id is not None and cursor.log_id != log_id:
        raise LogGap(f"the gallery log is another one than the graph was written from ({REPAIR})")
    if cursor.offset + 1 < low:
        reason = f"the gallery log begins at {low}, the graph stands at {cursor.offset}: records are missing"
        raise LogGap(f"{reason} ({REPAIR})")
    if cursor.offset + 1 > high:
        reason = f"the gallery log ends before {high}, the graph stands at {cursor.offset}"
        raise NotSameLog(f"{reason}: it is not the same log ({REPAIR})")


def check_record(cursor: Cursor, found: RecordId) -> None:
    """Raises NotSameLog if the log holds another record at the cursor."""
    if found != cursor.record:
        reason = f"the gallery log's record {cursor.offset} is another than the graph took from there"
        raise NotSameLog(f"{reason}: it is not the same log ({REPAIR})")


def record_id(message: Message) -> RecordId:
    """The identity of a record of the log."""
    return RecordId(message.header("ce_id"), hashlib.sha256(message.value or b"").hexdigest())
