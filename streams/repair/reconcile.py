"""Reconciles the topics, the graph and the notices: which events are lost, doubled, or have no notice.

How far the readers are is asked first, then what is on its way, then what was submitted, and the graph last: an event
that moves on meanwhile is found at its next place. What moves back (a replay) can still be missed, so a difference
counts only if a second pass finds it too.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, cast

from graph.actions.events import Event
from graph.actions.link.cursor import read_cursor
from graph.actions.operate import audit_roots as roots
from graph.actions.operate import reconcile as actions
from graph.actions.operate.reconcile import KEPT_OUTCOMES, FaceCrops, Request, Standing, Submitted
from graph.domain.audit_root import Root
from graph.domain.ids import is_digest
from graph.files import MediaStore
from graph.store.session import Row, Store
from streams import topics
from streams.kafka.connection import KafkaConnection
from streams.kafka.offsets import group_offsets
from streams.kafka.reader import TopicReader
from streams.records.gallery import SourceEvent
from streams.records.incoming import CE_MEDIA
from streams.records.message import Message, origin, sources_by_topic
from streams.records.quarantine import EVENT, SUBMITTED_AT, ce_id_of
from streams.topics import EMBED_GROUP, LINK_GROUP

SECOND_PASS_S: Final = 2.0
"""Until the second pass: what was between two places is at the later one by then."""


@dataclass(frozen=True, slots=True)
class Kafka:
    """The topics of these sources."""

    connection: KafkaConnection
    sources: Mapping[str, Sequence[str]]


@dataclass(slots=True)
class Reconciliation:
    """What is where, in numbers, and the ids that differ."""

    events: int = 0
    finished: int = 0
    quarantined: int = 0
    waiting: int = 0
    lost: list[str] = field(default_factory=list[str])
    """Places of events that are nowhere: neither on their way, nor in the graph, nor in quarantine."""
    doubled: list[str] = field(default_factory=list[str])
    """Places of events with two outcomes, and ids of notices that were sent with two contents."""
    notices: int = 0
    not_sent: list[str] = field(default_factory=list[str])
    """Ids of notices that the graph has sent and their topic does not hold."""
    unknown: list[str] = field(default_factory=list[str])
    """Subjects of notices in the topics that the graph knows nothing of: it is older than they are."""
    requests_lost: list[str] = field(default_factory=list[str])
    """Searches, uploads, marks and erasures that people wait for and that are nowhere."""
    roots_missing: list[str] = field(default_factory=list[str])
    """Dates of audit roots that their topic lacks."""
    verdicts_changed: list[str] = field(default_factory=list[str])
    """Links whose state is another one than was sent last."""
    files_missing: list[str] = field(default_factory=list[str])
    """Ids of faces without their crops, and of uploaded media without their bytes."""

    @property
    def differs(self) -> bool:
        return any((self.lost, self.doubled, self.not_sent, self.unknown, self.requests_lost, self.roots_missing,
                    self.verdicts_changed, self.files_missing))  # fmt: skip


@dataclass(slots=True)
class Findings:
    """A reconciliation with what a repair needs of it."""

    report: Reconciliation
    lost: list[Submitted] = field(default_factory=list[Submitted])
    unknown: list[Row] = field(default_factory=list[Row])
    """The bodies of the notices that the graph does not know, each with its `source` and `sent_at` (milliseconds)."""
    requests: list[Request] = field(default_factory=list[Request])
    roots: list[Root] = field(default_factory=list[Root])
    without_crops: list[Submitted] = field(default_factory=list[Submitted])
    """An event of each media whose crops are missing, as far as the topics hold one."""
    files_gone: int = 0
    """Missing files that no event brings back."""
    since: int | None = None
    """When the oldest event was submitted that the topics still hold, in milliseconds; None where they begin at 0."""

    def confirmed(self, before: Findings) -> Findings:
        """These findings without the differences that the pass before did not find."""

        def both(name: str) -> list[str]:
            known = set(getattr(before.report, name))
            return [item for item in getattr(self.report, name) if item in known]

        names = ("lost", "not_sent", "unknown", "requests_lost", "roots_missing", "verdicts_changed", "files_missing")
        report = replace(self.report, **{name: both(name) for name in names})
        report.waiting += len(self.report.lost) - len(report.lost)
        return replace(
            self,
            report=report,
            lost=[item for item in self.lost if item.event.place in set(report.lost)],
            unknown=[body for body in self.unknown if body["subject"] in set(report.unknown)],
            requests=[item for item in self.requests if item.name in set(report.requests_lost)],
            roots=[item for item in self.roots if item.date in set(report.roots_missing)],
        )


async def find(store: Store, kafka: Kafka, files: MediaStore | None) -> Findings:
    """What is lost, doubled, unsent or changed, with what a repair needs; without `files` none are looked for.

    Reads only. Raises KafkaException, TimeoutError, StoreUnavailable or MediaStoreUnavailable.
    """
    found = await _pass(store, kafka, files)
    if not found.report.differs:
        return found
    await asyncio.sleep(SECOND_PASS_S)
    return (await _pass(store, kafka, files)).confirmed(found)


async def _pass(store: Store, kafka: Kafka, files: MediaStore | None) -> Findings:
    cursor = await read_cursor(store)
    sent = [item for item in await actions.sent_notices(store, now=datetime.now(UTC)) if item.source in kafka.sources]
    due = await actions.due_notices(store)
    on_the_way = await actions.due(store, "replay") | await actions.due(store, "quarantine")
    requests = await actions.published_requests(store)
    drawn = await roots.all_roots(store)
    roots_due = await actions.due(store, "root")
    known = frozenset(item.notice_id for item in sent)
    topic = await asyncio.to_thread(_read_topics, kafka, cursor.offset, known)
    found = Findings(Reconciliation(notices=len(sent)), since=topic.since)
    report, submitted = found.report, list(topic.submitted.values())
    for event, standing in zip(submitted, await actions.standing(store, submitted), strict=True):
        _count(found, event, standing, event.event in topic.waiting or event.event.place in on_the_way)
    report.not_sent = sorted(
        item.notice_id for item in sent if item.notice_id not in topic.notices.contents and item.notice_id not in due
    )
    report.doubled += sorted(topic.notices.doubled)
    unknown = await actions.unknown_notices(store, topic.notices.unknown)
    found.unknown = [topic.notices.unknown[notice_id] for notice_id in sorted(unknown)]
    report.unknown = sorted({str(body["subject"]) for body in found.unknown})
    absent = [request for request in requests if request.ce_id not in topic.ids]
    found.requests = await actions.still_asked(store, absent)
    report.requests_lost = [request.name for request in found.requests]
    found.roots = [root for root in drawn if root.date not in topic.roots and root.date not in roots_due]
    report.roots_missing = [root.date for root in found.roots]
    report.verdicts_changed = await actions.changed_verdicts(store, topic.notices.states)
    if files is not None:
        await _find_files(found, store, files, {event.media_id: event for event in submitted})
    return found


async def _find_files(found: Findings, store: Store, files: MediaStore, by_media: Mapping[str, Submitted]) -> None:
    """Compares the faces and the uploads of the graph with the media store."""

    def missing_crops(page: Sequence[FaceCrops]) -> list[FaceCrops]:
        return [face for face in page if not (files.has(face.display) and files.has(face.aligned))]

    def missing_uploads(page: Sequence[str]) -> list[str]:
        return [media_id for media_id in page if not files.has_upload(media_id)]

    without: set[str] = set()
    async for page in actions.crops(store):
        missing = await asyncio.to_thread(missing_crops, page)
        found.report.files_missing += [face.face_id for face in missing]
        found.files_gone += sum(face.media_id not in by_media for face in missing)
        without |= {face.media_id for face in missing}
    found.without_crops = [by_media[media_id] for media_id in sorted(without & by_media.keys())]
    async for uploads in actions.uploads(store):
        gone = await asyncio.to_thread(missing_uploads, uploads)
        found.report.files_missing += gone
        found.files_gone += len(gone)


def _count(found: Findings, event: Submitted, standing: Standing, is_waiting: bool) -> None:
    report = found.report
    report.events += 1
    if len(standing.final) > 1:
        report.doubled.append(event.event.place)
    if is_finished(event, standing):
        report.finished += 1
    elif not standing.final and standing.quarantine == "waiting":
        report.quarantined += 1
    elif is_waiting:
        report.waiting += 1
    else:
        report.lost.append(event.event.place)
        found.lost.append(event)


def is_finished(event: Submitted, standing: Standing) -> bool:
    """Whether the event came to its end, and what its end says is in the graph."""
    if event.key:
        return not standing.waits
    final = standing.final
    return bool(final) and (standing.stored or final[-1] not in KEPT_OUTCOMES)


def source_events(kafka: Kafka, wanted: Iterable[Submitted]) -> list[SourceEvent]:
    """These events whole, as the topics hold them, in the order of their submission; the erasures first."""
    places = {item.event for item in wanted}
    found: dict[Event, SourceEvent] = {}
    with TopicReader(kafka.connection) as reader:
        for name, source in _inputs(kafka).items():
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


@dataclass(slots=True)
class _Notices:
    known: frozenset[str] = frozenset()
    contents: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """By notice id the digest of what was sent."""
    doubled: set[str] = field(default_factory=set[str])
    unknown: dict[str, Row] = field(default_factory=dict[str, Row])
    """The bodies of notices that are not among the `known` ones."""
    states: dict[str, tuple[int, str, str]] = field(default_factory=dict[str, tuple[int, str, str]])
    """By subject of a link: number, link id and state of the last decision sent."""


@dataclass(slots=True)
class _Topics:
    submitted: dict[Event, Submitted] = field(default_factory=dict[Event, Submitted])
    waiting: set[Event] = field(default_factory=set[Event])
    """Events on their way: before embed, before link, or before the relay has indexed their quarantine record."""
    notices: _Notices = field(default_factory=_Notices)
    ids: set[str] = field(default_factory=set[str])
    """`ce_id` of all submitted events and of what is in the gallery log, and the keys of the probes."""
    since: int | None = None
    roots: set[str] = field(default_factory=set[str])
    unnamed: dict[tuple[str, str], Event] = field(default_factory=dict[tuple[str, str], Event])
    """Media events that name no SHA-256, by place and ce_id: their notices say which media they were."""


def _inputs(kafka: Kafka) -> dict[str, str]:
    """The source of each input topic; nobody's are the probes."""
    return {**sources_by_topic(kafka.sources), topics.PROBES: ""}


