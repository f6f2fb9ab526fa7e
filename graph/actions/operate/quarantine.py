"""Events in quarantine: indexed for operators, replayed by them, or by the relay once a silent host answers again."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from graph.actions import events
from graph.actions.access import Access
from graph.actions.events import Event
from graph.actions.notices import Notice, store_notices
from graph.actions.read.search import milliseconds
from graph.domain import ids
from graph.domain.audit import Act
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Conflict, Invalid, NotFound, RedthreadError
from graph.domain.people import Permission, check_may
from graph.paging import Page
from graph.store import log
from graph.store.queries import ingest
from graph.store.queries import relay as queries
from graph.store.session import Row, Store, Tx

FIRST_TRY_S: Final = 60.0
LONGEST_TRY_S: Final = 900
Status = Literal["waiting", "replayed", "resolved"]


async def index(store: Store, rows: list[Row], *, now: datetime, first_try_s: float = FIRST_TRY_S) -> None:
    """Stores quarantine records for operators and notifies their case systems, each once.

    An event of a silent host is replayed after `first_try_s` seconds, then after twice as long, and so on. If a person
    waits for the event, its row names in `asked` the id of their search or of the act that marked a face; or the media
    that an operator wants to be examined again.
    """
    asked = [{"asked": row["asked"], "reason": row["reason"]} for row in rows if row.get("asked")]

    async def work(tx: Tx, head: log.Head) -> None:
        names = await events.names(tx, map(_event, rows))
        entries = [_entry_row(row, names[_event(row)], now, first_try_s) for row in rows]
        notices = [_notice(row) for row in entries if row["source"]]
        # A host whose event now fails for another reason has answered: its waiting events can be replayed.
        answering = [row["host"] for row in await tx.rows(queries.ANSWERING_HOSTS, rows=entries)]
        standing = await tx.rows(ingest.LATEST_NOTICES, subjects=[f"event:{name}" for name in names.values()])
        done = {
            ids.quarantine_id(row["subject"].removeprefix("event:"))
            for row in standing
            if row["outcome"] != "quarantined"
        }
        # An event that was processed, and fails when its topic is read again, needs nobody's attention.
        stored = [{**row, "status": "resolved" if row["quarantine_id"] in done else "waiting"} for row in entries]
        await tx.do(queries.INDEX_QUARANTINED, rows=stored, now=now.isoformat())
        if answering:
            await tx.do(queries.HOST_ANSWERS, hosts=answering)
        await tx.do(queries.FAIL_UPLOADS, rows=[row["ce_id"] for row in stored if row.get("ce_id")])
        if asked:
            await tx.do(queries.FAIL_SEARCHES, rows=asked, now=now.isoformat())
            await tx.do(queries.FAIL_MARKS, rows=asked)
            await tx.do(queries.FAIL_REEXAMINATIONS, rows=asked)
        await log.append(tx, head, [], await store_notices(tx, notices, now))

    await log.write(store, work)


def _event(row: Row) -> Event:
    return Event.of(row["event"], row.get("ce_id") or "", row.get("submitted_at") or 0)


def _notice(row: Row) -> Notice:
    names = ("event", "ce_id", "source_ref", "code", "reason", "attempts", "quarantine_id")
    body = {name: row.get(name) or None for name in names}
    return Notice(f"event:{row['event']}", row["source"], "quarantined", body, _event(row))


def _entry_row(row: Row, name: str, now: datetime, first_try_s: float) -> Row:
    wait = min(first_try_s * 2 ** min(max(row["attempts"] - 1, 0), 20), LONGEST_TRY_S)
    return {
        **{key: value for key, value in row.items() if key != "asked"},
        "quarantine_id": ids.quarantine_id(name),
        "fingerprint": _event(row).fingerprint,
        "headers": json.dumps(row["headers"]),
        "next_try": int((now.timestamp() + wait) * 1000),
    }


async def replay(store: Store, quarantine_id: str, *, actor: str, now: datetime) -> None:
    """Sends a quarantined event again, through its first topic, as the same event.

    Raises NotFound, or Conflict if it was replayed or resolved meanwhile or its bytes were too large to store.
    """

    async def work(tx: Tx, head: log.Head) -> None:
        row = await tx.one(queries.ONE_QUARANTINED, quarantine_id=quarantine_id)
        if row is None:
            raise NotFound("no such event in quarantine")
        entry: Row = row["q"]
        status = entry["status"]
        if status != "waiting":
            raise Conflict(f"this event is {status} already", code="not_waiting", current={"status": status})
        if entry["truncated"]:
            raise Conflict("the record was too large to be kept whole: submit it anew", code="truncated")
        await tx.do(queries.REPLAYED, quarantine_id=quarantine_id, at=now.isoformat(), now=milliseconds(now))
        body = {key: entry.get(key) for key in ("topic", "key", "value", "event", "ce_id", "submitted_at", "attempts")}
        outgoing = log.Outgoing("replay", entry["event"], {**body, "headers": json.loads(entry["headers"])})
        act = Act(now, actor, AuditAction.EVENT_REPLAYED, f"event:{entry['event']}")
        await log.append(tx, head, [act], [outgoing])

    await log.write(store, work)


async def replay_due(store: Store, *, now: datetime, test_s: float = FIRST_TRY_S) -> int:
    """How many events waiting for a host it replays: one to test a silent host, all if the host answers.

    A test sent less than `test_s` seconds ago may still be on its way: no second one is sent.
    """
    values = {"now": milliseconds(now), "test_ms": int(test_s * 1000)}
    found = await store.read(lambda tx: tx.rows(queries.DUE, **values))
    for row in found:
        # One that was replayed meanwhile, or cannot be, must not block the others.
        with suppress(Conflict):
            await replay(store, row["quarantine_id"], actor="relay", now=now)
    return len(found)


async def refuse_replay(store: Store, event: Event, reason: RedthreadError, *, now: datetime) -> None:
    """Sets a replayed event that Kafka did not accept back to waiting, with the reason; only a person replays it."""

    async def work(tx: Tx, head: log.Head) -> None:
        names = await events.names(tx, [event])
        found = await tx.one(
            queries.REPLAY_REFUSED,
            quarantine_id=ids.quarantine_id(names[event]),
            at=now.isoformat(),
            code=reason.code,
            reason=f"the replay was refused: {reason.message}",
        )
        if found is not None:
            await log.append(tx, head, [Act(now, "relay", AuditAction.REPLAY_REFUSED, f"event:{event.place}")])

    await log.write(store, work)


@dataclass(frozen=True, slots=True)
class Entry:
    """The present state of an event in quarantine; `outcome` is that of its standing notice."""

    quarantine_id: str
    status: str
    code: str
    reason: str
    attempts: int
    outcome: str


async def entries(store: Store, quarantine_ids: Sequence[str]) -> dict[str, Entry]:
    """The quarantine entries by id; ids without an entry are absent."""

    async def work(tx: Tx) -> dict[str, Entry]:
        found = await tx.rows(queries.ENTRIES, ids=list(quarantine_ids))
        subjects = [f"event:{_name(row)}" for row in found]
        notices = await tx.rows(ingest.LATEST_NOTICES, subjects=sorted(subjects))
        outcomes = {row["subject"]: row["outcome"] for row in notices}
        return {
            row["quarantine_id"]: Entry(
                **{name: row[name] for name in ("quarantine_id", "status", "code", "reason", "attempts")},
                outcome=outcomes.get(subject, ""),
            )
            for row, subject in zip(found, subjects, strict=True)
        }

    return await store.read(work)


def _name(row: Row) -> str:
    own = ids.quarantine_id(row["event"]) == row["quarantine_id"]
    return row["event"] if own else f"{row['event']}~{row['fingerprint']}"


@dataclass(frozen=True, slots=True)
class QuarantinedEvent:
    """An event in quarantine as operators see it: no face and no byte of it. `submitted_at` is in milliseconds."""

    quarantine_id: str
    event: str
    topic: str
    partition: int
    offset: int
    stage: str
    code: str
    reason: str
    source: str
    attempts: int
    status: Status
    submitted_at: int


async def read_quarantine(access: Access, *, status: Status, after: str, limit: int) -> Page[QuarantinedEvent]:
    """At most `limit` events in one status, oldest first; the access is audited."""
    check_may(access.person, Permission.READ_QUARANTINE)
    submitted_at, _, last = after.partition(":")
    if after and not (submitted_at.isdecimal() and submitted_at.isascii() and len(submitted_at) < 19):
        raise Invalid("after: `next` of the page before")
    place = {"submitted_at": int(submitted_at or -1), "quarantine_id": last}
    rows = await access.store.read(lambda tx: tx.rows(queries.QUARANTINE_PAGE, status=status, limit=limit + 1, **place))
    page = [QuarantinedEvent(**row["q"]) for row in rows[:limit]]
    shown = [event.quarantine_id for event in page]
    await access.record(AuditAction.QUARANTINE_SEEN, status, shown=shown)
    return Page(page, f"{page[-1].submitted_at}:{page[-1].quarantine_id}" if len(rows) > limit else None)


async def do_replay(access: Access, quarantine_id: str) -> None:
    """Sends an event again for an operator; raises Forbidden, and what `replay` raises."""
    check_may(access.person, Permission.REPLAY)
    await replay(access.store, quarantine_id, actor=access.person.actor, now=access.at)
