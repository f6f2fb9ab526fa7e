"""Link's story: what one batch of the gallery log changes in the graph, written in one transaction with the cursor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final, LiteralString

from graph.actions import victims
from graph.actions.decide.statements import to_gallery
from graph.actions.link import events
from graph.actions.link.chunks import in_parts
from graph.actions.link.events import Event
from graph.domain import ids
from graph.domain.audit import Act, content_digest
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Fenced, LogGap
from graph.store import log
from graph.store.queries import answers, models, relay
from graph.store.queries import ingest as queries
from graph.store.session import Row, Store, Tx

LOG = "redthread.gallery.v1"
ROWS = 1000
"""Rows of one statement: a whole case can be in one batch, and the process must do other things in between."""


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A proposed edge from the smaller face id: `state` is candidate or lead.

    `by_mean` says that the score is of the one face and the mean of the victim's faces that the other one stands for.
    `score_id` names what made score and threshold of the model's vectors.
    """

    link_id: str
    a: str
    b: str
    state: str
    score: float
    band: str
    model_id: str
    threshold: float
    by_mean: bool
    score_id: str


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """What became of an event; `body` is what its case system reads.

    `event` is None where the subject's name can mean nothing else.
    """

    subject: str
    source: str
    outcome: str
    body: Mapping[str, object]
    event: Event | None = None


@dataclass(slots=True)
class Changes:
    """Everything that a batch writes; each list holds rows for one statement of `queries.ingest` or `answers`."""

    first: int
    last: int
    cases: list[Row] = field(default_factory=list[Row])
    media: list[Row] = field(default_factory=list[Row])
    memberships: list[Row] = field(default_factory=list[Row])
    faces: list[Row] = field(default_factory=list[Row])
    marks: list[Row] = field(default_factory=list[Row])
    embeddings: list[Row] = field(default_factory=list[Row])
    judged: list[Row] = field(default_factory=list[Row])
    """Faces whose quality is from now on what one of their embeddings says."""
    comparisons: list[Row] = field(default_factory=list[Row])
    uncounted: list[str] = field(default_factory=list[str])
    """Faces that were not compared when all others were: how many are as similar to them is known no more."""
    links: dict[str, LinkRow] = field(default_factory=dict[str, LinkRow])
    victims: list[Row] = field(default_factory=list[Row])
    depicts: list[Row] = field(default_factory=list[Row])
    groups: list[Row] = field(default_factory=list[Row])
    answers: list[Row] = field(default_factory=list[Row])
    parts: dict[tuple[str, int], Row] = field(default_factory=dict[tuple[str, int], Row])
    """What was added to answers, by search and number; a part that grows within the batch is one row."""
    ended_searches: list[Row] = field(default_factory=list[Row])
    erasures: list[Row] = field(default_factory=list[Row])
    gone_memberships: list[str] = field(default_factory=list[str])
    gone_media: list[str] = field(default_factory=list[str])
    gone_faces: list[str] = field(default_factory=list[str])
    narrowed: set[str] = field(default_factory=set[str])
    stale: list[str] = field(default_factory=list[str])
    """Links to remove that only a former model proposed, where still no person has judged them."""
    switched: list[Row] = field(default_factory=list[Row])
    """The register's new model."""
    notices: list[NoticeRow] = field(default_factory=list[NoticeRow])
    quarantined: list[Row] = field(default_factory=list[Row])
    processed: list[Event] = field(default_factory=list[Event])
    """Events that came to an end other than quarantine: what stands there of them waits for nobody any more."""
    ended: list[str] = field(default_factory=list[str])
    """Of the same events the ids that their senders gave them."""
    reissued: list[Row] = field(default_factory=list[Row])
    gone_files: list[str] = field(default_factory=list[str])
    """Media ids, or `media/face`: files to delete once this stands in the graph, unless they are in it again."""


@dataclass(frozen=True, slots=True)
class RecordId:
    """What a record of the log is known by, beside its offset: `ce_id` and the SHA-256 of its value."""

    ce_id: str
    digest: str


