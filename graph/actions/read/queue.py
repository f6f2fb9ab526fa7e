"""The queue: one person's claims, returned links and what waits; claiming, skipping, renewing.

A claim is a lease on an item and on each of its links, written under the audit's head, so two people never work on
one item. It ends when its links are decided, when it is skipped, or when its time is over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from graph.actions.access import AccessEvent, AccessLog
from graph.actions.known import KnownVictims
from graph.actions.read.queue_items import Item, Sheet, items, links_of, next_links, offers, placed, sheet_of, sheets
from graph.domain import audit, ids
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Conflict, NotFound
from graph.domain.link import State
from graph.domain.people import Maker, Permission, Person, check_district, display_name
from graph.domain.queue import CLAIMS_MAX, LEASE, SKIPPED_FOR, Endpoint, Filters, Position, item_id, remaining, walk
from graph.store import log
from graph.store.queries import queue as queries
from graph.store.session import Row, Store, Tx

ATTEMPTS: Final = 4
"""Tries to take what was chosen before the head was locked; the last one chooses under the lock."""
SPARE: Final = 2
"""Items chosen beyond those wanted, for when somebody takes one in between."""
CLAIM_PURPOSE: Final = "claim:"
"""How a purpose begins that names a claim."""
RETURNED_MAX: Final = 500
"""Returned links of a district that are looked through for one person's."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One person's lease; `seed` is where the walk began that met the item."""

    claim_id: str
    seed: str
    at: str
    until: str

    @property
    def purpose(self) -> str:
        """What a look under this claim gives as its purpose."""
        return f"{CLAIM_PURPOSE}{self.claim_id}"


@dataclass(frozen=True, slots=True)
class Returned:
    """Who returned what the reader had confirmed, when and why."""

    by: str
    at: str
    reason: str


@dataclass(frozen=True, slots=True)
class Queued:
    """An item of the queue: claimed by the reader, returned to the reader, or waiting for anybody."""

    item: Item
    claim: Claim | None = None
    returned: Returned | None = None


@dataclass(frozen=True, slots=True)
class Page:
    items: list[Queued]
    next: str | None


async def read_queue(
    store: Store, access_log: AccessLog, filters: Filters, *, limit: int, after: Position | None, access: AccessEvent
) -> Page:
    """The person's open claims and returned links, then what waits, by urgency and then by chance.

    The chance is one of the person and day, so that `after` goes on in the same order. The look is in the audit.
    """
    person, now = access.person, access.at
    check_district(person, Permission.SEE)
    start = after.start if after else ids.digest("queue", person.actor, now.date())

    async def work(tx: Tx) -> Page:
        known = KnownVictims(tx, person)
        own = [] if after else [*await _claimed(tx, known, now), *await _returned(tx, known)]
        left = remaining(walk(start), after) if after else walk(start)
        found, position = await offers(tx, known, filters, start, left, limit, now)
        gathered = await sheets(tx, known, filters, found, now)
        # An item of several links is shown where the walk meets the first of them, so it stands on one page only.
        waiting = [
            gathered[offer.item]
            for offer in found
            if offer.item in gathered and _first_met(gathered[offer.item], start) >= offer.at.order
        ]
        return Page([*own, *map(Queued, await items(tx, known, waiting))], str(position) if position else None)

    page = await store.read(work)
    shown = [link.link_id for queued in page.items for link in queued.item.links]
    shown += [face_id for queued in page.items for unit in queued.item.units for face_id in unit.face_ids]
    await access_log.record(access.act(AuditAction.QUEUE_SEEN, "queue", shown=list(dict.fromkeys(shown))))
    return page


async def do_claim(
    store: Store, filters: Filters, wanted: int, *, actor: Person, now: datetime, seed: str,
    after: Position | None = None, purpose: str = "",
) -> Page:  # fmt: skip
    """At most `wanted` items that are this person's until their lease ends; audited together with what they show.

    With fewer, `next` says where a further claim goes on, and None that nothing else waits. Raises Conflict
    (`claims_limit`) where the person would have more than `CLAIMS_MAX` open claims.
    """
    check_district(actor, Permission.JUDGE)
    start = after.start if after else ids.digest("claim", seed)
    left = remaining(walk(start), after) if after else walk(start)

    async def choose(tx: Tx, spare: int) -> tuple[list[Sheet], list[Item], Position | None]:
        known = KnownVictims(tx, actor)
        found, position = await offers(tx, known, filters, start, left, wanted + spare, now)
        gathered = await sheets(tx, known, filters, found, now)
        chosen = [gathered[offer.item] for offer in found if offer.item in gathered]
        return chosen, await items(tx, known, chosen), position

    for attempt in range(ATTEMPTS):
        last = attempt == ATTEMPTS - 1
        chosen = None if last else await store.read(lambda tx: choose(tx, SPARE))
        if chosen is not None and not chosen[0]:
            return Page([], str(chosen[2]) if chosen[2] else None)

        async def take(tx: Tx, chosen: Any = chosen) -> Page:
            head = await log.lock_head(tx)
            # Under the head: claims of one person at the same time count each other.
            own = await _own_claims(tx, actor, now)
            if sum(_lasts(row) for row in own) + wanted > CLAIMS_MAX:
                raise Conflict(f"you would have more than {CLAIMS_MAX} open claims", code="claims_limit")
            found, shown, position = chosen or await choose(tx, 0)
            if over := [row["claim"]["claim_id"] for row in own if not _lasts(row) and not row["skipped"]]:
                await tx.do(queries.DELETE_CLAIMS, claims=over)
            claims = await _take(tx, found, wanted, actor=actor, now=now, seed=start)
            taken = [
                Queued(item, claims[sheet.item]) for sheet, item in zip(found, shown, strict=True)
                if sheet.item in claims
            ]  # fmt: skip
            acts = [_claimed_act(queued, actor, now, purpose) for queued in taken]
            await log.append(tx, head, acts)
            full = len(taken) == wanted
            return Page(taken, None if full or position is None else str(position))

        page = await store.write(take)
        if page.items or last:
            return page
    raise AssertionError("the last attempt returns")


async def do_skip(store: Store, claim_id: str, *, actor: Person, now: datetime) -> datetime:
    """Ends the claim; the item stays away from this person until the returned time, and is others' at once."""
    until = now + SKIPPED_FOR

    async def work(tx: Tx) -> None:
        head = await log.lock_head(tx)
        await _check_own(tx, claim_id, actor, now)
        await tx.do(queries.SKIP, claim_id=claim_id, now=now.isoformat(), skipped_until=until.isoformat())
        await log.append(tx, head, [audit.Act(now, actor.actor, AuditAction.QUEUE_SKIPPED, f"claim:{claim_id}")])

    await store.write(work)
    return until


