"""Whether Kafka keeps through a power cut what it acknowledges: on several brokers, or on the disk of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    ConfigResource,  # pyright: ignore[reportPrivateImportUsage]  the documented place; its stub forgets __all__
    ResourceType,  # pyright: ignore[reportPrivateImportUsage]
)

ANSWER_S: Final = 30.0
REPLICAS: Final = 3
IN_SYNC: Final = 2
"""Brokers that hold a record, and that must have it before it is acknowledged: one may then be lost at any time."""

Settings = Mapping[str, str]


class Doubt(NamedTuple):
    """What a power cut may take, and what to do about it."""

    found: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.found}: {self.remedy}"


def settings_of(admin: Any, names: Sequence[str]) -> dict[str, Settings]:
    """The effective settings of each of these topics, without those that this account may not read.

    Raises KafkaException, or TimeoutError, where Kafka does not answer.
    """
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    asked: dict[Any, Any] = admin.describe_configs(resources, request_timeout=ANSWER_S) if resources else {}
    found: dict[str, Settings] = {}
    for resource, future in asked.items():
        try:
            found[resource.name] = {key: entry.value for key, entry in future.result(ANSWER_S).items()}
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_AUTHORIZATION_FAILED:
                raise
    return found


def check_durability(admin: Any, names: Sequence[str], *, is_vouched: bool = False) -> list[Doubt]:
    """What may be lost of the records that Kafka acknowledged in these topics, which exist; empty: nothing.

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
    """Whether a topic with these effective settings keeps what is acknowledged to a producer with acks=all."""
    in_sync = int(settings.get("min.insync.replicas") or 1)
    return settings.get("flush.messages") == "1" or (replicas >= REPLICAS and in_sync >= IN_SYNC)
