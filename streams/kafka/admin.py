"""Creates and checks the topics of `streams.topics`: their settings, and whether they survive a power cut."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    ConfigResource,  # pyright: ignore[reportPrivateImportUsage]  the documented place; its stub forgets __all__
    NewTopic,  # pyright: ignore[reportPrivateImportUsage]
    ResourceType,  # pyright: ignore[reportPrivateImportUsage]
)

from graph.domain.errors import RedthreadError
from streams.kafka.connection import KafkaConnection
from streams.topics import Topic, table

ANSWER_S: Final = 30.0
REACHED_S: Final = 10.0
"""Seconds in which a broker that can be reached lists its topics."""
VISIBLE_S: Final = 30.0
"""Seconds in which a broker lists the topics that it has created."""
REPLICAS: Final = 3
IN_SYNC: Final = 2
"""Brokers that store a record, and that must have it before it is acknowledged: one may then be lost at any time."""

Settings = Mapping[str, str]


class TopicsDiffer(RedthreadError):
    """A topic exists and is not as the table says."""

    code = "topics_differ"


class Doubt(NamedTuple):
    """What a power cut may destroy, and what to do about it."""

    found: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.found}: {self.remedy}"


def admin_client(kafka: KafkaConnection) -> AdminClient:
    return AdminClient(kafka.librdkafka())


def ensure_topics(kafka: KafkaConnection, sources: Iterable[str], *, is_vouched: bool = False) -> list[str]:
    """The names of the topics created now; afterwards every topic of the table exists as the table says.

    Raises TopicsDiffer where one exists with other partitions or settings, or is not durable: a person must decide
    then. `is_vouched` as for `check_durability`.
    """
    admin: Any = admin_client(kafka)
    wanted = table(sources)
    existing = admin.list_topics(timeout=REACHED_S).topics
    missing = [topic for topic in wanted if topic.name not in existing]
    if missing:
        created: dict[str, Any] = admin.create_topics(
            [NewTopic(t.name, num_partitions=t.partitions, replication_factor=-1, config=t.config()) for t in missing]
        )
        for name, future in created.items():
            try:
                future.result(30)
            except KafkaException as error:
                if error.args[0].name() != "TOPIC_ALREADY_EXISTS":
                    raise TopicsDiffer(f"topic {name} could not be created: {error.args[0].str()}") from error
        _wait_visible(admin, [topic.name for topic in missing])
    differences = check_topics(admin, wanted, is_vouched=is_vouched)
    if differences:
        raise TopicsDiffer("; ".join(differences))
    return [topic.name for topic in missing]


def _wait_visible(admin: Any, names: list[str]) -> None:
    """Waits until the broker lists topics that it has just created: it confirms the creation before that."""
    end = time.monotonic() + VISIBLE_S
    while not set(names) <= set(admin.list_topics(timeout=30).topics) and time.monotonic() < end:
        time.sleep(0.05)


def check_topics(admin: Any, wanted: list[Topic], *, is_vouched: bool = False) -> list[str]:
    """Differences from the table and doubts about durability, a sentence each; empty where all is as it must be."""
    existing = admin.list_topics(timeout=REACHED_S).topics
    present = [topic for topic in wanted if topic.name in existing]
    found = [f"topic {topic.name} does not exist" for topic in wanted if topic.name not in existing]
    values = settings_of(admin, [topic.name for topic in present])
    for topic in present:
        partitions = len(existing[topic.name].partitions)
        if partitions != topic.partitions:
            found.append(f"topic {topic.name} has {partitions} partitions, not {topic.partitions}")
        for key, value in topic.config().items() if topic.name in values else ():
            actual = values[topic.name][key]
            if actual != value:
                found.append(f"topic {topic.name} has {key}={actual}, not {value}")
    doubts = check_durability(admin, [topic.name for topic in present], is_vouched=is_vouched)
    return found + [str(doubt) for doubt in doubts]


def settings_of(admin: Any, names: Sequence[str]) -> dict[str, Settings]:
    """The effective settings of each of these topics, without those that this account may not read.

    Raises KafkaException, or TimeoutError, where Kafka does not answer.
    """
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    requested: dict[Any, Any] = admin.describe_configs(resources, request_timeout=ANSWER_S) if resources else {}
    found: dict[str, Settings] = {}
    for resource, future in requested.items():
        try:
            found[resource.name] = {key: entry.value for key, entry in future.result(ANSWER_S).items()}
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_AUTHORIZATION_FAILED:
                raise
    return found


def check_durability(admin: Any, names: Sequence[str], *, is_vouched: bool = False) -> list[Doubt]:
    """Acknowledged records of these existing topics that a power cut may destroy; empty where there are none.

    `is_vouched`: somebody who may read the settings says that they are right. It counts only where they are hidden.
    """
    known = admin.list_topics(timeout=ANSWER_S).topics
    settings = settings_of(admin, names)
    hidden = [name for name in names if name not in settings]
    weak: list[str] = []
    for name, values in settings.items():
        replicas = min(len(partition.replicas) for partition in known[name].partitions.values())
        if not is_durable(replicas, values):
            weak.append(name)
    doubts: list[Doubt] = []
    if weak:
        doubts.append(
            Doubt(
                f"a power cut can take records that Kafka acknowledged in {', '.join(weak)}",
                f"give these topics {REPLICAS} replicas and min.insync.replicas={IN_SYNC}, or flush.messages=1 "
                "(log.flush.interval.messages=1 of a broker)",
            )
        )
    if hidden and not is_vouched:
        doubts.append(
            Doubt(
                f"whether Kafka keeps what it acknowledges can't be seen: this account may not read the settings of "
                f"{', '.join(hidden)}",
                "allow it DescribeConfigs on them, or vouch for them with REDTHREAD_KAFKA_IS_DURABLE=true",
            )
        )
    return doubts


def is_durable(replicas: int, settings: Settings) -> bool:
    """Whether a topic with these effective settings retains what is acknowledged to a producer with acks=all."""
    in_sync = int(settings.get("min.insync.replicas") or 1)
    return settings.get("flush.messages") == "1" or (replicas >= REPLICAS and in_sync >= IN_SYNC)
