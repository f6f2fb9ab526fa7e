"""Reads a person's queue: their open claims, the links returned to them, then the items that wait for anybody."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from graph.actions.access import Access
from graph.actions.known import KnownVictims
from graph.actions.read.claims import claim_of, open_claims
from graph.actions.read.queue_items import ItemLinks, QueueItem, Returned, unclaimed_links, visible_items
from graph.actions.read.queue_walk import QueueLink, Walk, find_offers, queue_links, rows_of
from graph.domain import ids
from graph.domain.audit_actions import AuditAction
from graph.domain.comparison import HIDDEN_LABELS
from graph.domain.link import State
from graph.domain.people import Maker, Permission, Person, check_district, display_name
from graph.domain.queue import Filters, Position, walk
from graph.paging import Page
from graph.store.queries import queue as queries
from graph.store.session import Row, Tx

RETURNED_MAX: Final = 500
"""Returned links of a district that are searched for one person's."""


async def read_queue(
    access: Access,
    filters: Filters,
    *,
    limit: int,
    after: Position | None,
    choose: Callable[[list[QueueItem]], list[QueueItem]] = list,
) -> Page[QueueItem]:
    """The person's open claims and returned links, then what waits, by urgency and then in a random order.

    The order depends on person and day only, so that `after` continues it. `choose` picks what is shown of it: only
    that is recorded as seen.
    """
    person, now = access.person, access.at
    check_district(person, Permission.SEE)
    places = Walk.after(ids.digest("queue", person.actor, now.date()), after)

    async def work(tx: Tx) -> Page[QueueItem]:
        known = KnownVictims(tx, person)
        own = [] if after else [*await _claimed(tx, known, now), *await _returned(tx, known)]
        offers, position = await find_offers(tx, known, filters, places, limit, now)
        found = await unclaimed_links(tx, known, filters, offers, now)
        # An item is listed where the walk meets the first of its links, so it is on one page only.
        waiting = [
            found[offer.item]
            for offer in offers
            if offer.item in found
            and offer.position(places.start).order
            <= min(link.position(places.start).order for link in found[offer.item].links)
        ]
        items = [*own, *await visible_items(tx, known, waiting)]
        return Page(choose(items), str(position) if position else None)

    page = await access.store.read(work)
    shown = [link.link_id for item in page.items for link in item.links]
    shown += [face_id for item in page.items for face_id in item.face_ids]
    await access.record(AuditAction.QUEUE_SEEN, "queue", shown=list(dict.fromkeys(shown)))
    return page


async def count_waiting(access: Access, case_id: str, most: int) -> int | None:
    """The number of items of a case that review shows the person now; None for more than `most`, or than one request
    examines.

    Not in the audit: it names no item.
    """
    person, now = access.person, access.at

    async def work(tx: Tx) -> int | None:
        known = KnownVictims(tx, person)
        own = [*await _claimed(tx, known, now), *await _returned(tx, known)]
        in_case = [any(case_id in end.case_ids for link in item.links for end in (link.a, link.b)) for item in own]
        places = Walk.after(ids.digest("queue", person.actor, now.date()), None)
        offers, more = await find_offers(tx, known, Filters(case_id=case_id), places, most + 1, now)
        return None if more else sum(in_case) + len(offers)

    return await access.store.read(work)


async def read_items(access: Access, link_ids: Sequence[str]) -> list[QueueItem]:
    """The items of these links, claimed or not: what a person whose act was taken back judges again."""
    check_district(access.person, Permission.SEE)

    async def work(tx: Tx) -> list[QueueItem]:
        known = KnownVictims(tx, access.person)
        found = await _items_by(tx, link_ids, known, lambda link: link.item)
        return await visible_items(tx, known, list(found.values()))

    items = await access.store.read(work)
    shown = [link.link_id for item in items for link in item.links]
    await access.record(AuditAction.QUEUE_SEEN, "queue", shown=shown)
    return items


async def _claimed(tx: Tx, known: KnownVictims, now: datetime) -> list[QueueItem]:
    """The items of the person's open claims."""
    own = await open_claims(tx, known.viewer, now)
    by_link: dict[str, str] = {link_id: row["claim"]["claim_id"] for row in own for link_id in row["open"]}
    found = await _items_by(tx, by_link, known, lambda link: by_link[link.link_id])
    claims = [claim for row in own if (claim := claim_of(row["claim"])).claim_id in found]
    items = await visible_items(tx, known, [found[claim.claim_id] for claim in claims])
    return [replace(item, claim=claim) for item, claim in zip(items, claims, strict=True)]


async def _returned(tx: Tx, known: KnownVictims) -> list[QueueItem]:
    """The items of links that the person had confirmed and a second person returned."""
    person = known.viewer
    pages = Walk("", walk("")).pages(tx, [State.RETURNED.value], RETURNED_MAX, person.district)
    links = [row["link_id"] for row in (await anext(pages))[0]]
    rows = await tx.rows(queries.RETURNS, links=links, by=person.actor) if links else []
    returns = {row["link_id"]: row for row in rows}
    found = list((await _items_by(tx, returns, known, lambda link: link.item)).values())
    items = await visible_items(tx, known, found)
    return [
        replace(item, returned=_latest([returns[link_id] for link_id in links.link_ids], person))
        for links, item in zip(found, items, strict=True)
    ]


def _latest(returns: Sequence[Row], person: Person) -> Returned:
    latest = max(returns, key=lambda row: row["returned_at"])
    by = display_name(person, Maker(**latest["returned_by"]), approved=False)
    return Returned(by, latest["returned_at"], latest["reason"] or "")


async def _items_by(
    tx: Tx, link_ids: Iterable[str], known: KnownVictims, key: Callable[[QueueLink], str]
) -> dict[str, ItemLinks]:
    """The links grouped by `key`, without those of a face that people have labelled as none to compare."""
    groups: defaultdict[str, list[QueueLink]] = defaultdict(list)
    for link in await queue_links(await rows_of(tx, sorted(link_ids)), known):
        if HIDDEN_LABELS.isdisjoint((link.a.label, link.b.label)):
            groups[key(link)].append(link)
    return {name: ItemLinks.of(name, links) for name, links in groups.items()}