def _read_topics(kafka: Kafka, applied: int, known: frozenset[str]) -> _Topics:
    found, inputs = _Topics(notices=_Notices(known)), _inputs(kafka)
    committed = _committed(kafka, EMBED_GROUP, [*inputs])
    indexed = _committed(kafka, LINK_GROUP, [topics.QUARANTINE])
    with TopicReader(kafka.connection) as reader:
        _on_its_way(found, reader, applied, indexed)
        for name, source in inputs.items():
            if any(low > 0 for low, _ in reader.bounds(name).values()):
                found.since = 0
            for message in reader.read(name):
                _submitted(found, message, source, is_read=message.offset < committed.get((name, message.partition), 0))
        found.roots = {(message.key or b"").decode() for message in reader.read(topics.AUDIT_ROOTS)}
        for source in kafka.sources:
            for message in reader.read(topics.notices(source)):
                _noticed(found, message, source)
    if found.since is not None:
        found.since = min((item.submitted_at for item in found.submitted.values()), default=0)
    return found


def _committed(kafka: Kafka, group: str, names: Sequence[str]) -> dict[tuple[str, int], int]:
    """The offset up to which a group has committed each partition of the topics."""
    with group_offsets(kafka.connection, group) as offsets:
        places = offsets.partitions(names)
        return {
            (place.topic, place.partition): offset
            for place, offset in zip(places, offsets.committed(places), strict=True)
        }


