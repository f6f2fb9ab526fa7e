"""Taking the audit out: which entries an export shows, and counts of a year. Each is an entry of the audit itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString

from graph.domain import audit
from graph.domain.audit import Act, Entry
from graph.domain.audit_actions import AuditAction, current
from graph.domain.audit_export import ChainPosition, ExportRequest
from graph.domain.errors import Invalid, NotFound
from graph.domain.people import check_actor, check_purpose
from graph.store import log
from graph.store.queries import audit as queries
from graph.store.session import Row, Store, Tx

PAGE = 5_000
"""Entries read at once: some megabytes."""


@dataclass(frozen=True, slots=True)
class Begun:
    """An export whose record stands in the audit: `head` is that record, the last entry of the export."""

    head: ChainPosition
    after: int
    """The entry before the first of the export; 0 for all but a period."""
    shows: Callable[[Entry], bool]


async def begin_export(store: Store, asked: ExportRequest, *, now: datetime) -> Begun:
    """Records that somebody takes the audit out, and says which entries the export shows.

    Raises NotFound for an unknown victim, and what is missing of name and purpose.
    """
    check_actor(asked.by)
    check_purpose(asked.purpose)

    async def work(tx: Tx) -> Begun:
        head = await log.lock_head(tx)
        after, shows = await _selection(tx, asked)
        subject = asked.value or "audit"
        act = Act(now, asked.by, AuditAction.AUDIT_EXPORTED, subject, asked.purpose, asked.digest)
        await log.append(tx, head, [act])
        own = ChainPosition(head.seq, head.hash)
        return Begun(own, min(after, own.seq - 1), lambda entry: entry.seq == own.seq or shows(entry))

    return await store.write(work)


async def _selection(tx: Tx, asked: ExportRequest) -> tuple[int, Callable[[Entry], bool]]:
    """The entry behind which the export begins, and which entries it shows.

    One that was removed at the beginning must show: so all begin with the chain, and a period one entry before its own.
    """
    match asked.kind:
        case "chain":
            return 0, lambda _: True
        case "person":
            return 0, lambda entry: entry.actor == asked.value
        case "victim":
            subjects = await _subjects(tx, asked.value)
            return 0, lambda entry: entry.subject in subjects
        case "period":
            start, _, end = asked.value.partition("/")
            span = await tx.one(queries.SPAN, start=start, end=end)
            first = span["first"] if span and span["first"] else 2**62
            return max(first - 2, 0), lambda entry: start <= entry.at < end


async def _subjects(tx: Tx, victim_id: str) -> frozenset[str]:
    """How the audit may name a victim, its faces, and what holds or joins them: bare, or behind its kind."""
    found = await tx.one(queries.OF_VICTIM, victim_id=victim_id)
    if found is None:
        raise NotFound("there is no such victim")
    kinds = {"face": "faces", "media": "media", "link": "links", "search": "searches", "act": "acts",
             "identification": "identifications"}  # fmt: skip
    named = {victim_id, f"victim:{victim_id}"}
    for kind, plural in kinds.items():
        named |= {name for one in found[plural] for name in (one, f"{kind}:{one}")}
    return frozenset(named)


async def entries(store: Store, begun: Begun) -> AsyncIterator[list[Entry]]:
    """The entries of an export in the chain's order, a page at a time, up to its own record."""
    after = begun.after
    while after < begun.head.seq:
        rows = await store.read(
            lambda tx, a=after: tx.rows(queries.ENTRIES_UNTIL, after=a, last=begun.head.seq, limit=PAGE)
        )
        if not rows:
            return
        yield [Entry(**row) for row in rows]
        after = rows[-1]["seq"]


async def count_year(store: Store, year: int, *, by: str, purpose: str, now: datetime) -> dict[str, Any]:
    """What was done in a UTC year, as numbers: searches by purpose and outcome, decisions, looks, and all acts.

    A search with an empty answer counts with its own outcome. `searches_recorded` is what the audit says of how many
    were asked: where it is more than the outcomes add up to, the record of a search is gone. An act that an earlier
    release recorded under a former name counts under the current one.
    """
    check_actor(by)
    check_purpose(purpose)
    if not 1970 <= year < 9999:
        raise Invalid("year: from 1970 on")
    searches: list[Row] = []
    decisions: list[Row] = []
    acts: list[Row] = []
    # Read month by month and before the head is taken: whoever decides meanwhile does not wait for a year's counting.
    for month in range(1, 13):
        start, end = datetime(year, month, 1, tzinfo=UTC), datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        span = (start.isoformat(), end.isoformat())
        searches += await _counted(store, queries.SEARCHES_IN, *span)
        decisions += await _counted(store, queries.DECISIONS_IN, *span)
        entries_in = await _counted(store, queries.ENTRIES_IN, *span)
        acts += [{**row, "action": current(row["action"])} for row in entries_in]
    found = {
        "year": year,
        "searches": _nested(searches, "purpose", "outcome"),
        "searches_recorded": sum(row["number"] for row in acts if row["action"] == AuditAction.SEARCH_ASKED),
        "decisions": _nested(decisions, "kind", "decision"),
        "looks": _nested([row for row in acts if row["action"].endswith((".seen", "_seen"))], "purpose", "action"),
        "acts": {action: sum(numbers.values()) for action, numbers in _nested(acts, "action", "purpose").items()},
    }

    async def work(tx: Tx) -> None:
        head = await log.lock_head(tx)
        digest = audit.content_digest(found)
        await log.append(tx, head, [Act(now, by, AuditAction.AUDIT_COUNTED, f"year:{year}", purpose, digest)])

    await store.write(work)
    return found


async def _counted(store: Store, query: LiteralString, start: str, end: str) -> list[Row]:
    return await store.read(lambda tx: tx.rows(query, start=start, end=end))


def _nested(rows: list[Row], outer: str, inner: str) -> dict[str, dict[str, int]]:
    """Numbers by two names."""
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        numbers = found.setdefault(row[outer], {})
        numbers[row[inner]] = numbers.get(row[inner], 0) + row["number"]
    return found
