"""Kafka may be killed at any moment: whoever asks it for a group's offsets goes on when it is back."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from graph.actions.ingest import Cursor
from streams import topics
from streams.agents import EMBED_GROUP, LINK_GROUP
from streams.group_offsets import group_offsets
from streams.lags import lags, positions
from streams.takeover import Log
from streams.topics import ensure_topics
from tests.commands import CHECKOUT
from tests.harness import LONG_S
from tests.kafka_server import KafkaServer

KILLS = 3
CALLS = """
import sys, threading
from confluent_kafka import KafkaException
from graph.actions.ingest import Cursor
from streams import group_offsets, takeover
from streams.lags import positions

group_offsets.ANSWER_S = 1.0  # requests run out of time in every restart, as they do in link in a long one
start = Cursor(offset=-1, epoch=0, log_id=None, model_id=None, model_since=-1)


def align():
    while True:
        takeover.Log(sys.argv[1], {}).align(lambda: start)
        print("aligned", flush=True)


threading.Thread(target=align, daemon=True).start()
while True:
    try:
        positions(sys.argv[1], {}, ["local"])
        print("read", flush=True)
    except KafkaException:
        print("away", flush=True)
"""


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    with KafkaServer(tmp_path_factory.mktemp("kafka")) as server:
        ensure_topics(server.bootstrap, ["local"])
        yield server


def test_who_reads_and_sets_offsets_outlives_every_restart_of_kafka(kafka: KafkaServer, tmp_path: Path) -> None:
    """Link ended by SIGSEGV, or by an assertion, in seven of eight kills of Kafka: librdkafka's admin requests for a
    group's offsets end the process when they run out of time while the coordinator is away."""
    said = tmp_path / "said"
    with said.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-c", CALLS, kafka.bootstrap], stdout=output, stderr=output, cwd=CHECKOUT
        )

    def wait_for(*words: str) -> None:
        """Until the child has said each of these after this call."""
        begins, end = said.stat().st_size, time.monotonic() + LONG_S
        while not set(words) <= set(said.read_text()[begins:].split()):
            assert child.poll() is None, f"ended by {child.returncode}: {said.read_text()[-1000:]}"
            assert time.monotonic() < end, said.read_text()[-1000:]
            time.sleep(0.05)

    try:
        wait_for("read", "aligned")
        for _ in range(KILLS):
            kafka.kill()
            wait_for("away")
            kafka.start()
            wait_for("read", "aligned")
    finally:
        child.kill()
        child.wait()


def test_what_was_read_is_told_for_all_topics_of_both_readers(kafka: KafkaServer) -> None:
    send(kafka, topics.PROBES, 3)
    with group_offsets(kafka.bootstrap, {}, EMBED_GROUP) as offsets:
        [place] = [place for place in offsets.partitions([topics.PROBES]) if offsets.bounds([place]) == [(0, 3)]]
        offsets.commit(TopicPartition(place.topic, place.partition, 2))

    found = positions(kafka.bootstrap, {}, ["local", "absent"])

    assert found[EMBED_GROUP, topics.PROBES].behind == 1
    assert {group for group, _ in found} == {EMBED_GROUP, LINK_GROUP}
    assert (EMBED_GROUP, topics.media_submitted("absent")) not in found
    assert lags(kafka.bootstrap, {}, ["local"])[LINK_GROUP, topics.QUARANTINE] == 0


def test_the_offset_of_a_group_with_a_member_is_refused_from_outside_and_set_once_it_is_gone(
    kafka: KafkaServer,
) -> None:
    send(kafka, topics.GALLERY, 5)
    cursors: list[Cursor] = []
    member = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": LINK_GROUP, "enable.auto.commit": False})
    member.subscribe([topics.GALLERY])
    while not member.assignment():
        member.poll(0.1)
    with (
        group_offsets(kafka.bootstrap, {}, LINK_GROUP) as offsets,
        pytest.raises(KafkaException, match="UNKNOWN_MEMBER_ID"),
    ):
        offsets.commit(TopicPartition(topics.GALLERY, 0, 1))

    def cursor() -> Cursor:
        """The member goes while link waits for it: the cursor that it leaves behind counts."""
        if len(cursors) == 1:
            member.close()
        cursors.append(Cursor(offset=len(cursors), epoch=0, log_id=None, model_id=None, model_since=-1))
        return cursors[-1]

    Log(kafka.bootstrap, {}).align(cursor)

    with group_offsets(kafka.bootstrap, {}, LINK_GROUP) as offsets:
        assert offsets.committed([TopicPartition(topics.GALLERY, 0)]) == [cursors[-1].offset + 1]
    assert len(cursors) > 1


def send(kafka: KafkaServer, topic: str, count: int) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    for _ in range(count):
        producer.produce(topic, b"any", b"key")
    assert producer.flush(30) == 0