UNKNOWN: Final = RecordId("", "")
"""A record of which nothing can be said: the log does not hold it any more."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the graph stands in the log.

    `model_id` is the register's model and `score_id` what its faces are compared by, since the record at `model_since`,
    where they were switched; both None until a first link has taken the log over, `score_id` also where the last one
    was of an older release. `ce_id` and `digest` identify the record at `offset`: None where an older release moved the
    cursor, empty where a person set it (`redthread restore`). `broken` says why the log is not the one that the graph
    was written from; it stays until that repair.
    """

    offset: int
    epoch: int
    log_id: str | None
    model_id: str | None
    score_id: str | None
    model_since: int
    ce_id: str | None = None
    digest: str | None = None
    broken: str | None = None

    @property
    def record(self) -> RecordId | None:
        """The record at `offset`, where it is known."""
        return RecordId(self.ce_id, self.digest) if self.ce_id is not None and self.digest else None


async def read_cursor(store: Store) -> Cursor:
    """Where the graph stands in the gallery log."""
    row = await store.read(lambda tx: tx.one(queries.CURSOR, log=LOG))
    if row is None:
        raise RuntimeError("the graph has no cursor: run the migrations")
    return Cursor(**row)


async def raise_epoch(store: Store, log_id: str, model_id: str) -> Cursor:
    """Takes the log over: from now on only the returned epoch may write, for this Kafka topic id.

    A register without a model gets `model_id`.
    """

    async def work(tx: Tx) -> Row | None:
        await log.lock_head(tx)
        return await tx.one(queries.RAISE_EPOCH, log=LOG, log_id=log_id, model_id=model_id)

    row = await store.write(work)
    if row is None:
        found = await read_cursor(store)
        raise LogGap(found.broken or "the graph has no cursor: run the migrations")
    return Cursor(**row)


async def calibration(store: Store) -> str | None:
    """What the register's faces are compared by, as text; None where no link of this release has taken it over."""
    row = await store.read(lambda tx: tx.one(models.CALIBRATION, log=LOG))
    return row["calibration"] if row else None


async def has_faces(store: Store) -> bool:
    """Whether the register holds a face."""
    row = await store.read(lambda tx: tx.one(models.FACES))
    return row is not None and row["number"] > 0


async def adopt_calibration(store: Store, epoch: int, score_id: str, text: str) -> None:
    """A register that has none is compared by this calibration from now on; only the link of this epoch may say so."""
    await store.write(
        lambda tx: tx.do(models.ADOPT_CALIBRATION, log=LOG, epoch=epoch, score_id=score_id, calibration=text)
    )


async def mark_broken(store: Store, reason: str, *, now: datetime) -> None:
    """No link takes the log over any more until a person has run the repair; the first reason stays."""
    await store.write(lambda tx: tx.do(queries.MARK_BROKEN, log=LOG, reason=reason, now=now.isoformat()))


async def adopt_record(store: Store, offset: int, record: RecordId | None) -> None:
    """The cursor of an older release knows its record from now on; None where the log no longer holds it."""
    known = record or UNKNOWN
    await store.write(
        lambda tx: tx.do(queries.ADOPT_RECORD, log=LOG, offset=offset, ce_id=known.ce_id, digest=known.digest)
    )


class AlreadyCommitted(Exception):
    """The batch stands in the graph: this process's own commit, whose answer was lost."""


