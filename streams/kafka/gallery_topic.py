"""The gallery log as Kafka has it, checked against the graph's cursor and aligned with it: the cursor is the truth."""

import hashlib
import logging
import time
from collections.abc import Callable
from typing import Any, Final

from confluent_kafka import KafkaException, TopicCollection, TopicPartition
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
    """The topic of the gallery log. Everything raises KafkaException or TimeoutError where Kafka is away."""

    def __init__(self, kafka: KafkaConnection) -> None:
        self._kafka = kafka
        self._admin: Any = AdminClient(kafka.librdkafka())

    def log_id(self) -> str:
        """The id that Kafka gave this topic: another one means another log."""
        future = self._admin.describe_topics(TopicCollection([topics.GALLERY]))[topics.GALLERY]
        return str(future.result(30).topic_id)

    def bounds(self) -> tuple[int, int]:
        """The log's first offset and the one after its last."""
        with TopicReader(self._kafka) as reader:
            return reader.bounds(topics.GALLERY)[0]

    def record_at(self, offset: int) -> RecordId | None:
        """The identity of the record at `offset`; None where the log has none there."""
        with TopicReader(self._kafka) as reader:
            first = next(reader.read(topics.GALLERY, {0: offset}), None)
        return record_id(first) if first is not None and first.offset == offset else None

    def check(self, cursor: Cursor) -> None:
        """Raises LogGap where the log is not the one that the graph was written from, or lacks its next record."""
        low, high = self.bounds()
        check_log(cursor, self.log_id(), low, high)
        if cursor.record is None or cursor.offset < low:
            return
        # None where another link process has advanced and deleted it meanwhile.
        if (found := self.record_at(cursor.offset)) is not None:
            check_record(cursor, found)

    def align(self, read_cursor: Callable[[], Cursor]) -> None:
        """Sets the group's committed offset to the record behind the cursor; waits until the group is empty.

        The cursor is read again each time: a member that leaves the group has moved it by then. Raises LogGap as
        `check` does.
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

    def forget_before(self, offset: int) -> None:
        """Deletes the log's records before `offset`: their content is in the graph.

        The cursor's own record remains, so that the log can be recognised by it.
        """
        position = TopicPartition(topics.GALLERY, 0, offset)
        for future in self._admin.delete_records([position]).values():
            future.result(30)


def check_log(cursor: Cursor, log_id: str, low: int, high: int) -> None:
    """Raises LogGap where the record after the cursor can't be found in this log."""
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
    """Raises NotSameLog where the log holds another record at the cursor."""
    if found != cursor.record:
        reason = f"the gallery log's record {cursor.offset} is another than the graph took from there"
        raise NotSameLog(f"{reason}: it is not the same log ({REPAIR})")


def record_id(message: Message) -> RecordId:
    """The identity of a record of the log."""
    return RecordId(message.header("ce_id"), hashlib.sha256(message.value or b"").hexdigest())
