"""Reads what changed for a person since their last visit, and ends that visit when the person says so."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, LiteralString

from graph.actions import victims
from graph.actions.access import Access
from graph.actions.identification import StoredIdentification, VisibleIdentification
from graph.actions.read.links import find_links
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Invalid
from graph.domain.inbox import NewInCase, by_case
from graph.domain.link import SecondDecision, State
from graph.domain.people import Maker, Permission, Person, check_district, display_name
from graph.domain.visibility import VisibleLink
from graph.paging import Page
from graph.store import log
from graph.store.queries import inbox as queries
from graph.store.session import Row, Tx

FIRST: Final = timedelta(days=14)
"""How far back the first inbox of a person goes."""
CANDIDATES_MAX: Final = 1000
"""The newest candidates that are counted; an inbox with as many says that there may be more."""
LISTED_MAX: Final = 200
"""The latest identifications and searches that are listed."""
COUNT_MAX: Final = 100
VERDICTS_MAX: Final = 1000
"""The most that one act writes."""


@dataclass(frozen=True, slots=True)
class Change:
    """One act of somebody else: on own decisions (`own`), or on links that another district shares with this one.

    `by` as `display_name` gives it; `reason` only of a returned link, for its first person, who has to answer it.
    """

    decision: str
    own: bool
    by: str
    at: str
    reason: str | None
    links: tuple[VisibleLink, ...]


@dataclass(frozen=True, slots=True)
class GrownSearch:
    """A search of the person to which link added faces."""

    search_id: str
    case_id: str
    within: str
    at: str
    added: int


@dataclass(frozen=True, slots=True)
class Inbox:
    """What changed after `since`, until `until`; all but `changes` is on the first page only."""

    since: str
    until: str
    changes: Page[Change]
    candidates: int = 0
    candidates_cut: bool = False
    cases: tuple[NewInCase, ...] = ()
    identifications: tuple[VisibleIdentification, ...] = ()
    searches: tuple[GrownSearch, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.changes.items or self.candidates or self.identifications or self.searches)


async def read_inbox(access: Access, *, limit: int, after: str = "") -> Inbox:
    """What changed in the person's district and for them since their last visit, the latest change first.

    `after` is the `next` of the page before; it keeps that page's end, so nothing that comes meanwhile shifts the list.
    """
    person = access.person
    district = check_district(person, Permission.SEE)
    until, before = _place(after, access.at)

    async def work(tx: Tx) -> Inbox:
        since = await _since(tx, access)
        span = {"actor": person.actor, "district": district, "since": since, "until": until}
        rows, more = await _whole_acts(tx, span | {"before": before}, limit)
        following = f"{until}|{rows[-1]['at']}|{rows[-1]['verdict_id']}" if more else None
        changes = Page(await _changes(tx, rows, person), following)
        if after:
            return Inbox(since, until, changes)
        candidates = await tx.listed(queries.NEW_CANDIDATES, **span, limit=CANDIDATES_MAX)
        identified = await tx.rows(queries.IDENTIFICATIONS, **span, limit=LISTED_MAX)
        searches = await tx.rows(queries.SEARCHES, **span, limit=LISTED_MAX)
        return Inbox(
            since,
            until,
            changes,
            candidates=len(candidates),
            candidates_cut=len(candidates) == CANDIDATES_MAX,
            cases=by_case((row["urgency"], row["cases"]) for row in candidates),
            identifications=await _identifications(tx, identified, person),
            searches=tuple(GrownSearch(**row) for row in searches),
        )

    inbox = await access.store.read(work)
    shown = [link.link_id for change in inbox.changes.items for link in change.links]
    shown += [item.identification_id for item in inbox.identifications]
    shown += [case.case_id for case in inbox.cases] + [search.search_id for search in inbox.searches]
    await access.record(AuditAction.INBOX_SEEN, "inbox", shown=shown)
    return inbox


async def count_inbox(access: Access) -> int:
    """The number of acts, candidates, identifications and searches in the inbox, at most one more than COUNT_MAX.

    Not in the audit: it says nothing of anybody.
    """
    district, now = check_district(access.person, Permission.SEE), access.at.astimezone(UTC).isoformat()

    async def work(tx: Tx) -> int:
        span = {"actor": access.person.actor, "district": district, "since": await _since(tx, access), "until": now}
        changes = await tx.rows(queries.CHANGES, **span, before=f"{now}|g", limit=COUNT_MAX + 1)
        number = len({row["act_id"] for row in changes})
        number += len(await tx.listed(queries.NEW_CANDIDATES, **span, limit=COUNT_MAX + 1))
        number += len(await tx.rows(queries.IDENTIFICATIONS, **span, limit=COUNT_MAX + 1))
        return number + len(await tx.rows(queries.SEARCHES, **span, limit=COUNT_MAX + 1))

    return min(await access.store.read(work), COUNT_MAX + 1)


async def do_end_visit(access: Access, until: datetime) -> None:
    """What came up to `until` is no longer in the person's inbox; an earlier time than that of the last visit is not
    taken. Invalid for a time to come: what has not been shown would be gone.
    """
    await _move_visit(access, until, queries.MOVE_VISIT)


async def do_reopen_visit(access: Access, until: datetime) -> None:
    """What came after `until` is in the person's inbox again; a later time than that of the last visit is not taken."""
    await _move_visit(access, until, queries.MOVE_VISIT_BACK)


