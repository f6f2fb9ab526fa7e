"""Reads what the topics hold: submitted events, events in progress, notices, requests and audit roots."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from graph.actions.events import Event
from graph.actions.operate.reconcile import Submitted
from graph.domain.ids import is_digest
from graph.store.session import Row
from streams import topics
from streams.kafka.connection import KafkaConnection
from streams.kafka.offsets import group_offsets
from streams.kafka.reader import TopicReader
from streams.records.gallery import SourceEvent
from streams.records.incoming import CE_MEDIA
from streams.records.message import Message, origin, sources_by_topic
from streams.records.quarantine import EVENT, SUBMITTED_AT, ce_id_of
from streams.records.reading import event_object
from streams.topics import EMBED_GROUP, LINK_GROUP


@dataclass(frozen=True, slots=True)
class SourceTopics:
    """The topics of these sources, and the sources' districts."""

    connection: KafkaConnection
    sources: Mapping[str, Sequence[str]]

    @property
    def inputs(self) -> dict[str, str]:
        """The source of each input topic; the probes belong to none."""
        return {**sources_by_topic(self.sources), topics.PROBES: ""}


@dataclass(slots=True)
class NoticesInTopics:
    """The notices of all sources; `known` are those that the graph has sent."""

    known: frozenset[str] = frozenset()
    contents: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """The digest of the content, by notice id."""
    doubled: set[str] = field(default_factory=set[str])
    """Ids of notices with two contents."""
    unknown: dict[str, Row] = field(default_factory=dict[str, Row])
    """The bodies of notices that are not `known`, each with its `source` and `sent_at` (milliseconds)."""
    states: dict[str, tuple[int, str, str]] = field(default_factory=dict[str, tuple[int, str, str]])
    """Number, link id and state of the last decision, by subject of a link."""


@dataclass(slots=True)
class TopicContents:
    """What the topics hold."""

    notices: NoticesInTopics
    submitted: dict[Event, Submitted] = field(default_factory=dict[Event, Submitted])
    in_progress: set[Event] = field(default_factory=set[Event])
    """Events before embed, before link, or before their quarantine record is indexed."""
    ids: set[str] = field(default_factory=set[str])
    """`ce_id` of all submitted events and of the gallery log, and the keys of the probes."""
    since: int | None = None
    """When the oldest event was submitted (milliseconds); None where the topics are complete from offset 0."""
    roots: set[str] = field(default_factory=set[str])
    """Dates of audit roots."""
    unnamed: dict[tuple[str, str], Event] = field(default_factory=dict[tuple[str, str], Event])
    """Media events that name no SHA-256, by place and ce_id: their notices name the media."""


def read_contents(kafka: SourceTopics, applied: int, known_notices: frozenset[str]) -> TopicContents:
    """The contents of all topics, where link has applied the gallery log up to offset `applied`. Blocks."""
    found, inputs = TopicContents(NoticesInTopics(known_notices)), kafka.inputs
    committed = _committed(kafka, EMBED_GROUP, [*inputs])
    indexed = _committed(kafka, LINK_GROUP, [topics.QUARANTINE])
    with TopicReader(kafka.connection) as reader:
        _read_in_progress(found, reader, applied, indexed)
        for name, source in inputs.items():
            if any(low > 0 for low, _ in reader.bounds(name).values()):
                found.since = 0
            for message in reader.read(name):
                is_read = message.offset < committed.get((name, message.partition), 0)
                _add_submitted(found, message, source, is_read=is_read)
        found.roots = {(message.key or b"").decode() for message in reader.read(topics.AUDIT_ROOTS)}
        for source in kafka.sources:
            for message in reader.read(topics.notices(source)):
                _add_notice(found, message, source)
    if found.since is not None:
        found.since = min((item.submitted_at for item in found.submitted.values()), default=0)
    return found


