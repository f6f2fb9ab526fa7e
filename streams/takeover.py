"""Before link starts: the graph's cursor is the truth, Kafka's committed offset is set to it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from graph.actions.ingest import Cursor
from graph.domain.errors import LogGap
from streams import topics
from streams.agents import LINK_GROUP
from streams.group_offsets import group_offsets

log = logging.getLogger(__name__)
WAIT_S: Final = 0.5


class Log:
    """The gallery log as Kafka has it."""

    def __init__(self, bootstrap: str, security: Mapping[str, str]) -> None:
        self._bootstrap, self._security = bootstrap, security
        self._config: dict[str, Any] = {"bootstrap.servers": bootstrap, **security}
        self._admin: Any = AdminClient(self._config)

    def log_id(self) -> str:
        """The id that Kafka gave this topic: another one means another log."""
        future = self._admin.describe_topics(TopicCollection([topics.GALLERY]))[topics.GALLERY]
        return str(future.result(30).topic_id)

    def bounds(self) -> tuple[int, int]:
        """The first offset that the log holds and the one behind its last."""
        consumer = Consumer({**self._config, "group.id": f"{LINK_GROUP}-look"})
        try:
            return consumer.get_watermark_offsets(TopicPartition(topics.GALLERY, 0), timeout=30)
        finally:
            consumer.close()

    def align(self, read_cursor: Callable[[], Cursor]) -> None:
        """Sets the group's committed offset to the record behind the cursor; waits until the group is empty.

        The cursor is read anew each time: whoever leaves the group has moved it until then. Raises LogGap where the
        log can't go on where the graph stands.
        """
        announced = ""
        while True:
            try:
                cursor = read_cursor()
                check_log(cursor, self.log_id(), *self.bounds())
                with group_offsets(self._bootstrap, self._security, LINK_GROUP) as offsets:
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

    def forget_until(self, offset: int) -> None:
        """Deletes the log's records up to and with `offset`: what the graph holds need not lie in Kafka too."""
        position = TopicPartition(topics.GALLERY, 0, offset + 1)
        for future in self._admin.delete_records([position]).values():
            future.result(30)


def check_log(cursor: Cursor, log_id: str, low: int, high: int) -> None:
    """Refuses a log in which the record behind the cursor can't be found."""
    if cursor.log_id is not None and cursor.log_id != log_id:
        raise LogGap("the gallery log is another one than the graph was written from: restore it, or the graph")
    if cursor.offset + 1 < low:
        raise LogGap(f"the gallery log begins at {low}, the graph stands at {cursor.offset}: records are missing")
    if cursor.offset + 1 > high:
        raise LogGap(f"the gallery log ends before {high}, the graph stands at {cursor.offset}: it is not the same log")
