"""The local stack's broker alone: who may enter it, whether what it acknowledges is durable, who outlives its ends.

Its folder is that of an older release, whose broker asked nobody who he is.
"""

import asyncio
import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.protocol.admin import CreateTopicsRequest
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition
from confluent_kafka import KafkaError as Refusal
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from graph.actions.link.cursor import Cursor
from infra.local.base import StackError
from infra.local.kafka import credentials
from streams import topics
from streams.kafka.admin import check_topics, ensure_topics
from streams.kafka.gallery_topic import GalleryTopic
from streams.kafka.offsets import group_offsets, lags, positions
from streams.topics import EMBED_GROUP, LINK_GROUP
from tests.support.commands import CHECKOUT, redthread
from tests.support.harness import LONG_S
from tests.support.kafka_server import KafkaServer

KILLS = 2
CALLS = """
import json, os, sys, threading
from confluent_kafka import KafkaException
from graph.actions.link.cursor import Cursor
from streams.kafka import offsets
from streams.kafka.connection import KafkaConnection
from streams.kafka.gallery_topic import GalleryTopic

offsets.ANSWER_S = 1.0  # requests run out of time in every restart, as they do in link in a long one
kafka = KafkaConnection(sys.argv[1], json.loads(os.environ["SECURITY"]))
start = Cursor(offset=-1, epoch=0, log_id=None, model_id=None, score_id=None, model_since=-1)


def align():
    while True:
        GalleryTopic(kafka).align(lambda: start)
        print("aligned", flush=True)


threading.Thread(target=align, daemon=True).start()
while True:
    try:
        offsets.positions(kafka, ["local"])
        print("read", flush=True)
    except KafkaException:
        print("away", flush=True)
"""


KEPT = "older.release"
AUTHORIZER = (
    "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n"
    "allow.everyone.if.no.acl.found=true\nsuper.users=User:broker\n"
)
"""Rules for single topics, which the local stack has none of."""


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    server = KafkaServer(tmp_path_factory.mktemp("kafka"), AUTHORIZER)
    server.start(open_to_all=True)
    assert asyncio.run(create_topic(server.port, KEPT)) is None
    assert asyncio.run(create_topic(server.controller, "by.anybody")) is None
    send({"bootstrap.servers": server.bootstrap}, KEPT, 1)
    server.kill()
    with server:
        ensure_topics(server.kafka_connection, ["local"])
        yield server


def test_a_folder_of_an_older_release_opens_with_its_records_and_asks_for_the_account(kafka: KafkaServer) -> None:
    consumer = Consumer({**kafka.connection, "group.id": "kept"})
    consumer.assign([TopicPartition(KEPT, 0, 0)])
    assert [message.value() for message in consumer.consume(1, timeout=LONG_S)] == [b"any"]
    consumer.close()


@pytest.mark.parametrize("password", [None, "guessed"])
def test_nobody_without_the_account_gets_into_either_port(kafka: KafkaServer, password: str | None) -> None:
    """Another user of the machine read the quarantine, published a victim, and could change topics."""
    for port in (kafka.port, kafka.controller):
        assert isinstance(asyncio.run(create_topic(port, "by.anybody.now", password)), KafkaError)
    assert "by.anybody.now" not in AdminClient(kafka.connection).list_topics(timeout=30).topics


def test_a_publish_without_the_account_is_never_taken(kafka: KafkaServer) -> None:
    refused: list[Refusal | None] = []

    def report(error: Refusal | None, message: Message) -> None:
        refused.append(error)

    producer = Producer({"bootstrap.servers": kafka.bootstrap, "message.timeout.ms": 1000, "log_level": 0})
    producer.produce(KEPT, b"by anybody", on_delivery=report)
    producer.flush(LONG_S)

    assert len(refused) == 1 and refused[0] is not None
    with group_offsets(kafka.kafka_connection, "kept") as offsets:
        assert offsets.bounds([TopicPartition(KEPT, 0)]) == [(0, 1)]


def test_the_password_is_the_owners_and_stands_in_no_log_and_no_process_list(kafka: KafkaServer) -> None:
    data = kafka.folder.parent
    for secret in (data / credentials.FILE, kafka.folder / "server.properties"):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    password = kafka.security["sasl.password"]
    assert password not in "".join(psutil.Process(kafka.pid).cmdline())
    assert password not in (kafka.folder / "kafka.log").read_text()
    # The same one at every start: a case system has a copy of it.
    assert credentials.ensure(data, kafka.bootstrap) == kafka.security


@pytest.mark.parametrize("damage", ["", "{}", '{"sasl.password": ', "[]"])
def test_a_damaged_account_is_refused_and_not_replaced(tmp_path: Path, damage: str) -> None:
    (tmp_path / credentials.FILE).write_text(damage)

    with pytest.raises(StackError, match=credentials.FILE):
        credentials.ensure(tmp_path, "any")

    assert (tmp_path / credentials.FILE).read_text() == damage


