"""Reconciles the topics, the graph and the notices: which events are lost, doubled, or have no notice.

The order of reading matters: first how far the readers are, then events in progress, then what was submitted, and the
graph last, so that an event that moves on meanwhile is found at its next place. One that moves back (a replay) can
still be missed, so a difference counts only if a second pass finds it too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from graph.actions.link.cursor import read_cursor
from graph.actions.operate import audit_roots as roots
from graph.actions.operate import reconcile as actions
from graph.actions.operate.reconcile import KEPT_OUTCOMES, FaceCrops, Request, Standing, Submitted
from graph.domain.audit_root import Root
from graph.files import MediaStore
from graph.store.session import Row, Store
from streams.repair.topic_contents import SourceTopics, read_contents

SECOND_PASS_S: Final = 2.0
"""Until the second pass: by then an event between two places has arrived at the later one."""


@dataclass(slots=True)
class Reconciliation:
    """Numbers of events and notices, and the ids that differ."""

    events: int = 0
    finished: int = 0
    quarantined: int = 0
    waiting: int = 0
    lost: list[str] = field(default_factory=list[str])
    """Places of events that are neither in progress, nor in the graph, nor in quarantine."""
    doubled: list[str] = field(default_factory=list[str])
    """Places of events with two outcomes, and ids of notices that were sent with two contents."""
    notices: int = 0
    not_sent: list[str] = field(default_factory=list[str])
    """Ids of notices that the graph has sent and their topic lacks."""
    unknown: list[str] = field(default_factory=list[str])
    """Subjects of notices in the topics that the graph lacks: it is older than they are."""
    requests_lost: list[str] = field(default_factory=list[str])
    """Searches, uploads, marks and erasures that people wait for and that no topic holds."""
    roots_missing: list[str] = field(default_factory=list[str])
    """Dates of audit roots that their topic lacks."""
    verdicts_changed: list[str] = field(default_factory=list[str])
    """Links whose state differs from the last one sent."""
    files_missing: list[str] = field(default_factory=list[str])
    """Ids of faces without their crops, and of uploaded media without their bytes."""

    @property
    def differs(self) -> bool:
        """Whether any of the lists above has an entry."""
        of_events = self.lost, self.doubled, self.not_sent, self.unknown
        return any(of_events) or any(
            (self.requests_lost, self.roots_missing, self.verdicts_changed, self.files_missing)
        )


@dataclass(slots=True)
class Findings:
    """A reconciliation with the objects that a repair needs."""

    report: Reconciliation
    lost: list[Submitted] = field(default_factory=list[Submitted])
    unknown: list[Row] = field(default_factory=list[Row])
    """The bodies of the notices that the graph lacks, each with its `source` and `sent_at` (milliseconds)."""
    requests: list[Request] = field(default_factory=list[Request])
    roots: list[Root] = field(default_factory=list[Root])
    without_crops: list[Submitted] = field(default_factory=list[Submitted])
    """One event of each media whose crops are missing, where the topics hold one."""
    files_gone: int = 0
    """Missing files whose media have no event in the topics."""
    since: int | None = None
    """As in TopicContents."""

    def confirmed(self, before: Findings) -> Findings:
        """These findings without differences that the pass before did not find."""

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


async def find(store: Store, kafka: SourceTopics, files: MediaStore | None) -> Findings:
    """The differences, with the objects that a repair needs; missing files are found only with `files`.

    Reads only. Raises KafkaException, TimeoutError, StoreUnavailable or MediaStoreUnavailable.
    """
    found = await _pass(store, kafka, files)
    if not found.report.differs:
        return found
    await asyncio.sleep(SECOND_PASS_S)
    return (await _pass(store, kafka, files)).confirmed(found)


async def _pass(store: Store, kafka: SourceTopics, files: MediaStore | None) -> Findings:
    cursor = await read_cursor(store)
    sent = [item for item in await actions.sent_notices(store, now=datetime.now(UTC)) if item.source in kafka.sources]
    due = await actions.due_notices(store)
    to_publish = await actions.due(store, "replay") | await actions.due(store, "quarantine")
    requests = await actions.published_requests(store)
    drawn = await roots.all_roots(store)
    roots_due = await actions.due(store, "root")
    known = frozenset(item.notice_id for item in sent)
    topic = await asyncio.to_thread(read_contents, kafka, cursor.offset, known)
    found = Findings(Reconciliation(notices=len(sent)), since=topic.since)
    report, submitted = found.report, list(topic.submitted.values())
    for event, standing in zip(submitted, await actions.standing(store, submitted), strict=True):
        _count(found, event, standing, event.event in topic.in_progress or event.event.place in to_publish)
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
    """Adds the crops and uploads of the graph that the media store lacks."""

    def missing_crops(page: Sequence[FaceCrops]) -> list[FaceCrops]:
        return [face for face in page if not all(map(files.has, face.keys))]

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


def _count(found: Findings, event: Submitted, standing: Standing, in_progress: bool) -> None:
    report = found.report
    report.events += 1
    if len(standing.final) > 1:
        report.doubled.append(event.event.place)
    if is_finished(event, standing):
        report.finished += 1
    elif not standing.final and standing.quarantine == "waiting":
        report.quarantined += 1
    elif in_progress:
        report.waiting += 1
    else:
        report.lost.append(event.event.place)
        found.lost.append(event)


def is_finished(event: Submitted, standing: Standing) -> bool:
    """Whether the event is finished, and the graph holds its result."""
    if event.key:
        return not standing.waits
    final = standing.final
    return bool(final) and (standing.stored or final[-1] not in KEPT_OUTCOMES)
