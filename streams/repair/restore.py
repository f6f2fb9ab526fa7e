"""Repairs a graph that does not agree with the topics, while embed and link run."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from graph.actions.link.cursor import read_cursor
from graph.actions.operate import audit_roots
from graph.actions.operate import reconcile as reading
from graph.actions.operate import restore as actions
from graph.actions.operate.reconcile import Submitted
from graph.domain.errors import LogGap
from graph.files import MediaStore
from graph.store.session import Store
from streams.kafka.gallery_topic import GalleryTopic
from streams.repair.reconcile import Findings, Reconciliation, find, is_finished
from streams.repair.topic_contents import SourceTopics, source_events

LOOK_S: Final = 2.0
CROPS_S: Final = 60.0
"""The longest wait for crops whose pictures are processed again."""
NOT_RESTORED: Final = {
    "decided": "a decision that was sent to its case system and that the graph does not hold: ask who made it",
    "victim_changed": "a change of a victim that was sent and that the graph does not hold",
}
"""Changes that can't be restored, by outcome of a notice; others are made again from their events."""


@dataclass(slots=True)
class Repair:
    """The work of a repair."""

    found: Findings
    log_lost: str = ""
    """Why the gallery log is not the one that the graph was written from; empty where it is."""
    not_restored: list[str] = field(default_factory=list[str])
    """Changes that can't be restored, a line each."""

    @property
    def is_needed(self) -> bool:
        found = self.found
        repairable = found.lost, found.report.not_sent, found.unknown, found.requests, found.roots, found.without_crops
        return bool(self.log_lost) or any(repairable)


async def examine(store: Store, kafka: SourceTopics, files: MediaStore) -> Repair:
    """The differences and what a repair has to do; reads only."""
    found = await find(store, kafka, files)
    return Repair(found, await _log_fault(store, kafka), _not_restored(found))


async def _log_fault(store: Store, kafka: SourceTopics) -> str:
    """Why the log is not the graph's; checked twice, since link may move the cursor meanwhile."""
    fault = ""
    for _ in range(2):
        cursor = await read_cursor(store)
        try:
            await asyncio.to_thread(GalleryTopic(kafka.connection).check, cursor)
        except LogGap as gap:
            fault = gap.message
        else:
            return ""
    return fault


def _not_restored(found: Findings) -> list[str]:
    lines: list[str] = []
    for outcome, text in NOT_RESTORED.items():
        subjects = sorted({str(body["subject"]) for body in found.unknown if body.get("outcome") == outcome})
        lines += [f"{subject}: {text}" for subject in subjects]
    lines += [f"{link_id}: the link is not as was last sent" for link_id in found.report.verdicts_changed]
    if found.files_gone:
        lines.append(
            f"{found.files_gone} crops or uploads are missing, and no topic holds their events: submit their pictures "
            "again"
        )
    if found.since is not None and found.report.lost:
        lines.append(
            f"the submitted topics begin at {datetime.fromtimestamp(found.since / 1000, UTC):%Y-%m-%d %H:%M} UTC: what "
            "a graph older than that lacks is to be submitted again"
        )
    return lines


async def repair(store: Store, kafka: SourceTopics, todo: Repair, *, actor: str) -> Mapping[str, int]:
    """Publishes again what is lost; returns the number of records by kind.

    A log that is not the graph's is read by link from its beginning.
    """
    now, found = datetime.now(UTC), todo.found
    # A running link may hold in memory what the graph has lost.
    await actions.reload_link(store)
    if log_lost := bool(await _log_fault(store, kafka)):
        await _read_log_again(store, kafka, actor, now)
    await actions.know(store, found.unknown)
    erasures = [body for body in found.unknown if str(body.get("event", "")).startswith("erasures/")]
    counts = Counter({"erasure": await actions.erase_again(store, erasures, actor=actor, now=now)})
    events = await asyncio.to_thread(source_events, kafka, [*found.lost, *found.without_crops])
    await actions.replay(store, [event.model_dump() for event in events], actor=actor, now=now)
    counts["event"] = len(events)
    not_sent = set(found.report.not_sent)
    published = await actions.publish_again(
        store, notices=not_sent, requests=found.requests, log_lost=log_lost or bool(found.lost), actor=actor, now=now
    )
    # The graph stores only the facts, not the body, of a notice that an older release sent.
    bare = not_sent - {name for _, name in published}
    await actions.notify_again(
        store, [item for item in await reading.sent_notices(store, now=now) if item.notice_id in bare]
    )
    await audit_roots.publish_again(store, found.roots)
    counts.update({"notice": len(bare), "root": len(found.roots)})
    counts.update(kind for kind, _ in published)
    return +counts


async def _read_log_again(store: Store, kafka: SourceTopics, actor: str, now: datetime) -> None:
    log = GalleryTopic(kafka.connection)
    log_id, (begin, _) = await asyncio.to_thread(log.log_id), await asyncio.to_thread(log.bounds)
    await actions.reset_cursor(store, log_id, begin - 1, actor=actor, now=now)


async def settle(
    store: Store, kafka: SourceTopics, files: MediaStore, todo: Repair, notify: Callable[[int], None]
) -> Reconciliation:
    """The reconciliation once all repaired events have finished.

    Link has then loaded its gallery from the graph again. `notify` gets the number of unfinished events.
    """
    _, end = await asyncio.to_thread(GalleryTopic(kafka.connection).bounds)
    while (left := await _left(store, todo.found.lost)) or not await _is_applied(store, end):
        notify(left)
        await asyncio.sleep(LOOK_S)
    found = (await find(store, kafka, files)).report
    for _ in range(int(CROPS_S / LOOK_S) if todo.found.without_crops else 0):
        if not found.files_missing:
            break
        await asyncio.sleep(LOOK_S)
        found = (await find(store, kafka, files)).report
    await actions.reload_link(store)
    return found


async def _left(store: Store, lost: list[Submitted]) -> int:
    """How many of the events have neither finished nor reached quarantine."""
    ends = zip(lost, await reading.standing(store, lost), strict=True)
    return sum(not is_finished(event, standing) and standing.quarantine != "waiting" for event, standing in ends)


async def _is_applied(store: Store, end: int) -> bool:
    """Whether link has applied the log up to `end`, and the outbox is empty now."""
    cursor = await read_cursor(store)
    return cursor.offset + 1 >= end and not await actions.is_publishing(store)
