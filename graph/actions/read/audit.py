"""Auditors read the audit and verify its chain; each access is an entry of the audit itself."""

import asyncio
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from graph.actions.access import Access
from graph.domain.audit import GENESIS, Entry, content_digest, first_fault
from graph.domain.audit_actions import AuditAction, recorded_names
from graph.domain.audit_export import ChainPosition
from graph.domain.audit_root import Root
from graph.domain.errors import Invalid
from graph.domain.people import Permission, check_may
from graph.paging import Page
from graph.store.queries import audit as queries
from graph.store.session import Tx

PAGE_MAX = 1_000
VERIFIED_MAX = 50_000
"""Entries verified by one request: a second of work, and some tens of megabytes while it lasts."""


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """Which entries to list, None for any; `start` is included, `end` is not.

    A current or former name of an action finds the entries recorded under either.
    """

    start: datetime | None = None
    end: datetime | None = None
    actor: str | None = None
    action: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of verifying entries `first` to `last.seq` against the current head of the chain."""

    first: int
    last: ChainPosition
    head: ChainPosition
    roots: int
    """Daily roots in the range, each compared with its entry."""
    fault: str | None
    """The first fault in a sentence; None where there is none."""
    next: int | None
    """The entry to continue after; None at the end of the chain, or where it is broken."""

    @property
    def result(self) -> str:
        return "broken" if self.fault else "whole"


@dataclass(frozen=True, slots=True)
class AuditPage(Page[Entry]):
    """One page of the audit; `in_period` counts the entries of the period, whatever else the filters ask for."""

    in_period: int = 0


async def read_audit(access: Access, filters: AuditFilters, *, after: int, limit: int) -> AuditPage:
    """At most `limit` entries after entry `after`, oldest first; `next` is the number of the last one."""
    check_may(access.person, Permission.READ_AUDIT)
    if not 1 <= limit <= PAGE_MAX:
        raise Invalid(f"limit: from 1 to {PAGE_MAX}")

    async def work(tx: Tx) -> tuple[list[Entry], int]:
        first, last, in_period = after, 2**62, 0
        start, end = _text(filters.start), _text(filters.end)
        if start is not None or end is not None:
            span = await tx.one(queries.SPAN, start=start or "", end=end or "9999")
            if span is None or span["first"] is None:
                return [], 0
            first, last = max(after, span["first"] - 1), span["last"]
            in_period = last - span["first"] + 1
        elif head := await tx.one(queries.HEAD):
            in_period = head["seq"]
        # The planner uses an index for a value, not for one that may be left open.
        page = queries.PAGE if filters.actor is None else queries.PAGE_OF_ACTOR
        page = page if filters.subject is None else queries.PAGE_OF_SUBJECT
        actions = None if filters.action is None else recorded_names(filters.action)
        wanted = {"start": start, "end": end, "actor": filters.actor, "actions": actions, "subject": filters.subject}
        rows = await tx.rows(page, after=first, last=last, limit=limit + 1, **wanted)
        return [Entry(**row) for row in rows], in_period

    found, in_period = await access.store.read(work)
    shown = found[:limit]
    digests = [content_digest(asdict(filters)), *(entry.hash for entry in shown)]
    await access.record(AuditAction.AUDIT_SEEN, "audit", shown=digests)
    return AuditPage(shown, shown[-1].seq if len(found) > limit else None, in_period)


async def verify_chain(access: Access, *, after: int, after_hash: str | None, limit: int) -> Verification:
    """Verifies at most `limit` stored entries after entry `after`.

    `after_hash` is that entry's hash from an earlier answer; without it the stored hash is trusted.
    """
    check_may(access.person, Permission.READ_AUDIT)
    if not 1 <= limit <= VERIFIED_MAX:
        raise Invalid(f"limit: from 1 to {VERIFIED_MAX}")

    async def work(tx: Tx) -> Verification:
        row = await tx.one(queries.HEAD) or {"seq": 0, "hash": GENESIS}
        head = ChainPosition(row["seq"], row["hash"])
        before = GENESIS if after == 0 else after_hash
        if before is None:
            known = await tx.rows(queries.ENTRIES_UNTIL, after=after - 1, last=after, limit=1)
            before = known[0]["hash"] if known else ""
        rows = await tx.rows(queries.ENTRIES_UNTIL, after=after, last=head.seq, limit=limit)
        entries = [Entry(**row) for row in rows]
        last = ChainPosition(entries[-1].seq, entries[-1].hash) if entries else ChainPosition(after, before)
        roots = [Root(**row) for row in await tx.rows(queries.ROOTS, after=after, last=last.seq)]
        fault = await asyncio.to_thread(_fault, entries, ChainPosition(after, before), roots)
        ended = len(rows) < limit
        if fault is None and ended and last != head:
            fault = f"the end is cut: the head names entry {head.seq}, the last entry in line is {last.seq}"
        return Verification(after + 1, last, head, len(roots), fault, None if fault or ended else last.seq)

    found = await access.store.read(work)
    subject = f"audit:{found.first}-{found.last.seq}"
    await access.record(AuditAction.AUDIT_PROVED, subject, shown=[found.last.hash])
    return found


def _fault(entries: list[Entry], before: ChainPosition, roots: list[Root]) -> str | None:
    if before.seq and not before.hash:
        return f"entry {before.seq} is missing"
    if fault := first_fault(entries, before.seq, before.hash):
        return fault
    hashes = {entry.seq: entry.hash for entry in entries}
    for root in roots:
        if hashes.get(root.seq) != root.hash:
            return f"entry {root.seq} is not the one that the root of {root.date} names: the chain was hashed anew"
    return None


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()