async def do_renewal(store: Store, claim_id: str, *, actor: Person, now: datetime) -> Claim:
    """The claim with a whole lease again; Conflict (`claim_expired`) where its time is over."""

    async def work(tx: Tx) -> Claim:
        head = await log.lock_head(tx)
        row = await _check_own(tx, claim_id, actor, now)
        until = (now + LEASE).isoformat()
        await tx.do(queries.RENEW, claim_id=claim_id, until=until)
        await log.append(tx, head, [audit.Act(now, actor.actor, AuditAction.QUEUE_RENEWED, f"claim:{claim_id}")])
        return Claim(claim_id, row["claim"]["seed"], row["claim"]["at"], until)

    return await store.write(work)


async def check_claim(store: Store, claim_id: str, *, actor: Person, now: datetime) -> None:
    """Refuses a claim that is not this person's, or not any more, as the purpose of a look."""
    await store.read(lambda tx: _check_own(tx, claim_id, actor, now))


async def _check_own(tx: Tx, claim_id: str, actor: Person, now: datetime) -> Row:
    row = await tx.one(queries.CLAIM, claim_id=claim_id, now=now.isoformat())
    if row is None or row["claim"]["by"] != actor.actor or row["skipped"]:
        raise NotFound("you have no such claim")
    if not row["lasts"]:
        raise Conflict("this claim's time is over: claim again", code="claim_expired")
    return row


