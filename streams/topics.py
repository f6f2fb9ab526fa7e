"""The table of all topics: partitions, retention and readers. `redthread topics` creates and checks them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

DAY_MS = 86_400_000
INPUT_MAX = 2_000_000
"""Bytes of an input record that the broker accepts: above our own limit, so that a record that is too large reaches
quarantine with a reason instead of an error in the case system."""
GALLERY_MAX = 8_388_608

EMBED_GROUP: Final = "redthread-embed"
LINK_GROUP: Final = "redthread-link"

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
    """The input topics of a source other than media."""
    return [cases_changed(source), victims_changed(source), erasures_requested(source)]


def notices(source: str) -> str:
    return f"redthread.notices.{source}.v1"


def read_by(sources: Sequence[str]) -> dict[str, list[str]]:
    """The topics that each consumer group reads."""
    inputs = [topic for source in sources for topic in (media_submitted(source), *changes(source))]
    return {EMBED_GROUP: [*inputs, PROBES], LINK_GROUP: [GALLERY, QUARANTINE]}


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it must be; `retention_ms` -1 means for ever, `content` is for the documents."""

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
        _input(PROBES, 8, "pictures of searches, faces marked by hand, media to reexamine"),
        Topic(GALLERY, 1, 14 * DAY_MS, "the gallery log; link deletes what it has read", GALLERY_MAX),
        Topic(
            QUARANTINE, 4, 90 * DAY_MS, "events that cannot be processed, byte for byte, with the reason", GALLERY_MAX
        ),
        Topic(AUDIT_ROOTS, 1, -1, "daily roots of the audit chain"),
    ]
    for source in sources:
        rows += [
            _input(media_submitted(source), 8, "pictures of cases"),
            _input(cases_changed(source), 1, "cases: open or closed, contact, review date"),
            _input(victims_changed(source), 1, "registered victims, by id and label"),
            # As long as the oldest backup: an erasure must outlive every dump that still holds its subject.
            _input(erasures_requested(source), 1, "what must be erased", days=400),
            Topic(notices(source), 1, 14 * DAY_MS, "notices to the case system"),
        ]
    return rows


def _input(name: str, partitions: int, content: str, days: int = 14) -> Topic:
    """A topic that others write to: the broker stamps its records."""
    return Topic(name, partitions, days * DAY_MS, content, INPUT_MAX, append_time=True)
