"""Repairs a graph ahead of, behind or beside its gallery log, while embed and link run."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from graph.actions import ingest, roots
from graph.actions import reconcile as reading
from graph.actions import restore as actions
from graph.domain.errors import LogGap
from graph.files import MediaStore
from graph.store.session import Store
from streams import topics
from streams.reconcile import Findings, Reconciliation, find
from streams.records import SourceEvent
from streams.takeover import Log
from streams.topic_reader import TopicReader

LOOK_S: Final = 2.0
NOT_RESTORED: Final = {
    "decided": "a decision that was sent to its case system and that the graph does not hold: ask who made it",
    "victim_changed": "a change of a victim that was sent and that the graph does not hold",
}
"""By outcome of a notice: what can't be made again. Others come back with their events."""


@dataclass(frozen=True, slots=True)
class Kafka:
    """Where the topics are."""

    bootstrap: str
    security: Mapping[str, str]
    sources: Mapping[str, Sequence[str]]


@dataclass(slots=True)
class Repair:
    """What has to be repaired."""

    found: Findings
    log_lost: str = ""
    """Why the gallery log is not the one that the graph was written from; empty where it is."""
    begin: int = 0
    """The log's first offset now."""
    not_restored: list[str] = field(default_factory=list[str])
    """What can't be made again, a line each."""

    @property
    def is_needed(self) -> bool:
        found = self.found
        return any((self.log_lost, found.lost, found.report.not_sent, found.unknown, found.roots, found.without_crops))


async def look(store: Store, kafka: Kafka, files: MediaStore) -> Repair:
    """What has to be repaired; reads only."""
    found = await find(store, kafka.bootstrap, kafka.security, kafka.sources, files)
    cursor = await ingest.read_cursor(store)
    log_lost, begin = await asyncio.to_thread(_look_at_log, Log(kafka.bootstrap, kafka.security), cursor)
    return Repair(found, log_lost, begin, _not_restored(found))


def _look_at_log(log: Log, cursor: ingest.Cursor) -> tuple[str, int]:
    begin, _ = log.bounds()
    try:
        log.check(cursor)
    except LogGap as gap:
        return gap.message, begin
    return "", begin


def _not_restored(found: Findings) -> list[str]:
    lines: list[str] = []
    for outcome, text in NOT_RESTORED.items():
        subjects = sorted({str(body["subject"]) for body in found.unknown if body.get("outcome") == outcome})
        lines += [f"{subject}: {text}" for subject in subjects]
    if found.report.files_missing:
        lines.append(
            f"{len(found.report.files_missing)} crops or uploads are missing; the crops of {len(found.without_crops)} "
            "media are made again, the others' pictures are to be submitted again"
        )
    if found.since is not None and found.report.lost:
        lines.append(
            f"the submitted topics begin at {datetime.fromtimestamp(found.since / 1000, UTC):%Y-%m-%d %H:%M} UTC: what "
            "a graph older than that lacks is to be submitted again"
        )
    return lines


async def repair(store: Store, kafka: Kafka, files: MediaStore, todo: Repair, *, actor: str) -> Mapping[str, int]:
    """How many records of each kind go their way again; link reads a log that is another one from its begin."""
    now = datetime.now(UTC)
    if todo.log_lost:
        log_id = await asyncio.to_thread(Log(kafka.bootstrap, kafka.security).log_id)
        await actions.reset_cursor(store, log_id, todo.begin - 1, actor=actor, now=now)
    erasures = [body for body in todo.found.unknown if str(body.get("event", "")).startswith("erasures/")]
    counts = {"erasure": await actions.erase_again(store, erasures, actor=actor, now=now)}
    events = _erasures_first([*todo.found.lost, *todo.found.without_crops])
    await actions.replay(store, [event.model_dump() for event in events], actor=actor, now=now)
    counts["event"] = len(events)
    not_sent = set(todo.found.report.not_sent)
    published = await actions.publish_again(
        store, notices=not_sent, sent_events=todo.found.sent_events, log_lost=bool(todo.log_lost), actor=actor, now=now
    )
    # Of a notice that an older release sent only its facts are kept.
    bare = not_sent - {name for _, name in published}
    await actions.notify_again(
        store, [row for row in await reading.sent_notices(store, now=now) if row["notice_id"] in bare], now=now
    )
    await roots.publish_again(store, todo.found.roots)
    counts = Counter({**counts, "notice": len(bare), "root": len(todo.found.roots)})
    counts.update(kind for kind, _ in published)
    return +counts


def _erasures_first(events: Sequence[SourceEvent]) -> list[SourceEvent]:
    return sorted(events, key=lambda event: event.topic != topics.erasures_requested(event.source))


async def settle(
    store: Store, kafka: Kafka, files: MediaStore, told: Callable[[Reconciliation], None]
) -> Reconciliation:
    """The reconciliation once nothing is on its way any more; link then loads its gallery from the graph again."""
    while True:
        found = (await find(store, kafka.bootstrap, kafka.security, kafka.sources, files)).report
        if not found.waiting and await _is_idle(store, kafka):
            break
        told(found)
        await asyncio.sleep(LOOK_S)
    await actions.reload_link(store)
    return found


async def _is_idle(store: Store, kafka: Kafka) -> bool:
    cursor = await ingest.read_cursor(store)
    return cursor.offset + 1 >= await asyncio.to_thread(_end_of_log, kafka) and not await actions.is_publishing(store)


def _end_of_log(kafka: Kafka) -> int:
    with TopicReader(kafka.bootstrap, kafka.security) as reader:
        return reader.bounds(topics.GALLERY)[0][1]