async def _take(
    tx: Tx, found: Sequence[Sheet], wanted: int, *, actor: Person, now: datetime, seed: str
) -> dict[str, Claim]:
    """The new claims by item: of the first `wanted` sheets that are still as they were when they were chosen."""
    until = (now + LEASE).isoformat()
    rows: list[Row] = [
        {"item": sheet.item, "claim_id": ids.new_id(), "place": place, "links": sheet.link_ids,
         "versions": [row["version"] for row in sheet.rows]}
        for place, sheet in enumerate(found)
    ]  # fmt: skip
    done = await tx.rows(
        queries.TAKE, rows=rows, wanted=wanted, by=actor.actor, seed=seed, now=now.isoformat(), until=until
    )
    made = {row["claim_id"] for row in done}
    return {
        row["item"]: Claim(row["claim_id"], seed, now.isoformat(), until) for row in rows if row["claim_id"] in made
    }


def _claimed_act(queued: Queued, actor: Person, now: datetime, purpose: str) -> audit.Act:
    assert queued.claim is not None
    faces = sorted({face_id for unit in queued.item.units for face_id in unit.face_ids})
    shown = {"claim": asdict(queued.claim), "links": [link.link_id for link in queued.item.links], "faces": faces}
    subject = queued.claim.purpose
    digest = audit.content_digest(shown)
    return audit.Act(now, actor.actor, AuditAction.QUEUE_CLAIMED, subject, purpose or subject, digest)


async def _own_claims(tx: Tx, person: Person, now: datetime) -> list[Row]:
    return await tx.rows(queries.CLAIMS_OF, by=person.actor, now=now.isoformat())


def _lasts(row: Row) -> bool:
    """Whether a claim still stands: in time, not skipped, and with a link that nobody has decided since."""
    return row["lasts"] and not row["skipped"] and bool(row["open"])


async def _claimed(tx: Tx, known: KnownVictims, now: datetime) -> list[Queued]:
    own = [row for row in await _own_claims(tx, known.viewer, now) if _lasts(row)]
    if not own:
        return []
    by_link: dict[str, str] = {link_id: row["claim"]["claim_id"] for row in own for link_id in row["open"]}
    found = await _sheets_by(tx, by_link, known, lambda row, _, __: by_link[row["link_id"]])
    claims = {row["claim"]["claim_id"]: _claim_of(row["claim"]) for row in own}
    seen = await items(tx, known, [found[name] for name in claims if name in found])
    return [Queued(item, claims[name]) for name, item in zip((n for n in claims if n in found), seen, strict=True)]


def _claim_of(row: Row) -> Claim:
    return Claim(row["claim_id"], row["seed"], row["at"], row["until"])


async def _returned(tx: Tx, known: KnownVictims) -> list[Queued]:
    person = known.viewer
    rows = await next_links(
        tx, queries.WALK, walk(""), [State.RETURNED.value], RETURNED_MAX, district=person.district
    )  # fmt: skip
    if not rows:
        return []
    links = [row["link_id"] for row in rows]
    told = {row["link_id"]: row for row in await tx.rows(queries.RETURNS, links=links, by=person.actor)}
    found = await _sheets_by(tx, told, known, lambda _, a, b: item_id(a.subject, b.subject))
    seen = await items(tx, known, list(found.values()))
    return [
        Queued(item, returned=_return_of([told[link_id] for link_id in sheet.link_ids], person))
        for sheet, item in zip(found.values(), seen, strict=True)
    ]


def _return_of(rows: Sequence[Row], person: Person) -> Returned:
    latest = max(rows, key=lambda row: row["returned_at"])
    by = display_name(person, Maker(**latest["returned_by"]), approved=False)
    return Returned(by, latest["returned_at"], latest["reason"] or "")


async def _sheets_by(
    tx: Tx, links: Iterable[str], known: KnownVictims, name: Callable[[Row, Endpoint, Endpoint], str]
) -> dict[str, Sheet]:  # fmt: skip
    """The sheets of these links, by what `name` calls the item of each."""
    links, gathered = sorted(links), defaultdict[str, list[tuple[Row, Endpoint, Endpoint]]](list)
    for one in await placed(await links_of(tx, links), known):
        gathered[name(*one)].append(one)
    return {key: sheet_of(key, members) for key, members in gathered.items()}


def _first_met(sheet: Sheet, start: str) -> tuple[int, bool, str]:
    return min(Position(start, row["urgency"], row["link_id"]).order for row in sheet.rows)
