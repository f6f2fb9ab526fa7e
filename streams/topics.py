"""Every topic, its partitions and its retention: the one table; `redthread topics` creates and checks them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AdminClient,
    NewTopic,  # pyright: ignore[reportPrivateImportUsage]  the documented place; its stub forgets __all__
)

from graph.domain.errors import RedthreadError
from streams.kafka.durability import check_durability, settings_of

DAY_MS = 86_400_000
INPUT_MAX = 2_000_000
"""Bytes of an input record that the broker takes: above our own limit, so that a record that is too large reaches
quarantine with a reason instead of an error in the case system."""
GALLERY_MAX = 8_388_608
ANSWER_S = 10.0
"""Seconds in which a broker that can be reached says which topics there are."""
VISIBLE_S = 30.0
"""Seconds in which a broker lists the topics that it has made."""

GALLERY = "redthread.gallery.v1"
PROBES = "redthread.probes.submitted.v1"
QUARANTINE = "redthread.quarantine.v1"
AUDIT_ROOTS = "redthread.audit.roots.v1"


def media_submitted(source: str) -> str:
    return f"redthread.media.submitted.{source}.v1"


def cases_changed(source: str) -> str:
    return f"redthread.cases.changed.{source}.v1"


def victims_changed(source: str) -> str:
    return f"redthread.victims.changed.{source}.v1"


def erasures_requested(source: str) -> str:
    return f"redthread.erasures.requested.{source}.v1"


def changes(source: str) -> list[str]:
    """What a source sends besides media."""
    return [cases_changed(source), victims_changed(source), erasures_requested(source)]


def notices(source: str) -> str:
    return f"redthread.notices.{source}.v1"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it must be; `retention_ms` -1 keeps for ever, `content` is for the documents."""

    name: str
    partitions: int
    retention_ms: int
    content: str
    max_bytes: int = 1_048_588
    append_time: bool = False

    def config(self) -> dict[str, str]:
        return {
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(self.max_bytes),
            "cleanup.policy": "delete",
            "message.timestamp.type": "LogAppendTime" if self.append_time else "CreateTime",
        }


def table(sources: Iterable[str]) -> list[Topic]:
    """All topics of an installation with these sources."""
    rows = [
        Topic(PROBES, 8, 14 * DAY_MS, "pictures of searches; faces marked by hand", INPUT_MAX, append_time=True),
        Topic(GALLERY, 1, 14 * DAY_MS, "the gallery log; link deletes what it has read", GALLERY_MAX),
        Topic(
            QUARANTINE, 4, 90 * DAY_MS, "events that cannot be processed, byte for byte, with the reason", GALLERY_MAX
        ),
        Topic(AUDIT_ROOTS, 1, -1, "daily roots of the audit chain"),
    ]
    for source in sources:
        rows += [
            Topic(media_submitted(source), 8, 14 * DAY_MS, "pictures of cases", INPUT_MAX, append_time=True),
            Topic(
                cases_changed(source),
                1,
                14 * DAY_MS,
                "cases: open or closed, contact, review date",
                INPUT_MAX,
                append_time=True,
            ),
            Topic(
                victims_changed(source),
                1,
                14 * DAY_MS,
                "registered victims, by id and label",
                INPUT_MAX,
                append_time=True,
            ),
            # As long as the oldest backup: an erasure must outlive every dump that still holds its subject.
            Topic(erasures_requested(source), 1, 400 * DAY_MS, "what must be erased", INPUT_MAX, append_time=True),
            Topic(notices(source), 1, 14 * DAY_MS, "notices to the case system"),
        ]
    return rows


class TopicsDiffer(RedthreadError):
    """A topic exists and is not as the table says."""

    code = "topics_differ"


def ensure_topics(
    bootstrap: str, sources: Iterable[str], security: Mapping[str, str] | None = None, *, is_vouched: bool = False
) -> list[str]:
    """The names of the topics created now; afterwards every topic of the table exists as the table says.

    Raises TopicsDiffer where one exists with other partitions or settings, or may lose what Kafka acknowledged: that is
    for a person to decide. `is_vouched` as for `check_durability`.
    """
    admin: Any = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, **(security or {})})
    wanted = table(sources)
    existing = admin.list_topics(timeout=ANSWER_S).topics
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
    """Returns when the broker lists topics that it has just made: it answers before it does."""
    end = time.monotonic() + VISIBLE_S
    while not set(names) <= set(admin.list_topics(timeout=30).topics) and time.monotonic() < end:
        time.sleep(0.05)


def check_topics(admin: Any, wanted: list[Topic], *, is_vouched: bool = False) -> list[str]:
    """What is not as the table says, or not durable, a sentence each; empty where all is as it must be."""
    existing = admin.list_topics(timeout=ANSWER_S).topics
    found: list[str] = []
    present = [topic for topic in wanted if topic.name in existing]
    found += [f"topic {topic.name} does not exist" for topic in wanted if topic.name not in existing]
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
