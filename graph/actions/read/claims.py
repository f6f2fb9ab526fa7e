"""Claims of queue items: claim, skip, renew, and check a claim that an access states as its purpose.

A claim is a lease of an item and of each of its links. It is written while the audit head is locked, so that two people
never work on one item. It ends when its links are decided, when it is skipped, or when its time is over.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Final

from graph.actions.access import Access
from graph.actions.known import KnownVictims
from graph.actions.read.queue_items import Claim, ItemLinks, QueueItem, unclaimed_links, visible_items
from graph.actions.read.queue_walk import Walk, find_offers
from graph.domain import audit, ids
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Conflict
from graph.domain.people import Permission, Person, check_district
from graph.domain.queue import CLAIMS_MAX, LEASE, SKIPPED_FOR, Filters, Position
from graph.paging import Page
from graph.store import log
from graph.store.queries import queue as queries
from graph.store.session import Row, Tx

ATTEMPTS: Final = 4
"""Attempts to claim items that were chosen before the head was locked; the last one chooses under the lock."""
_MINUTES: Final = LEASE.seconds // 60
SPARE: Final = 2
"""Items chosen beyond those wanted, in case that somebody claims one in between."""


async def do_claim(
    access: Access, filters: Filters, wanted: int, *, seed: str, after: Position | None = None
) -> Page[QueueItem]:
    """At most `wanted` items, claimed for this person until their lease ends; the audit records what they show.

    If there are fewer, `next` is where a further claim continues, None where nothing else waits. Raises Conflict
    (`claims_limit`) where the person would have more than CLAIMS_MAX open claims.
    """
    actor, now = access.person, access.at
    check_district(actor, Permission.JUDGE)
    walk = Walk.after(ids.digest("claim", seed), after)

    async def choose(tx: Tx, spare: int) -> tuple[list[ItemLinks], list[QueueItem], Position | None]:
        known = KnownVictims(tx, actor)
        offers, position = await find_offers(tx, known, filters, walk, wanted + spare, now)
        found = await unclaimed_links(tx, known, filters, offers, now)
        chosen = [found[offer.item] for offer in offers if offer.item in found]
        return chosen, await visible_items(tx, known, chosen), position

    async def take(tx: Tx, chosen: tuple[list[ItemLinks], list[QueueItem], Position | None] | None) -> Page[QueueItem]:
        head = await log.lock_head(tx)
        # Under the lock, so that concurrent claims of one person count each other.
        own = await _claims_of(tx, actor, now)
        if sum(_is_open(row) for row in own) + wanted > CLAIMS_MAX:
            raise Conflict(f"you would have more than {CLAIMS_MAX} open claims", code="claims_limit")
        found, items, position = chosen or await choose(tx, 0)
        if over := [row["claim"]["claim_id"] for row in own if not _is_open(row) and not row["skipped"]]:
            await tx.do(queries.DELETE_CLAIMS, claims=over)
        claims = await _write_claims(tx, found, wanted, access, walk.start)
        taken = [
            replace(item, claim=claims[links.item])
            for links, item in zip(found, items, strict=True)
            if links.item in claims
        ]
        await log.append(tx, head, [_entry(item, access) for item in taken])
        return Page(taken, None if len(taken) == wanted or position is None else str(position))

    for _ in range(ATTEMPTS - 1):
        chosen = await access.store.read(lambda tx: choose(tx, SPARE))
        if not chosen[0]:
            return Page([], str(chosen[2]) if chosen[2] else None)
        page = await access.store.write(lambda tx, chosen=chosen: take(tx, chosen))
        if page.items:
            return page
    return await access.store.write(lambda tx: take(tx, None))


async def do_skip(access: Access, claim_id: str) -> datetime:
    """Ends the claim; until the returned time the item is not offered to this person, and it is free for others."""
    until = access.at + SKIPPED_FOR

    async def work(tx: Tx, head: log.Head) -> None:
        await _check_own(tx, claim_id, access)
        now = access.at.isoformat()
        await tx.do(queries.SKIP, claim_id=claim_id, now=now, skipped_until=until.isoformat())
        await log.append(tx, head, [access.act(AuditAction.QUEUE_SKIPPED, f"claim:{claim_id}")])

    await log.write(access.store, work)
    return until


async def do_renewal(access: Access, claim_id: str) -> Claim:
    """The claim with a full lease from now; Conflict (`claim_expired`) where its time is over."""

    async def work(tx: Tx, head: log.Head) -> Claim:
        row = await _check_own(tx, claim_id, access)
        until = (access.at + LEASE).isoformat()
        await tx.do(queries.RENEW, claim_id=claim_id, until=until)
        await log.append(tx, head, [access.act(AuditAction.QUEUE_RENEWED, f"claim:{claim_id}")])
        return replace(claim_of(row["claim"]), until=until)

    return await log.write(access.store, work)


async def end_decided_claims(access: Access) -> None:
    """Ends the person's claims of which nothing is open any more, so that what was reopened is there for others."""

    async def work(tx: Tx) -> None:
        own = await _claims_of(tx, access.person, access.at)
        over = [row["claim"]["claim_id"] for row in own if not _is_open(row) and not row["skipped"]]
        if over:
            await tx.do(queries.DELETE_CLAIMS, claims=over)

    await access.store.write(work)


