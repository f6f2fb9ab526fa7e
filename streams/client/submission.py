"""Publishes events as a case system does, and follows each of them until its notice arrives."""

import asyncio
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from confluent_kafka import KafkaException

from graph.domain.errors import RedthreadError, StoreUnavailable
from graph.store.session import Store
from streams import topics
from streams.client.publish import CaseSystem
from streams.client.receive import Notice, NoticeReader
from streams.kafka.offsets import lags
from streams.settings import Addresses
from streams.topics import EMBED_GROUP, LINK_GROUP

PATIENCE_S = 120.0
"""Seconds without progress after which waiting is given up; one event takes far less."""
ANSWER_S = 10.0
"""Seconds in which Neo4j has to answer a ping."""
READ_EVERY_S = 0.1
IN_FLIGHT = 20_000
"""Unacknowledged records from which on the sender waits for Kafka."""

Key = TypeVar("Key")


class Stuck(RedthreadError):
    """No progress any more; the message names the step and its log."""

    code = "stuck"


class Interrupted(RedthreadError):
    """The caller stopped the work before it was complete."""

    code = "interrupted"


class Submission(Generic[Key]):
    """Events of one run, each under a key of the sender's own.

    Callbacks, all in the calling thread: `event_id` gives the event's id for a key, by which its notice is recognised;
    `acknowledged` gets a key and its place `topic/partition/offset`, `noticed` a key and each of its notices (a replay
    has another one), `progress` the numbers of events sent and notified; `is_held_up` says that no progress is possible
    now. Notices are not stored here: there may be very many.
    """

    def __init__(
        self,
        system: CaseSystem,
        reader: NoticeReader,
        *,
        event_id: Callable[[Key], str] = lambda key: uuid.uuid4().hex,
        acknowledged: Callable[[Key, str], None] = lambda key, place: None,
        noticed: Callable[[Key, Notice], None] = lambda key, notice: None,
        progress: Callable[[int, int], None] = lambda sent, noticed: None,
        is_held_up: Callable[[], bool] = lambda: False,
    ) -> None:
        self._notified: set[Key] = set()
        self._system = system
        self._reader = reader
        self._acknowledged = acknowledged
        self._event_id = event_id
        self._noticed = noticed
        self._progress = progress
        self._is_held_up = is_held_up
        self._keys: dict[str, Key] = {}
        self._sent = 0
        self._known = 0
        self._moved = self._read_at = time.monotonic()

    def expect(self, key: Key, name: str) -> None:
        """Follows an event that was published before, by its id, or by its place where it has none."""
        self._sent += 1
        self._known += 1
        self._keys[name] = key

    def publish(self, events: Iterable[tuple[Key, Mapping[str, Any]]], stop: threading.Event) -> None:
        """Publishes events until Kafka has acknowledged all; raises Interrupted where `stop` was set before."""
        for key, event in events:
            event_id = self._event_id(key)
            self._keys[event_id] = key
            self._system.submit(event, lambda place, key=key: self._acknowledge(key, place), event_id=event_id)
            self._sent += 1
            if time.monotonic() - self._read_at > READ_EVERY_S:
                self._read(0, stop)
            while self._system.unacknowledged() > IN_FLIGHT:
                self._wait_for_kafka(stop)
        while self._system.unacknowledged():
            self._wait_for_kafka(stop)

    def wait(self, stop: threading.Event, explain: Callable[[], str]) -> None:
        """Returns when every event has its notice. Raises Stuck, with the text of `explain`, or Interrupted."""
        self._moved = time.monotonic()
        while len(self._notified) < self._known:
            self._read(0.2, stop)
            if self._is_held_up():
                self._moved = time.monotonic()
            if time.monotonic() - self._moved > PATIENCE_S:
                waiting = f"{self._known - len(self._notified)} of {self._sent} events have no notice"
                raise Stuck(f"{waiting}, and none came for {PATIENCE_S:.0f} s: {explain()}")
        self._progress(self._sent, len(self._notified))

    def _wait_for_kafka(self, stop: threading.Event) -> None:
        before = self._known
        self._system.unacknowledged(0.1)
        self._read(0, stop)
        if self._known > before or self._is_held_up():
            self._moved = time.monotonic()
        if time.monotonic() - self._moved > PATIENCE_S:
            raise Stuck(f"Kafka acknowledged nothing for {PATIENCE_S:.0f} s")

    def _acknowledge(self, key: Key, place: str) -> None:
        self._known += 1
        self._acknowledged(key, place)

    def _read(self, wait_s: float, stop: threading.Event) -> None:
        if stop.is_set():
            raise Interrupted("stopped before every event had its notice")
        for notice in self._reader.read(wait_s):
            for name in (notice.get("ce_id"), notice.get("event")):
                if name in self._keys:
                    self._take(self._keys[name], notice)
                    break
        self._read_at = time.monotonic()
        self._progress(self._sent, len(self._notified))

    def _take(self, key: Key, notice: Notice) -> None:
        self._notified.add(key)
        self._moved = time.monotonic()
        self._noticed(key, notice)


def explanation(addresses: Addresses, source: str, logs: Path) -> str:
    """The step that holds the events up, by the lag of each reader, and its log. Blocks."""
    try:
        behind = lags(addresses.kafka_connection, [source])
    except (KafkaException, TimeoutError):
        return f"Kafka does not answer; its log is {logs / 'kafka.log'}"
    if not asyncio.run(_is_answering(addresses)):
        return f"link waits for Neo4j, which does not answer; its log is {logs / 'neo4j.log'}"
    # Notices come from link: records before it mean that it does not progress, whatever embed does.
    before_link = sum(behind.get((LINK_GROUP, topic), 0) for topic in (topics.GALLERY, topics.QUARANTINE))
    if before_link:
        return f"link is stuck, {before_link} records wait for it; its log is {logs / 'link-0.log'}"
    before_embed = behind.get((EMBED_GROUP, topics.media_submitted(source)), 0)
    if before_embed:
        return f"embed is stuck, {before_embed} events wait for it; its logs are {logs}/embed-*.log"
    return f"the relay publishes no notices; its log is {logs / 'link-0.log'}"


async def _is_answering(addresses: Addresses) -> bool:
    async with Store(*addresses.neo4j) as store:
        try:
            async with asyncio.timeout(ANSWER_S):
                await store.ping()
        except (StoreUnavailable, TimeoutError):
            return False
    return True
