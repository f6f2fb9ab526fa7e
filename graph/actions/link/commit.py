"""Writes one batch of the gallery log to the graph, in one transaction with the cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, LiteralString

from graph.actions import events, victims
from graph.actions.link.chunks import in_chunks
from graph.actions.link.cursor import LOG, UNKNOWN, RecordId
from graph.actions.link.writes import GraphWrites
from graph.actions.notices import store_notices
from graph.domain import ids
from graph.domain.audit import Act, content_digest
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Fenced, LogGap
from graph.files import crop_name
from graph.store import log
from graph.store.queries import answers, models, relay
from graph.store.queries import ingest as queries
from graph.store.session import Store, Tx


class AlreadyCommitted(Exception):
    """The graph holds the batch already: this process committed it and lost the answer."""


async def commit(
    store: Store,
    epoch: int,
    writes: GraphWrites,
    *,
    now: datetime,
    record: RecordId | None = None,
    known_offset: int | None = None,
    between: Callable[[], None] = lambda: None,
    ends: bool = True,
) -> None:
    """Writes a batch and moves the cursor to its last record, all or nothing.

    A very large batch is written in chunks, and the last one moves the cursor. `between` is called after each chunk but
    the last. Without a `record` the cursor stores its offset alone: a graph written without a log. The cursor does not
    move if the batch `ends` no record, because more of one follows. `known_offset` is where the caller last
    saw the cursor.

    Raises Fenced where another process has taken the log over, AlreadyCommitted where the batch was written before, and
    LogGap where the cursor is before `known_offset`, because an older dump was loaded meanwhile.
    """

    async def work(tx: Tx, chunk: GraphWrites, cursor: LiteralString) -> None:
        head = await _move(tx, cursor, epoch, chunk.last, record or UNKNOWN, known_offset)
        if chunk.removed_links:
            await tx.do(queries.REMOVE_LINKS, links=chunk.removed_links)
        affected = await _affected_faces(tx, chunk)
        removed_files = [*chunk.removed_files, *await _crops_elsewhere(tx, chunk.removed_faces)]
        await _write(tx, chunk, now)
        effects = await victims.recompute(tx, affected, at=now.isoformat()) if affected else None
        # Events with a notice first: the first event at a place is named by the place.
        noticed = [item.event for item in chunk.notices if item.event is not None]
        known = await events.look_up(tx, [*noticed, *chunk.processed])
        resolved = [ids.quarantine_id(known[event].name) for event in chunk.processed if known[event].quarantined]
        if resolved:
            await tx.do(relay.RESOLVE_QUARANTINED, ids=resolved, now=now.isoformat())
        outgoing = [
            *await store_notices(tx, chunk.notices, now, known),
            *(log.Outgoing("quarantine", row["event"], row) for row in chunk.quarantined),
            *(log.Outgoing("delete", name, {}) for name in dict.fromkeys(removed_files)),
            *(log.Outgoing("replay", row["event"], row) for row in chunk.replays),
            *(victims.moved_faces(effects) if effects is not None else ()),
        ]
        await log.append(tx, head, audit_acts(chunk, now), outgoing)

    *early, last = in_chunks(writes)
    for chunk in early:
        await store.write(lambda tx, chunk=chunk: work(tx, chunk, queries.HOLD_CURSOR))
        between()
    await store.write(lambda tx: work(tx, last, queries.MOVE_CURSOR if ends else queries.HOLD_CURSOR))


async def _move(
    tx: Tx, cursor: LiteralString, epoch: int, last: int, record: RecordId, known_offset: int | None
) -> log.Head:
    """The locked audit head; the statement `cursor` has moved or held the cursor. Raises as `commit` does."""
    moved = await tx.one(cursor, log=LOG, epoch=epoch, last=last, ce_id=record.ce_id, digest=record.digest)
    before = moved or await tx.one(queries.CURSOR, log=LOG)
    if before is not None and known_offset is not None and before["offset"] < known_offset:
        raise LogGap(
            f"the graph stands at {before['offset']}, link at {known_offset}: an older dump was loaded meanwhile"
        )
    if moved is not None:
        return log.Head(moved["seq"], moved["hash"], moved["outbox"])
    if before is not None and before["epoch"] == epoch and before["offset"] >= last:
        raise AlreadyCommitted
    raise Fenced("another link process has taken the gallery log over")


async def _affected_faces(tx: Tx, writes: GraphWrites) -> set[str]:
    """The faces whose victims may change by declarations and removals."""
    declared = {row["face_id"] for row in writes.depicts}
    removed = (await victims.load(tx, writes.removed_faces)).near.faces if writes.removed_faces else ()
    return declared | set(removed)


async def _crops_elsewhere(tx: Tx, faces: Sequence[str]) -> list[str]:
    """`media/name` of crops of these faces that are not stored under the face's own id."""
    rows = await tx.rows(queries.CROPS_ELSEWHERE, faces=faces) if faces else []
    return [f"{row['media_id']}/{crop_name(row['crop'])}" for row in rows]