async def commit(
    store: Store,
    epoch: int,
    changes: Changes,
    may_compare: Callable[[str, str], bool],
    *,
    now: datetime,
    record: RecordId | None = None,
    stands_at: int | None = None,
    between: Callable[[], None] = lambda: None,
    ends: bool = True,
) -> None:
    """Writes a batch and moves the cursor to its last `record`, all or nothing; a very large one in parts, the cursor
    with the last. Without a `record` the cursor knows its number alone: a graph that is written without a log.

    Where it `ends` no record yet, because more of one follows, the cursor stays. `stands_at` is the offset that the
    caller last knew of the cursor.

    Raises Fenced where another process has taken the log over, AlreadyCommitted where the batch was written before, and
    LogGap where the cursor stands before `stands_at`: an older dump was loaded meanwhile.
    `may_compare` says of two face ids whether they may be compared after this batch: undecided links of narrowed media
    that no longer may are removed. `between` is called after each part but the last.
    """

    async def work(tx: Tx, changes: Changes, cursor: LiteralString) -> None:
        head = await _move(tx, cursor, epoch, changes.last, record or UNKNOWN, stands_at)
        await _narrow(tx, changes, may_compare)
        touched = await _around(tx, changes)
        await _write(tx, changes, now)
        follows = await victims.recompute(tx, touched, at=now.isoformat()) if touched else None
        # Those with a notice first: the first event at a place has the place's name.
        told = [row.event for row in changes.notices if row.event is not None]
        known = await events.look_up(tx, [*told, *changes.processed])
        waiting = [ids.quarantine_id(known[event].name) for event in changes.processed if known[event].quarantined]
        if waiting:
            await tx.do(relay.RESOLVE_QUARANTINED, ids=waiting, now=now.isoformat())
        outgoing = [
            *await new_notices(tx, changes.notices, now, known),
            *(log.Outgoing("quarantine", row["event"], row) for row in changes.quarantined),
            *(log.Outgoing("delete", name, {}) for name in dict.fromkeys(changes.gone_files)),
            *(log.Outgoing("replay", row["event"], row) for row in changes.reissued),
            *(to_gallery(follows) if follows is not None else ()),
        ]
        await log.append(tx, head, acts_of(changes, now), outgoing)

    *parts, last = in_parts(changes)
    for part in parts:
        await store.write(lambda tx, part=part: work(tx, part, queries.HOLD_CURSOR))
        between()
    await store.write(lambda tx: work(tx, last, queries.MOVE_CURSOR if ends else queries.HOLD_CURSOR))


async def _move(
    tx: Tx, cursor: LiteralString, epoch: int, last: int, record: RecordId, stands_at: int | None
) -> log.Head:  # fmt: skip
    """The locked head of the audit, with the cursor moved or held by that statement; raises as `commit` does."""
    moved = await tx.one(cursor, log=LOG, epoch=epoch, last=last, ce_id=record.ce_id, digest=record.digest)
    before = moved or await tx.one(queries.CURSOR, log=LOG)
    if before is not None and stands_at is not None and before["offset"] < stands_at:
        raise LogGap(f"the graph stands at {before['offset']}, link at {stands_at}: an older dump was loaded meanwhile")
    if moved is not None:
        return log.Head(moved["seq"], moved["hash"], moved["outbox"])
    if before is not None and before["epoch"] == epoch and before["offset"] >= last:
        raise AlreadyCommitted
    raise Fenced("another link process has taken the gallery log over")


async def _narrow(tx: Tx, changes: Changes, may_compare: Callable[[str, str], bool]) -> None:
    media = sorted(changes.narrowed)
    for start in range(0, len(media), ROWS):
        links = await tx.rows(queries.UNDECIDED_LINKS, media=media[start : start + ROWS])
        gone = [row["link_id"] for row in links if not may_compare(row["a"], row["b"])]
        if gone:
            await tx.do(queries.REMOVE_LINKS, links=gone)
        listed = await tx.rows(queries.SIMILAR_PAIRS, media=media[start : start + ROWS])
        await tx.do(queries.REMOVE_SIMILAR, rows=[row for row in listed if not may_compare(row["a"], row["b"])])
    if changes.stale:
        await tx.do(queries.REMOVE_LINKS, links=changes.stale)


async def _around(tx: Tx, changes: Changes) -> set[str]:
    """The faces whose victims may change by what is declared and what goes."""
    declared = {row["face_id"] for row in changes.depicts}
    gone = (await victims.load(tx, changes.gone_faces)).near.faces if changes.gone_faces else ()
    return declared | set(gone)