def source_events(kafka: SourceTopics, wanted: Iterable[Submitted]) -> list[SourceEvent]:
    """These events whole, in the order of their submission, the erasures first. Blocks."""
    places = {item.event for item in wanted}
    found: dict[Event, SourceEvent] = {}
    with TopicReader(kafka.connection) as reader:
        for name, source in kafka.inputs.items():
            for message in reader.read(name):
                event = origin(message, source)
                named = Event.of(event.event, event.ce_id, event.submitted_at)
                if named in places:
                    found.setdefault(named, event)
    erasures = {topics.erasures_requested(source) for source in kafka.sources}
    return sorted(
        found.values(),
        key=lambda event: (event.topic not in erasures, event.submitted_at, event.topic, event.partition, event.offset),
    )


def _committed(kafka: SourceTopics, group: str, names: Sequence[str]) -> dict[tuple[str, int], int]:
    """The committed offset of a group in each partition of the topics."""
    with group_offsets(kafka.connection, group) as offsets:
        places = offsets.partitions(names)
        found = zip(places, offsets.committed(places), strict=True)
        return {(place.topic, place.partition): offset for place, offset in found}


def _read_in_progress(
    found: TopicContents, reader: TopicReader, applied: int, indexed: Mapping[tuple[str, int], int]
) -> None:
    start = {partition: max(0, offset) for (_, partition), offset in indexed.items()}
    for message in reader.read(topics.QUARANTINE, start):
        at = message.header(SUBMITTED_AT)
        submitted_at = int(at) if at.isdecimal() and len(at) <= 18 else 0
        found.in_progress.add(Event.of(message.header(EVENT), ce_id_of(message.headers), submitted_at))
    for message in reader.read(topics.GALLERY, {0: applied + 1}):
        found.ids.add(message.header("ce_id"))
        match event_object(message.value).get("origin"):
            case {"event": str(place), "ce_id": str(ce_id), "submitted_at": int(submitted_at)}:
                found.in_progress.add(Event.of(place, ce_id, submitted_at))
                found.ids.add(ce_id)
            case _:
                pass  # the record of a person's act has no event


def _add_submitted(found: TopicContents, message: Message, source: str, *, is_read: bool) -> None:
    event = origin(message, source)
    named = Event.of(event.event, event.ce_id, event.submitted_at)
    if not is_read:
        found.in_progress.add(named)
    if named in found.submitted:
        return
    body = event_object(message.value)
    media_id = str(body.get("sha256") or "").lower()
    is_media = message.attribute("type") == CE_MEDIA and is_digest(media_id)
    if not is_media:
        found.unnamed[event.event, event.ce_id] = named
    key = (message.key or b"").decode("utf-8", "replace") if message.topic == topics.PROBES else ""
    found.ids.add(key or event.ce_id)
    found.submitted[named] = Submitted(
        named, source, str(body.get("case_id", "")), media_id if is_media else "", event.submitted_at, key
    )


def _add_notice(found: TopicContents, message: Message, source: str) -> None:
    notices, body = found.notices, event_object(message.value)
    notice_id, subject = str(body.get("notice_id", "")), str(body.get("subject", ""))
    if not is_digest(notice_id):
        return
    content = hashlib.sha256(message.value or b"").digest()
    if notices.contents.setdefault(notice_id, content) != content:
        notices.doubled.add(notice_id)
    if notice_id not in notices.known:
        notices.unknown.setdefault(notice_id, {**body, "source": source, "sent_at": message.timestamp})
    named = found.unnamed.get((str(body.get("event")), str(body.get("ce_id") or "")))
    if named is not None and is_digest(str(body.get("media_id"))):
        found.submitted[named] = replace(found.submitted[named], media_id=str(body["media_id"]))
    number = int(body.get("number", 0))
    if subject.startswith("link:") and body.get("link_id") and number >= notices.states.get(subject, (0,))[0]:
        notices.states[subject] = (number, str(body["link_id"]), str(body.get("state", "")))