def test_topics_whose_settings_may_not_be_read_are_named_until_somebody_vouches(kafka: KafkaServer) -> None:
    admin, hidden = AdminClient(kafka.connection), topics.notices("local")
    rule = AclBinding(
        ResourceType.TOPIC,
        hidden,
        ResourcePatternType.LITERAL,
        "User:redthread",
        "*",
        AclOperation.DESCRIBE,
        AclPermissionType.ALLOW,
    )
    for future in admin.create_acls([rule]).values():
        future.result(30)
    wanted = topics.table(["local"])
    until(lambda: bool(check_topics(admin, wanted)))

    [difference] = check_topics(admin, wanted)
    assert f"may not read the settings of {hidden}: allow it DescribeConfigs" in difference
    assert check_topics(admin, wanted, is_vouched=True) == []
    assert f"may not read the settings of {hidden}" in command(kafka, "doctor").stdout
    refused, vouched = (command(kafka, "topics", "--check", vouch=vouch) for vouch in (False, True))
    assert (refused.returncode, hidden in refused.stdout) == (1, True), refused.stderr
    assert (vouched.returncode, vouched.stdout) == (0, ""), vouched.stderr


def test_who_reads_and_sets_offsets_outlives_every_restart_of_kafka(kafka: KafkaServer, tmp_path: Path) -> None:
    """Link ended by SIGSEGV, or by an assertion, in seven of eight kills of Kafka: librdkafka's admin requests for a
    group's offsets end the process when they run out of time while the coordinator is away."""
    said = tmp_path / "said"
    with said.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-c", CALLS, kafka.bootstrap],
            stdout=output,
            stderr=output,
            cwd=CHECKOUT,
            env={**os.environ, "SECURITY": json.dumps(kafka.security)},
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


def test_read_offsets_are_listed_for_all_topics_of_both_readers(kafka: KafkaServer) -> None:
    send(kafka.connection, topics.PROBES, 3)
    with group_offsets(kafka.kafka_connection, EMBED_GROUP) as offsets:
        [place] = [place for place in offsets.partitions([topics.PROBES]) if offsets.bounds([place]) == [(0, 3)]]
        offsets.commit(TopicPartition(place.topic, place.partition, 2))

    found = positions(kafka.kafka_connection, ["local", "absent"])

    assert found[EMBED_GROUP, topics.PROBES].lag == 1
    # Some came after the group was asked.
    done = {(topics.PROBES, place.partition): 5}
    assert positions(kafka.kafka_connection, ["local"], done)[EMBED_GROUP, topics.PROBES].lag == 0
    assert {group for group, _ in found} == {EMBED_GROUP, LINK_GROUP}
    assert (EMBED_GROUP, topics.media_submitted("absent")) not in found
    assert lags(kafka.kafka_connection, ["local"])[LINK_GROUP, topics.QUARANTINE] == 0


def test_the_offset_of_a_group_with_a_member_is_refused_from_outside_and_set_once_it_is_gone(
    kafka: KafkaServer,
) -> None:
    send(kafka.connection, topics.GALLERY, 5)
    cursors: list[Cursor] = []
    member = Consumer({**kafka.connection, "group.id": LINK_GROUP, "enable.auto.commit": False})
    member.subscribe([topics.GALLERY])
    while not member.assignment():
        member.poll(0.1)
    with (
        group_offsets(kafka.kafka_connection, LINK_GROUP) as offsets,
        pytest.raises(KafkaException, match="UNKNOWN_MEMBER_ID"),
    ):
        offsets.commit(TopicPartition(topics.GALLERY, 0, 1))

    def cursor() -> Cursor:
        """The member goes while link waits for it: the cursor that it leaves behind counts."""
        if len(cursors) == 1:
            member.close()
        cursors.append(Cursor(offset=len(cursors), epoch=0, log_id=None, model_id=None, score_id=None, model_since=-1))
        return cursors[-1]

    GalleryTopic(kafka.kafka_connection).align(cursor)

    with group_offsets(kafka.kafka_connection, LINK_GROUP) as offsets:
        assert offsets.committed([TopicPartition(topics.GALLERY, 0)]) == [cursors[-1].offset + 1]
    assert len(cursors) > 1


def send(connection: dict[str, str], topic: str, count: int) -> None:
    producer = Producer({**connection})
    for _ in range(count):
        producer.produce(topic, b"any", b"key")
    assert producer.flush(30) == 0


async def create_topic(port: int, name: str, password: str | None = None) -> Exception | None:
    """What hinders a client, with a password that it was not given or without any, from making a topic."""
    asks = (
        {}
        if password is None
        else {
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": credentials.USER,
            "sasl_plain_password": password,
        }
    )
    try:
        connection = await create_conn("127.0.0.1", port, **asks)
        await connection.send(CreateTopicsRequest([(name, 1, 1, [], [])], 10_000, False))
        connection.close()
    except (KafkaConnectionError, KafkaError) as refused:
        return refused
    return None


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + LONG_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def command(kafka: KafkaServer, *words: str, vouch: bool = False) -> subprocess.CompletedProcess[str]:
    """`redthread WORDS` with this Kafka as one that somebody else runs."""
    environment = {
        "REDTHREAD_STACK": "external",
        "REDTHREAD_KAFKA": kafka.bootstrap,
        "REDTHREAD_NEO4J_URI": "bolt://127.0.0.1:1",
        "REDTHREAD_KAFKA_SECURITY": json.dumps(kafka.security),
        "COLUMNS": "1000",
        "REDTHREAD_KAFKA_IS_DURABLE": str(vouch),
        "REDTHREAD_DATA": str(kafka.folder.parent / "none"),
    }
    return redthread(*words, env=environment)