async def _write(tx: Tx, changes: Changes, now: datetime) -> None:
    asked = [
        {**row, "id": row["subject"].partition(":")[2]} for row in changes.erasures if row.get("erasure_id") is not None
    ]
    statements: list[tuple[Any, list[Any]]] = [
        (queries.MERGE_CASES, changes.cases),
        (queries.REMOVE_FACES, changes.gone_faces),
        (queries.REMOVE_MEMBERSHIPS, changes.gone_memberships),
        (queries.REMOVE_MEDIA, changes.gone_media),
        (queries.MERGE_ERASURES, changes.erasures),
        (queries.MERGE_MEDIA, changes.media),
        (queries.MERGE_MEMBERSHIPS, changes.memberships),
        (queries.MERGE_FACES, changes.faces),
        (queries.MERGE_MARKS, changes.marks),
        (queries.MERGE_EMBEDDINGS, changes.embeddings),
        (models.JUDGE_FACES, changes.judged),
        (queries.MERGE_COMPARISONS, changes.comparisons),
        (queries.FORGET_CUT, changes.uncounted),
        # In the order of the pair, so that two writers lock the faces in one order.
        (queries.MERGE_LINKS, [asdict(row) for row in sorted(changes.links.values(), key=lambda row: (row.a, row.b))]),
        (queries.MERGE_VICTIMS, changes.victims),
        (queries.MERGE_DEPICTS, changes.depicts),
        (queries.CHANGE_GROUPS, changes.groups),
        (answers.ANSWER_SEARCHES, changes.answers),
        (answers.WRITE_PARTS, [*changes.parts.values()]),
        (answers.CLOSE_SEARCHES, changes.ended_searches),
        (queries.SHOW_AGAIN, asked),
        (queries.SHOW_FACES_AGAIN, asked),
        (queries.END_ERASURES, asked),
        (queries.END_UPLOADS, changes.ended),
        (models.SET_MODEL, changes.switched),
    ]
    for query, rows in statements:
        for start in range(0, len(rows), ROWS):
            await tx.do(query, rows=rows[start : start + ROWS], now=now.isoformat())


async def new_notices(
    tx: Tx, rows: list[NoticeRow], now: datetime, known: Mapping[Event, events.Known] | None = None
) -> list[log.Outgoing]:
    """Stores the notices that are due and returns them for publication.

    An event has one standing notice: `quarantined` is superseded by the outcome of its replay, nothing else is, and
    the same outcome is never sent twice. Another event at a place that was used before has a subject of its own.
    `known` is what `events.look_up` found of all their events in this transaction.
    """
    if known is None:
        known = await events.look_up(tx, [row.event for row in rows if row.event is not None])
    subjects = [row.subject if row.event is None else f"event:{known[row.event].name}" for row in rows]
    asked = {
        subject for subject, row in zip(subjects, rows, strict=True) if row.event is None or known[row.event].noticed
    }
    standing: dict[str, tuple[int, str]] = {
        row["subject"]: (row["number"], row["outcome"])
        for row in (await tx.rows(queries.STANDING_NOTICES, subjects=sorted(asked)) if asked else ())
    }
    due: list[Row] = []
    outgoing: list[log.Outgoing] = []
    for subject, row in zip(subjects, rows, strict=True):
        number, outcome = standing.get(subject, (0, ""))
        if number and (outcome != "quarantined" or row.outcome == "quarantined"):
            continue
        number += 1
        standing[subject] = (number, row.outcome)
        notice_id = ids.notice_id(subject, number)
        supersedes = ids.notice_id(subject, number - 1) if number > 1 else None
        due.append(
            {"notice_id": notice_id, "subject": subject, "number": number, "outcome": row.outcome,
             "source": row.source, "supersedes": supersedes, "at": now.isoformat(),
             "fingerprint": row.event.fingerprint if row.event is not None else None}
        )  # fmt: skip
        body = {"notice_id": notice_id, "subject": subject, "number": number, "outcome": row.outcome, **row.body}
        if supersedes:
            body["supersedes"] = supersedes
        outgoing.append(log.Outgoing("notice", subject, body, source=row.source))
    if due:
        await tx.do(queries.CREATE_NOTICES, rows=due)
    return outgoing


def acts_of(changes: Changes, now: datetime) -> list[Act]:
    """One audit entry for what the batch collected and compared; its digest covers every id written."""
    written = {
        "media": sorted(row["media_id"] for row in changes.media),
        "memberships": sorted(row["membership_id"] for row in changes.memberships),
        "faces": sorted(row["face_id"] for row in changes.faces),
        "links": sorted(changes.links),
        "searches": sorted({row["search_id"] for row in (*changes.answers, *changes.parts.values())}),
        "gone": sorted([*changes.gone_memberships, *changes.gone_media, *changes.gone_faces]),
    }
    if not any(written.values()):
        return []
    subject = f"gallery:{changes.first}-{changes.last}"
    return [Act(now, "link", AuditAction.BATCH_COLLECTED, subject, digest=content_digest(written))]
