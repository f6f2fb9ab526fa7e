"""Reconciles the topics, the graph and the notices: which events are lost, doubled, or have no notice.

The order of the reads makes it right while everything runs: how far the readers are is asked first, then what is on its
way, then what was submitted, and the graph last. So an event that moves on meanwhile is found at its next place.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast

from graph.actions import ingest, roots
from graph.actions import reconcile as actions
from graph.actions.events import Event
from graph.actions.reconcile import KEPT_OUTCOMES, Standing, Submitted
from graph.domain.audit_root import Root
from graph.domain.ids import fingerprint, is_digest
from graph.files import MediaStore
from graph.store.session import Row, Store
from streams import topics
from streams.agents import EMBED_GROUP, LINK_GROUP
from streams.group_offsets import group_offsets
from streams.inputs import Message, origin, sources_by_topic
from streams.quarantine import EVENT, SUBMITTED_AT
from streams.records import CE_MEDIA, SourceEvent
from streams.topic_reader import TopicReader


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
    verdicts_changed: list[str] = field(default_factory=list[str])
    """Links whose state is another one than was sent last."""
    files_missing: list[str] = field(default_factory=list[str])
    """Ids of faces without their crops, and of uploaded media without their bytes."""

    @property
    def differs(self) -> bool:
        return any((self.lost, self.doubled, self.not_sent, self.unknown, self.verdicts_changed, self.files_missing))


@dataclass(slots=True)
class Findings:
    """A reconciliation with what a repair needs of it."""

    report: Reconciliation
    lost: list[SourceEvent] = field(default_factory=list[SourceEvent])
    """In the order of their submission."""
    unknown: list[Row] = field(default_factory=list[Row])
    """The bodies of the notices that the graph knows nothing of, each with its `sent_at` in milliseconds."""
    sent_events: set[str] = field(default_factory=set[str])
    """`ce_id` of every submitted event, and the keys of the probes."""
    since: int | None = None
    """When the oldest event was submitted that the topics still hold, in milliseconds; None where they begin at 0."""
    without_crops: list[SourceEvent] = field(default_factory=list[SourceEvent])
    """An event of each media whose crops are missing, as far as the topics hold one."""
    roots: list[Root] = field(default_factory=list[Root])
    """The audit's roots that their topic lacks."""


async def find(
    store: Store,
    kafka: str,
    security: Mapping[str, str],
    sources: Mapping[str, Sequence[str]],
    files: MediaStore | None,
) -> Findings:
    """What is lost, doubled, unsent or changed, with what a repair needs; without `files` none are looked for.

    Reads only. Raises KafkaException, TimeoutError, StoreUnavailable or MediaStoreUnavailable.
    """
    cursor = await ingest.read_cursor(store)
    sent = await actions.sent_notices(store, now=datetime.now(UTC))
    due = await actions.due_notices(store)
    replays = await actions.due(store, "replay")
    drawn = await roots.all_roots(store)
    roots_due = await actions.due(store, "root")
    known = frozenset(row["notice_id"] for row in sent)
    topic = await asyncio.to_thread(_read_topics, kafka, security, sources, cursor.offset, known)
    found = Findings(Reconciliation(), sent_events=topic.sent_events, since=topic.since)
    report = found.report
    submitted = list(topic.submitted.values())
    for item, standing in zip(submitted, await actions.standing(store, [event for event, _ in submitted]), strict=True):
        event, source = item
        is_waiting = event.event in topic.waiting or event.event.place in replays
        _count(report, found.lost, event, source, standing, is_waiting)
    found.lost.sort(key=lambda event: (event.submitted_at, event.topic, event.partition, event.offset))
    report.notices = len(sent)
    report.not_sent = sorted(
        row["notice_id"]
        for row in sent
        if row["notice_id"] not in topic.notices.contents and row["notice_id"] not in due
    )
    report.doubled += sorted(topic.notices.doubled)
    unknown = await actions.unknown_notices(store, topic.notices.unknown)
    found.unknown = [topic.notices.unknown[notice_id] for notice_id in sorted(unknown)]
    report.unknown = sorted({str(body["subject"]) for body in found.unknown})
    report.verdicts_changed = await actions.changed_verdicts(store, topic.notices.states)
    found.roots = [root for root in drawn if root.date not in topic.roots and root.date not in roots_due]
    if files is not None:
        await _find_files(found, store, files, {event.media_id: source for event, source in submitted})
    return found


async def _find_files(found: Findings, store: Store, files: MediaStore, by_media: Mapping[str, SourceEvent]) -> None:
    """Compares the faces and the uploads of the graph with the media store."""

    def missing_crops(page: Sequence[Row]) -> list[Row]:
        return [row for row in page if not (files.has(row["display"]) and files.has(row["aligned"]))]

    def missing_uploads(page: Sequence[str]) -> list[str]:
        return [media_id for media_id in page if not files.has_upload(media_id)]

    without: set[str] = set()
    async for page in actions.crops(store):
        missing = await asyncio.to_thread(missing_crops, page)
        found.report.files_missing += [row["face_id"] for row in missing]
        without |= {row["media_id"] for row in missing}
    found.without_crops = [by_media[media_id] for media_id in sorted(without & by_media.keys())]
    async for uploads in actions.uploads(store):
        found.report.files_missing += await asyncio.to_thread(missing_uploads, uploads)


