"""One installation on the shared servers: fresh topics, workers as real processes, waits by condition.

No wait has a fixed length: it ends when its condition holds, or fails after a generous limit with the end of the
workers' logs.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec
from pydantic import BaseModel

from graph.files import MediaStore
from graph.store.session import Store
from infra.local.child import leashed
from streams import topics
from streams.kafka.admin import ensure_topics
from streams.kafka.sending import gallery_headers
from streams.settings import Addresses
from streams.topics import LINK_GROUP
from tests.support.forked import Forked, Start, start
from tests.support.graph_contents import GraphContents

CHECKOUT = Path(__file__).parents[2]
LONG_S = 240.0
"""Limit of a wait: longer than a loaded machine needs, so no result depends on speed."""
PAUSE_S = (0.05, 0.3)
"""Shortest and longest pause between two checks of a condition; pauses grow."""


class Worker:
    """One worker process, which dies with the test run; its output goes to a file.

    Link is forked. Embed is started by the interpreter: forked, it hung where it loaded its models.
    """

    def __init__(self, kind: str, env: dict[str, str], log: Path) -> None:
        self.kind = kind
        self.log = log
        env = {**os.environ, **env, "PYTHONPATH": str(CHECKOUT)}
        self.process: subprocess.Popen[bytes] | Forked
        with log.open("ab") as output:
            if kind == "link":
                self.process = start(Start("streams.worker", [kind], env), output.fileno(), output.fileno())
            else:
                line = [*leashed(signal.SIGKILL), sys.executable, "-P", "-m", "streams.worker", kind]
                self.process = subprocess.Popen(line, env=env, stdout=output, stderr=output, start_new_session=True)

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    @property
    def log_tail(self) -> str:
        return self.log.read_text("utf-8", "replace")[-3000:]

    def send(self, number: signal.Signals) -> None:
        if self.alive:
            self.process.send_signal(number)

    async def ended(self) -> int:
        """The exit status, once there is one; negative for a signal."""
        await until(lambda: not self.alive, f"the {self.kind} worker ends")
        return self.process.wait()


async def until(condition: Callable[[], bool | Awaitable[bool]], what: str, seconds: float = LONG_S) -> None:
    """Returns when `condition` holds. Raises TimeoutError, which names `what`, after the limit."""
    end, pause = time.monotonic() + seconds, PAUSE_S[0]
    while True:
        holds = condition()
        if holds if isinstance(holds, bool) else await holds:
            return
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        await asyncio.sleep(pause)
        pause = min(pause * 1.2, PAUSE_S[1])


class Reader:
    """Reads whole topics repeatedly; fetches only what was appended since the last read.

    Valid until one of its topics is deleted.
    """

    def __init__(self, connection: dict[str, Any]) -> None:
        self._consumer = Consumer({**connection, "group.id": "look", "enable.auto.commit": False})
        self._known: dict[tuple[str, int], list[Message]] = {}

    def ends(self, topic: str) -> dict[int, tuple[int, int]]:
        """First and next offset of each partition."""
        partitions = self._consumer.list_topics(topic, timeout=30).topics[topic].partitions
        return {
            number: self._consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=30)
            for number in partitions
        }

    def read(self, topic: str) -> list[Message]:
        """Every record of the topic, partition by partition."""
        found: list[Message] = []
        for number, (low, high) in self.ends(topic).items():
            known = self._known.setdefault((topic, number), [])
            place = known[-1].offset() + 1 if known else low  # type: ignore[operator]
            if place < high:
                known += self._read_on(TopicPartition(topic, number, max(place, low)), high)
            found += [message for message in known if message.offset() >= low]  # type: ignore[operator]
        return found

    def _read_on(self, place: TopicPartition, high: int) -> list[Message]:
        found: list[Message] = []
        self._consumer.assign([place])
        end = time.monotonic() + LONG_S
        while (not found or found[-1].offset() < high - 1) and time.monotonic() < end:  # type: ignore[operator]
            message = self._consumer.poll(1)
            if message is not None and message.error() is None:
                found.append(message)
        self._consumer.unassign()
        return found

    def close(self) -> None:
        self._consumer.close()


@dataclass
class Site(GraphContents):
    """One installation: addresses, data folder, and every worker process started so far."""

    stack: Addresses
    store: Store
    data: Path
    env: dict[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ("local",)
    workers: list[Worker] = field(default_factory=list)
    admin: AdminClient = field(init=False)
    reader: Reader = field(init=False)

    def __post_init__(self) -> None:
        self.security: dict[str, str] = json.loads(self.stack.kafka_security or "{}")
        self.connection: dict[str, Any] = {"bootstrap.servers": self.stack.kafka, **self.security}
        self.admin = AdminClient(self.connection)
        self.reader = Reader(self.connection)
        self.env = {
            "REDTHREAD_KAFKA": self.stack.kafka,
            "REDTHREAD_KAFKA_SECURITY": json.dumps(self.security),
            "REDTHREAD_NEO4J_URI": self.stack.neo4j_uri,
            "REDTHREAD_NEO4J_USER": self.stack.neo4j_user,
            "REDTHREAD_NEO4J_PASSWORD": self.stack.neo4j_password,
            "REDTHREAD_DATA": str(self.data),
            "REDTHREAD_SOURCES": json.dumps({source: ["north", "south"] for source in self.sources}),
            **self.env,
        }

    # --- topics ---

    async def fresh_topics(self, only: Sequence[str] = ()) -> None:
        """Makes all topics of Redthread, or these, exist empty; deletes only topics that hold or held records."""
        known = self.admin.list_topics(timeout=30).topics
        wanted = {topic.name for topic in topics.table(self.sources)}
        mine = [name for name in known if (name in only if only else name.startswith("redthread."))]
        places = [TopicPartition(name, number) for name in mine for number in known[name].partitions]
        ends = self.admin.list_offsets({place: OffsetSpec.latest() for place in places}) if places else {}
        written = {place.topic for place, future in ends.items() if future.result(30).offset > 0}
        if old := [name for name in mine if name in written or name not in wanted]:
            for future in self.admin.delete_topics(old).values():
                future.result(30)
            await until(
                lambda: not set(old) & set(self.admin.list_topics(timeout=30).topics), "the old topics are gone"
            )
        ensure_topics(self.stack.kafka_connection, self.sources)
        self.reader.close()
        self.reader = Reader(self.connection)

    def write(self, records: Iterable[BaseModel]) -> None:
        """Appends records to the gallery log as embed does."""
        producer = Producer({**self.connection, "enable.idempotence": True, "message.max.bytes": topics.GALLERY_MAX})
        for record in records:
            key = str(getattr(record, "media_id", "") or getattr(record, "search_id", "") or "key")
            headers = [*gallery_headers(record, key)]
            producer.produce(topics.GALLERY, record.model_dump_json().encode(), key.encode(), headers=headers)
            producer.poll(0)
        assert producer.flush(60) == 0

    def read(self, topic: str) -> list[Message]:
        """Every record of the topic, partition by partition."""
        return self.reader.read(topic)

    def notices(self, source: str = "local") -> list[dict[str, Any]]:
        return [json.loads(message.value() or b"null") for message in self.read(topics.notices(source))]

    def end_of(self, topic: str) -> int:
        """Number of records ever written to a topic."""
        return sum(high for _, high in self.reader.ends(topic).values())

    async def set_offsets(self, group: str, positions: list[TopicPartition]) -> None:
        """Sets the committed offsets of a group, once it has no members."""

        def done() -> bool:
            try:
                wanted = [ConsumerGroupTopicPartitions(group, positions)]
                result = self.admin.alter_consumer_group_offsets(wanted)[group].result(30)
            except KafkaException:
                return False
            return all(part.error is None for part in result.topic_partitions)

        await until(done, f"group {group} is empty")

    async def rewind_link(self, offset: int) -> None:
        await self.set_offsets(LINK_GROUP, [TopicPartition(topics.GALLERY, 0, offset)])

    # --- workers ---

    def start(self, kind: str, slot: str = "", **env: str) -> Worker:
        slot = slot or f"{kind}-0"
        told = {**self.env, "REDTHREAD_WORKER_SLOT": slot, **env}
        worker = Worker(kind, told, self.data / f"{slot}-{len(self.workers)}.log")
        self.workers.append(worker)
        return worker

    async def keep(self, kind: str, slot: str, exits: list[int]) -> None:
        """Restarts a worker whenever it ends, as the supervisor does; appends each exit status to `exits`."""
        while True:
            worker = self.start(kind, slot)
            await until(lambda w=worker: not w.alive, "the worker ends or the test is over", 3600)
            exits.append(worker.process.returncode)

    async def stop(self, *workers: Worker) -> None:
        """Stops workers as the supervisor does: by SIGTERM, so that they leave their consumer group."""
        for worker in workers:
            worker.send(signal.SIGTERM)
        for worker in workers:
            await worker.ended()

    async def linked(self, offset: int | None = None) -> None:
        """Returns when link has committed the log's last record (or that at `offset`) and the outbox is empty."""
        last = self.end_of(topics.GALLERY) - 1 if offset is None else offset

        async def there() -> bool:
            # The cursor first: a batch that ends between the two reads has its notices in the outbox by then.
            stands = (await self.cursor()).offset >= last
            (row,) = await self.rows("RETURN COUNT { MATCH (:Outbox) } AS waiting")
            return stands and row["waiting"] == 0

        await self.wait_until(there, f"link has committed {last} and the outbox is empty")

    async def noticed(self, subjects: Iterable[str], source: str = "local") -> None:
        """Returns when each of these subjects has a notice."""
        wanted = set(subjects)
        await self.wait_until(
            lambda: wanted <= {notice["subject"] for notice in self.notices(source)},
            f"{len(wanted)} subjects have notices",
        )

    async def wait_until(self, condition: Callable[[], bool | Awaitable[bool]], what: str) -> None:
        """As `until`; a failure shows the end of the workers' logs."""
        try:
            await until(condition, what)
        except TimeoutError as late:
            words = "\n".join(f"== {w.log.name} ({w.process.poll()})\n{w.log_tail}" for w in self.workers[-4:])
            raise TimeoutError(f"{late}\n{words}") from None


