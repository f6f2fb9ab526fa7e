"""Exports of the audit and counts of a year; the audit records each of them."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString

from graph.actions.access import Access
from graph.domain import audit
from graph.domain.audit import GENESIS, Act, Entry
from graph.domain.audit_actions import AuditAction, current
from graph.domain.audit_export import ChainPosition, ExportRequest, Header, Kind, entry_line
from graph.domain.errors import Invalid, NotFound
from graph.domain.people import Permission, check_actor, check_may, check_purpose
from graph.store import log
from graph.store.queries import audit as queries
from graph.store.session import Row, Store, Tx

PAGE = 5_000
"""Entries in one read: some megabytes."""


@dataclass(frozen=True, slots=True)
class Begun:
    """An export that the audit has recorded; `head` is that record, the last entry of the export."""

    head: ChainPosition
    after: int
    """The number of the entry before the first of the export; 0 except for a period."""
    shows: Callable[[Entry], bool]


async def begin_export(store: Store, asked: ExportRequest, *, now: datetime) -> Begun:
    """Records an export in the audit, and returns its head and which entries it shows.

    Raises NotFound for an unknown victim, Forbidden without a name or purpose.
    """
    check_actor(asked.by)
    check_purpose(asked.purpose)

    async def work(tx: Tx, head: log.Head) -> Begun:
        after, shows = await _selection(tx, asked)
        subject = asked.value or "audit"
        act = Act(now, asked.by, AuditAction.AUDIT_EXPORTED, subject, asked.purpose, asked.digest)
        await log.append(tx, head, [act])
        own = ChainPosition(head.seq, head.hash)
        return Begun(own, min(after, own.seq - 1), lambda entry: entry.seq == own.seq or shows(entry))

    return await log.write(store, work)


async def _selection(tx: Tx, asked: ExportRequest) -> tuple[int, Callable[[Entry], bool]]:
    """The entry behind which the export begins, and which entries it shows.

    An entry removed at the beginning must be noticed, so exports begin with the chain, and that of a period begins one
    entry before the period.
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
    """The names under which the audit may have a victim, its faces and their media, links, searches and acts.

    Each is a bare id, or `kind:id`.
    """
    found = await tx.one(queries.OF_VICTIM, victim_id=victim_id)
    if found is None:
        raise NotFound("there is no such victim")
    kinds = {
        "face": "faces",
        "media": "media",
        "link": "links",
        "search": "searches",
        "act": "acts",
        "identification": "identifications",
    }
    named = {victim_id, f"victim:{victim_id}"}
    for kind, plural in kinds.items():
        named |= {name for one in found[plural] for name in (one, f"{kind}:{one}")}
    return frozenset(named)


async def entries(store: Store, begun: Begun) -> AsyncIterator[list[Entry]]:
    """The entries of an export in the chain's order, in pages, up to its own record."""
    place = {"first": begun.after, "last": begun.head.seq}
    async for page in store.pages(queries.ENTRIES_UNTIL, PAGE, lambda row: row["seq"], **place):
        yield [Entry(**row) for row in page]


async def do_export(access: Access, kind: Kind, value: str) -> AsyncIterator[bytes]:
    """The lines of an export for an auditor, which the audit has recorded when this returns.

    The chain is read twice, because the header has the counts and nothing is stored meanwhile.
    """
    check_may(access.person, Permission.READ_AUDIT)
    asked = ExportRequest(kind, value, access.person.actor, access.at.isoformat(), access.purpose)
    begun = await begin_export(access.store, asked, now=access.at)
    start, count, shown = ChainPosition(0, GENESIS), 0, 0
    async for page in entries(access.store, begun):
        if begun.after and not start.seq:
            start = ChainPosition(begun.after, page[0].previous_hash)
        count, shown = count + len(page), shown + sum(map(begun.shows, page))
    header = Header(asked, start, begun.head, count, shown)

    async def lines() -> AsyncIterator[bytes]:
        yield header.line
        async for page in entries(access.store, begun):
            yield b"".join(entry_line(entry, shown=begun.shows(entry)) for entry in page)

    return lines()


async def count_year(store: Store, year: int, *, by: str, purpose: str, now: datetime) -> dict[str, Any]:
    """The numbers of a UTC year: searches by purpose and outcome, decisions, accesses (`looks`), and all acts.

    A search with an empty answer has an outcome of its own. `searches_recorded` is the number of searches in the audit:
    if it is more than the sum of the outcomes, the record of a search is missing. An act that an earlier release
    recorded under a former name counts under the current one.
    """
    check_actor(by)
    check_purpose(purpose)
    if not 1970 <= year < 9999:
        raise Invalid("year: from 1970 on")
    searches: list[Row] = []
    decisions: list[Row] = []
    acts: list[Row] = []
    # Read month by month and before the head is locked, so that no decision waits for the counting of a year.
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

    async def work(tx: Tx, head: log.Head) -> None:
        digest = audit.content_digest(found)
        await log.append(tx, head, [Act(now, by, AuditAction.AUDIT_COUNTED, f"year:{year}", purpose, digest)])

    await log.write(store, work)
    return found


async def _counted(store: Store, query: LiteralString, start: str, end: str) -> list[Row]:
    return await store.read(lambda tx: tx.rows(query, start=start, end=end))


def _nested(rows: list[Row], outer: str, inner: str) -> dict[str, dict[str, int]]:
    """The `number` of rows by two of their columns."""
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        numbers = found.setdefault(row[outer], {})
        numbers[row[inner]] = numbers.get(row[inner], 0) + row["number"]
    return found