def _count(
    report: Reconciliation, lost: list[SourceEvent], event: Submitted, source: SourceEvent, standing: Standing,
    is_waiting: bool,
) -> None:  # fmt: skip
    report.events += 1
    final = standing.final
    if len(final) > 1:
        report.doubled.append(event.event.place)
    if event.key:
        is_finished, is_quarantined = not standing.waits, False
    else:
        is_finished = bool(final) and (standing.stored or final[-1] not in KEPT_OUTCOMES)
        is_quarantined = not final and standing.quarantine == "waiting"
    if is_finished:
        report.finished += 1
    elif is_waiting:
        report.waiting += 1
    elif is_quarantined:
        report.quarantined += 1
    else:
        report.lost.append(event.event.place)
        lost.append(source)


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
    submitted: dict[Event, tuple[Submitted, SourceEvent]] = field(
        default_factory=dict[Event, tuple[Submitted, SourceEvent]]
    )
    waiting: set[Event] = field(default_factory=set[Event])
    """Events on their way: before embed, before link, or before the relay has indexed their quarantine record."""
    notices: _Notices = field(default_factory=_Notices)
    sent_events: set[str] = field(default_factory=set[str])
    since: int | None = None
    roots: set[str] = field(default_factory=set[str])
    unnamed: dict[tuple[str, str], Event] = field(default_factory=dict[tuple[str, str], Event])
    """Media events that name no SHA-256, by place and ce_id: their notices say which media they were."""


def _read_topics(
    kafka: str, security: Mapping[str, str], sources: Mapping[str, Sequence[str]], applied: int, known: frozenset[str]
) -> _Topics:
    found = _Topics(notices=_Notices(known))
    owner = {**sources_by_topic(sources), topics.PROBES: ""}
    committed = _committed(kafka, security, EMBED_GROUP, list(owner))
    indexed = _committed(kafka, security, LINK_GROUP, [topics.QUARANTINE])
    with TopicReader(kafka, security) as reader:
        found.waiting.update(_on_its_way(reader, applied, indexed))
        for name, source in owner.items():
            if any(low > 0 for low, _ in reader.bounds(name).values()):
                found.since = found.since or 0
            for message in reader.read(name):
                _submitted(found, message, source, is_read=message.offset < committed.get((name, message.partition), 0))
        found.roots = {(message.key or b"").decode() for message in reader.read(topics.AUDIT_ROOTS)}
        for source in sources:
            for message in reader.read(topics.notices(source)):
                _noticed(found, message)
    if found.since is not None:
        found.since = min((item.submitted_at for item, _ in found.submitted.values()), default=0)
    return found


def _committed(kafka: str, security: Mapping[str, str], group: str, names: Sequence[str]) -> dict[tuple[str, int], int]:
    """The offset up to which a group has committed each partition of the topics."""
    with group_offsets(kafka, security, group) as offsets:
        places = offsets.partitions(names)
        return {(place.topic, place.partition): offset
                for place, offset in zip(places, offsets.committed(places), strict=True)}  # fmt: skip


def _on_its_way(reader: TopicReader, applied: int, indexed: Mapping[tuple[str, int], int]) -> Iterable[Event]:
    start = {partition: max(0, offset) for (_, partition), offset in indexed.items()}
    for message in reader.read(topics.QUARANTINE, start):
        yield Event(message.header(EVENT), fingerprint(message.header("ce_id"), _number(message.header(SUBMITTED_AT))))
    for message in reader.read(topics.GALLERY, {0: applied + 1}):
        match _json(message.value).get("origin"):
            case {"event": str(place), "ce_id": str(ce_id), "submitted_at": int(submitted_at)}:
                yield Event(place, fingerprint(ce_id, submitted_at))
            case _:
                pass  # what follows of a person's act has no event


def _submitted(found: _Topics, message: Message, source: str, *, is_read: bool) -> None:
    event = origin(message, source)
    named = Event(event.event, fingerprint(event.ce_id, event.submitted_at))
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
    found.sent_events.add(key or event.ce_id)
    found.submitted[named] = (
        Submitted(named, source, str(body.get("case_id", "")), media_id if is_media else "", event.submitted_at, key),
        event,
    )


def _noticed(found: _Topics, message: Message) -> None:
    notices, body = found.notices, _json(message.value)
    notice_id, subject = str(body.get("notice_id", "")), str(body.get("subject", ""))
    if not is_digest(notice_id):
        return
    content = hashlib.sha256(message.value or b"").digest()
    if notices.contents.setdefault(notice_id, content) != content:
        notices.doubled.add(notice_id)
    if notice_id not in notices.known:
        notices.unknown[notice_id] = {**body, "sent_at": message.timestamp}
    named = found.unnamed.get((str(body.get("event")), str(body.get("ce_id") or "")))
    if named is not None and is_digest(str(body.get("media_id"))):
        event, source = found.submitted[named]
        found.submitted[named] = (replace(event, media_id=str(body["media_id"])), source)
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


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) <= 18 else 0