async def check_claim(access: Access, claim_id: str, links: Collection[str] = ()) -> None:
    """Raises Conflict (`claim_expired`) unless the claim is this person's, not over, and holds these links."""
    row = await access.store.read(lambda tx: _check_own(tx, claim_id, access))
    if not set(links) <= set(row["claim"]["links"]):
        raise Conflict("this claim is of another item", code="claim_expired")


async def count_open_claims(access: Access) -> int:
    """How many open claims the person has, of CLAIMS_MAX."""
    return len(await access.store.read(lambda tx: open_claims(tx, access.person, access.at)))


async def open_claims(tx: Tx, person: Person, now: datetime) -> list[Row]:
    """The person's open claims, rows of `queries.queue.CLAIMS_OF`."""
    return [row for row in await _claims_of(tx, person, now) if _is_open(row)]


def claim_of(row: Row) -> Claim:
    return Claim(row["claim_id"], row["seed"], row["at"], row["until"])


async def _claims_of(tx: Tx, person: Person, now: datetime) -> list[Row]:
    return await tx.rows(queries.CLAIMS_OF, by=person.actor, now=now.isoformat())


def _is_open(row: Row) -> bool:
    """Whether a claim is in time, not skipped, and has a link that nobody has decided since."""
    return row["lasts"] and not row["skipped"] and bool(row["open"])


async def _check_own(tx: Tx, claim_id: str, access: Access) -> Row:
    row = await tx.one(queries.CLAIM, claim_id=claim_id, now=access.at.isoformat())
    if row is None or row["claim"]["by"] != access.person.actor:
        # Its node goes when something else is claimed; nobody learns here whether it is somebody else's.
        raise Conflict(
            f"this claim is over: it was judged or put aside, or its {_MINUTES} minutes are over", code="claim_expired"
        )
    if row["skipped"]:
        raise Conflict("you put this aside: claim again", code="claim_expired")
    if not row["lasts"]:
        raise Conflict(f"the {_MINUTES} minutes of this claim are over: claim again", code="claim_expired")
    return row


async def _write_claims(tx: Tx, found: Sequence[ItemLinks], wanted: int, access: Access, seed: str) -> dict[str, Claim]:
    """The new claims by item, of the first `wanted` items that have not changed since they were chosen."""
    now, until = access.at.isoformat(), (access.at + LEASE).isoformat()
    rows: list[Row] = [
        {
            "item": item.item,
            "claim_id": ids.new_id(),
            "place": place,
            "links": item.link_ids,
            "versions": [link.row["version"] for link in item.links],
        }
        for place, item in enumerate(found)
    ]
    made = {**access.made_under(Permission.JUDGE), "seed": seed, "now": now, "until": until}
    written = {row["claim_id"] for row in await tx.rows(queries.TAKE, rows=rows, wanted=wanted, **made)}
    return {row["item"]: Claim(row["claim_id"], seed, now, until) for row in rows if row["claim_id"] in written}


def _entry(item: QueueItem, access: Access) -> audit.Act:
    assert item.claim is not None
    links, faces = [link.link_id for link in item.links], sorted(set(item.face_ids))
    digest = audit.content_digest({"claim": asdict(item.claim), "links": links, "faces": faces})
    subject = item.claim.purpose
    return access.act(AuditAction.QUEUE_CLAIMED, subject, digest=digest, purpose=access.purpose or subject)