async def _write(tx: Tx, writes: GraphWrites, now: datetime) -> None:
    asked = [
        {**row, "id": row["subject"].partition(":")[2]} for row in writes.erasures if row.get("erasure_id") is not None
    ]
    statements: list[tuple[Any, list[Any]]] = [
        (queries.REMOVE_SIMILAR, writes.removed_similar),
        (queries.MERGE_CASES, writes.cases),
        (queries.REMOVE_FACES, writes.removed_faces),
        (queries.REMOVE_MEMBERSHIPS, writes.removed_memberships),
        (queries.REMOVE_MEDIA, writes.removed_media),
        (queries.MERGE_ERASURES, writes.erasures),
        (queries.MERGE_MEDIA, writes.media),
        (queries.MERGE_MEMBERSHIPS, writes.memberships),
        (queries.UPDATE_MEDIA, writes.updated_media),
        (queries.MERGE_FACES, writes.faces),
        (queries.UPDATE_FACES, writes.updated_faces),
        (queries.MERGE_MARKS, writes.marks),
        (queries.MERGE_EMBEDDINGS, writes.embeddings),
        (models.JUDGE_FACES, writes.graded),
        (queries.MERGE_COMPARISONS, writes.comparisons),
        (queries.FORGET_CUT, writes.uncounted),
        # In the order of the pair, so that two writers lock the faces in one order.
        (queries.MERGE_LINKS, [asdict(row) for row in sorted(writes.links.values(), key=lambda row: (row.a, row.b))]),
        (queries.MERGE_VICTIMS, writes.victims),
        (queries.MERGE_DEPICTS, writes.depicts),
        (queries.CHANGE_GROUPS, writes.groups),
        (answers.ANSWER_SEARCHES, writes.answers),
        (answers.WRITE_PARTS, [*writes.answer_parts.values()]),
        (answers.CLOSE_SEARCHES, writes.ended_searches),
        (queries.SHOW_AGAIN, asked),
        (queries.SHOW_FACES_AGAIN, asked),
        (queries.END_ERASURES, asked),
        (queries.END_UPLOADS, writes.processed_ce_ids),
        (models.SET_MODEL, writes.new_model),
    ]
    for query, rows in statements:
        await tx.do_rows(query, rows, now=now.isoformat())


def audit_acts(writes: GraphWrites, now: datetime) -> list[Act]:
    """One audit entry for the batch; its digest covers every id that was written or removed."""
    written = {
        "media": sorted(row["media_id"] for row in (*writes.media, *writes.updated_media)),
        "memberships": sorted(row["membership_id"] for row in writes.memberships),
        "faces": sorted(row["face_id"] for row in (*writes.faces, *writes.updated_faces)),
        "links": sorted(writes.links),
        "searches": sorted({row["search_id"] for row in (*writes.answers, *writes.answer_parts.values())}),
        "gone": sorted([*writes.removed_memberships, *writes.removed_media, *writes.removed_faces]),
    }
    if not any(written.values()):
        return []
    subject = f"gallery:{writes.first}-{writes.last}"
    return [Act(now, "link", AuditAction.BATCH_COLLECTED, subject, digest=content_digest(written))]