async def _move_visit(access: Access, until: datetime, query: LiteralString) -> None:
    check_district(access.person, Permission.SEE)
    if until.tzinfo is None or not datetime.fromtimestamp(0, UTC) <= until <= access.at:
        raise Invalid("until: a time with its zone, and not one to come")
    end = until.astimezone(UTC).isoformat()

    async def work(tx: Tx, head: log.Head) -> None:
        await tx.do(query, actor=access.person.actor, until=end)
        await log.append(tx, head, [access.act(AuditAction.INBOX_CLEARED, f"inbox:{end}")])

    await log.write(access.store, work)


def _place(after: str, now: datetime) -> tuple[str, str]:
    """The end of the inbox, and the time and verdict before which its page begins."""
    if not after:
        end = now.astimezone(UTC).isoformat()
        return end, f"{end}|g"  # after every id
    end, _, before = after.partition("|")
    if "|" not in before:
        raise Invalid("after: the `next` of the page before")
    return end, before


async def _since(tx: Tx, access: Access) -> str:
    row = await tx.one(queries.LAST_VISIT, actor=access.person.actor)
    return row["until"] if row else (access.at - FIRST).astimezone(UTC).isoformat()


async def _whole_acts(tx: Tx, wanted: Mapping[str, str | None], limit: int) -> tuple[list[Row], bool]:
    """At most `limit` verdicts, but all of an act that has more, and whether others follow.

    The verdicts of an act have one time.
    """
    rows = await tx.rows(queries.CHANGES, **wanted, limit=limit + 1)
    if len(rows) <= limit:
        return rows, False
    if whole := [row for row in rows if row["at"] != rows[limit]["at"]]:
        return whole, True
    rows = await tx.rows(queries.CHANGES, **wanted, limit=VERDICTS_MAX + 1)
    whole = [row for row in rows[:VERDICTS_MAX] if row["at"] == rows[0]["at"]]
    return whole, len(whole) < len(rows)


async def _changes(tx: Tx, rows: Sequence[Row], person: Person) -> list[Change]:
    """The acts of these verdicts, as far as the person sees their links."""
    links = await find_links(tx, {row["link_id"] for row in rows}, viewer=person)
    acts: defaultdict[tuple[str, bool], list[Row]] = defaultdict(list)
    for row in rows:
        if row["link_id"] in links:
            acts[row["act_id"], row["own"]].append(row)
    return [_change(verdicts, [links[row["link_id"]] for row in verdicts], person) for verdicts in acts.values()]


def _change(verdicts: Sequence[Row], links: Sequence[VisibleLink], person: Person) -> Change:
    row = verdicts[0]
    approved = all(link.state is State.APPROVED for link in links)
    returned = row["own"] and row["decision"] == SecondDecision.RETURNED
    return Change(
        decision=row["decision"],
        own=row["own"],
        by=display_name(person, Maker(row["by"], row["role"], row["district"]), approved=approved),
        at=row["at"],
        reason=(row["text"] or "") if returned else None,
        links=tuple(links),
    )


async def _identifications(tx: Tx, rows: Sequence[Row], person: Person) -> tuple[VisibleIdentification, ...]:
    """The person's identifications on which others decided; those without a face that they may see are left out."""
    stored = [StoredIdentification.of(row["identification"]) for row in rows]
    if not stored:
        return ()
    view = (await victims.load(tx, {face for item in stored for face in item.face_ids})).view_of(person)
    return tuple(item.visible(view, person) for item in stored if not view.faces.isdisjoint(item.face_ids))
