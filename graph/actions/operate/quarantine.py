"""What stands in quarantine: indexed for people, replayed by them, or by itself when a silent host answers again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from graph.actions import events
from graph.actions.events import Event
from graph.actions.notices import Notice, store_notices
from graph.domain import ids
from graph.domain.audit import Act
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Conflict, NotFound, RedthreadError
from graph.store import log
from graph.store.queries import ingest
from graph.store.queries import relay as queries
from graph.store.session import Row, Store, Tx

FIRST_TRY_S: Final = 60.0
LONGEST_TRY_S: Final = 900


async def index(store: Store, rows: list[Row], *, now: datetime, first_try_s: float = FIRST_TRY_S) -> None:
    """Makes quarantine records known to people and tells their case systems, each once.

    An event of a silent host is tried again after `first_try_s` seconds, then after twice as long, and so on. A row of
    what a person waits for names it in `asked`: the search's id, or that of the act that marked a face.
    """
    asked = [{"asked": row["asked"], "reason": row["reason"]} for row in rows if row.get("asked")]

    async def work(tx: Tx) -> None:
        head = await log.lock_head(tx)
        names = await events.names(tx, map(_event, rows))
        kept = [_indexed(row, names[_event(row)], now, first_try_s) for row in rows]
        notices = [_notice(row) for row in kept if row["source"]]
        # A host whose event fails for another reason now has answered: what waits for it may go.
        answering = [row["host"] for row in await tx.rows(queries.ANSWERING_HOSTS, rows=kept)]
        standing = await tx.rows(ingest.STANDING_NOTICES, subjects=[f"event:{name}" for name in names.values()])
        done = {
            ids.quarantine_id(row["subject"].removeprefix("event:"))
            for row in standing
            if row["outcome"] != "quarantined"
        }
        # An event that was processed and fails when its topic is read again: nothing of it waits for anybody.
        states = [{**row, "status": "resolved" if row["quarantine_id"] in done else "waiting"} for row in kept]
        await tx.do(queries.INDEX_QUARANTINED, rows=states, now=now.isoformat())
        if answering:
            await tx.do(queries.HOST_ANSWERS, hosts=answering)
        await tx.do(queries.FAIL_UPLOADS, rows=[row["ce_id"] for row in states if row.get("ce_id")])
        if asked:
            await tx.do(queries.FAIL_SEARCHES, rows=asked, now=now.isoformat())
            await tx.do(queries.FAIL_MARKS, rows=asked)
        await log.append(tx, head, [], await store_notices(tx, notices, now))

    await store.write(work)


def _event(row: Row) -> Event:
    return Event.of(row["event"], row.get("ce_id") or "", row.get("submitted_at") or 0)


def _notice(row: Row) -> Notice:
    told = ("event", "ce_id", "source_ref", "code", "reason", "attempts", "quarantine_id")
    body = {name: row.get(name) or None for name in told}
    return Notice(f"event:{row['event']}", row["source"], "quarantined", body, _event(row))


def _indexed(row: Row, name: str, now: datetime, first_try_s: float) -> Row:
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

    Raises NotFound, or Conflict where it was replayed or resolved meanwhile or its bytes were too large to keep.
    """

    async def work(tx: Tx) -> None:
        head = await log.lock_head(tx)
        row = await tx.one(queries.ONE_QUARANTINED, quarantine_id=quarantine_id)
        if row is None:
            raise NotFound("no such event in quarantine")
        await _send_again(tx, head, row["q"], actor, now)

    await store.write(work)


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in quarantine as it stands now; `outcome` is that of its standing notice."""

    quarantine_id: str
    status: str
    code: str
    reason: str
    attempts: int
    outcome: str


async def entries(store: Store, quarantine_ids: Sequence[str]) -> dict[str, Entry]:
    """The entries of these ids, as far as there are any."""

    async def work(tx: Tx) -> dict[str, Entry]:
        found = await tx.rows(queries.ENTRIES, ids=list(quarantine_ids))
        subjects = {row["quarantine_id"]: f"event:{_name(row)}" for row in found}
        notices = await tx.rows(ingest.STANDING_NOTICES, subjects=sorted(subjects.values()))
        outcomes = {row["subject"]: row["outcome"] for row in notices}
        return {row["quarantine_id"]: _entry(row, outcomes.get(subjects[row["quarantine_id"]], "")) for row in found}

    return await store.read(work)


def _name(row: Row) -> str:
    own = ids.quarantine_id(row["event"]) == row["quarantine_id"]
    return row["event"] if own else f"{row['event']}~{row['fingerprint']}"


def _entry(row: Row, outcome: str) -> Entry:
    return Entry(row["quarantine_id"], row["status"], row["code"], row["reason"], row["attempts"], outcome)


async def refuse_replay(store: Store, event: Event, reason: RedthreadError, *, now: datetime) -> None:
    """Lets an event wait again whose replay Kafka did not take, with the reason; only a person replays it then."""

    async def work(tx: Tx) -> None:
        head = await log.lock_head(tx)
        told = f"the replay was refused: {reason.message}"
        names = await events.names(tx, [event])
        found = await tx.one(
            queries.REPLAY_REFUSED,
            quarantine_id=ids.quarantine_id(names[event]),
            at=now.isoformat(),
            code=reason.code,
            reason=told,
        )
        if found is not None:
            await log.append(tx, head, [Act(now, "relay", AuditAction.REPLAY_REFUSED, f"event:{event.place}")])

    await store.write(work)


async def replay_due(store: Store, *, now: datetime, test_s: float = FIRST_TRY_S) -> int:
    """Replays what waits for a host: one event to test a silent one, all where it answers. Returns how many.

    A test that was sent less than `test_s` seconds ago may still be on its way: no second one is sent beside it.
    """

    async def due(tx: Tx) -> list[Row]:
        return await tx.rows(queries.DUE, now=_ms(now), test_ms=int(test_s * 1000))

    found = await store.read(due)
    for row in found:
        # One that was replayed meanwhile, or can't be, must not keep the others waiting.
        with suppress(Conflict):
            await replay(store, row["quarantine_id"], actor="relay", now=now)
    return len(found)


async def _send_again(tx: Tx, head: log.Head, q: dict[str, Any], actor: str, now: datetime) -> None:
    if q["status"] != "waiting":
        raise Conflict(f"this event is {q['status']} already", code="not_waiting", current={"status": q["status"]})
    if q["truncated"]:
        raise Conflict("the record was too large to be kept whole: submit it anew", code="truncated")
    await tx.do(queries.REPLAYED, quarantine_id=q["quarantine_id"], at=now.isoformat(), now=_ms(now))
    body = {key: q.get(key) for key in ("topic", "key", "value", "event", "ce_id", "submitted_at", "attempts")}
    outgoing = log.Outgoing("replay", q["event"], {**body, "headers": json.loads(q["headers"])})
    await log.append(tx, head, [Act(now, actor, AuditAction.EVENT_REPLAYED, f"event:{q['event']}")], [outgoing])


async def waiting(store: Store, limit: int = 100) -> list[Row]:
    """What stands in quarantine, oldest first, without the events' bytes."""
    return [row["q"] for row in await store.read(lambda tx: tx.rows(queries.LIST_QUARANTINED, limit=limit))]


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