def _on_its_way(found: _Topics, reader: TopicReader, applied: int, indexed: Mapping[tuple[str, int], int]) -> None:
    start = {partition: max(0, offset) for (_, partition), offset in indexed.items()}
    for message in reader.read(topics.QUARANTINE, start):
        at = message.header(SUBMITTED_AT)
        submitted_at = int(at) if at.isdecimal() and len(at) <= 18 else 0
        found.waiting.add(Event.of(message.header(EVENT), ce_id_of(message.headers), submitted_at))
    for message in reader.read(topics.GALLERY, {0: applied + 1}):
        found.ids.add(message.header("ce_id"))
        match _json(message.value).get("origin"):
            case {"event": str(place), "ce_id": str(ce_id), "submitted_at": int(submitted_at)}:
                found.waiting.add(Event.of(place, ce_id, submitted_at))
                found.ids.add(ce_id)
            case _:
                pass  # what follows of a person's act has no event


def _submitted(found: _Topics, message: Message, source: str, *, is_read: bool) -> None:
    event = origin(message, source)
    named = Event.of(event.event, event.ce_id, event.submitted_at)
    if not is_read:
        found.waiting.add(named)
    if named in found.submitted:
        return
    body = _json(message.value)
    media_id = str(body.get("sha256") or "").lower()
    is_media = message.header("ce_type") == CE_MEDIA and is_digest(media_id)
    if not is_media:
        found.unnamed[event.event, event.ce_id] = named
    key = (message.key or b"").decode("utf-8", "replace") if message.topic == topics.PROBES else ""
    found.ids.add(key or event.ce_id)
    found.submitted[named] = Submitted(
        named, source, str(body.get("case_id", "")), media_id if is_media else "", event.submitted_at, key
    )


def _noticed(found: _Topics, message: Message, source: str) -> None:
    notices, body = found.notices, _json(message.value)
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


def _json(value: bytes | None) -> dict[str, Any]:
    """The object in a record, empty where it is none: anybody's bytes may stand in an input topic."""
    try:
        found: Any = json.loads(value or b"")
    except (ValueError, RecursionError):
        return {}
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}