def new_store(data: Path) -> MediaStore:
    """The media store of a data folder, created as the first start of a system creates it."""
    made = MediaStore((data / "store").as_uri())
    made.make(is_new=True)
    return made


@asynccontextmanager
async def installation(stack: Addresses, store: Store, data: Path, **env: str) -> AsyncIterator[Site]:
    """An installation with empty topics and the empty graph `store`; stops its workers afterwards."""
    new_store(data)
    site = Site(stack, store, data, env)
    await site.fresh_topics()
    try:
        yield site
    finally:
        # Link leaves its group at SIGTERM; killed, its place would be taken for six seconds more.
        for worker in site.workers:
            worker.send(signal.SIGCONT)
            worker.send(signal.SIGTERM)
        for worker in site.workers:
            try:
                await until(lambda w=worker: not w.alive, "a worker stops", 15)
            except TimeoutError:
                worker.send(signal.SIGKILL)
                worker.process.wait()
        site.reader.close()


def current_notices(notices: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The notice of each subject that no later one supersedes. A notice that was sent twice must be identical."""
    by_id: dict[str, dict[str, Any]] = {}
    for notice in notices:
        assert by_id.setdefault(notice["notice_id"], notice) == notice, "one notice_id, two contents"
    superseded = {notice["supersedes"] for notice in by_id.values() if "supersedes" in notice}
    left = [notice for notice in by_id.values() if notice["notice_id"] not in superseded]
    told = {notice["subject"]: notice for notice in left}
    assert len(told) == len(left), "a subject has two current notices"
    return told
