"""Operators see what stands in quarantine and send it again; they see no face and no byte of an event."""

from __future__ import annotations

from typing import Literal

from graph.actions.access import AccessEvent, AccessLog
from graph.actions.operate import quarantine
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Invalid
from graph.domain.people import Permission, check_may
from graph.store.queries import quarantine as queries
from graph.store.session import Row, Store

Status = Literal["waiting", "replayed", "resolved"]


async def read_quarantine(
    store: Store, access_log: AccessLog, *, status: Status, after: str, limit: int, access: AccessEvent
) -> tuple[list[Row], str | None]:
    """At most `limit` events in one status, oldest first, and where the next page begins; the look is in the audit."""
    check_may(access.person, Permission.READ_QUARANTINE)
    submitted_at, _, last = after.partition(":")
    if after and not (submitted_at.isdecimal() and submitted_at.isascii() and len(submitted_at) < 19):
        raise Invalid("after: `next` of the page before")
    place = {"submitted_at": int(submitted_at or -1), "quarantine_id": last}
    found = await store.read(lambda tx: tx.rows(queries.PAGE, status=status, limit=limit + 1, **place))
    events = [row["q"] for row in found[:limit]]
    shown = [event["quarantine_id"] for event in events]
    await access_log.record(access.act(AuditAction.QUARANTINE_SEEN, status, shown=shown))
    if len(found) <= limit:
        return events, None
    return events, f"{events[-1]['submitted_at']}:{events[-1]['quarantine_id']}"


async def do_replay(store: Store, quarantine_id: str, *, access: AccessEvent) -> None:
    """Sends an event again through its first topic; what it can raise is told by `quarantine.replay`."""
    check_may(access.person, Permission.REPLAY)
    await quarantine.replay(store, quarantine_id, actor=access.person.actor, now=access.at)
