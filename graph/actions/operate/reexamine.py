"""Brings stored media up to date with a newer detector: which wait, and the requests to the embed workers."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from graph.domain import audit
from graph.domain.audit_actions import AuditAction
from graph.domain.people import check_actor, check_purpose
from graph.store import log
from graph.store.log import Outgoing
from graph.store.queries import reexamine as queries
from graph.store.session import Store, Tx

PAGE: Final = 50
"""Media that are asked for together: a person's search waits behind a few of them at most."""


@dataclass(frozen=True, slots=True)
class WaitingMedia:
    """A media of an older detector, and what a newer one may change of it. `failed`: it was tried, in vain."""

    media_id: str
    url: str
    content_type: str | None
    failed: bool
    no_face: bool
    too_poor: bool
    more_pages: bool
    small_crops: bool


async def count_waiting(store: Store, detector_id: str) -> int:
    """The number of media that this detector has not examined; by two of the database's own counts."""
    row = await store.read(lambda tx: tx.one(queries.COUNT, detector_id=detector_id))
    return row["waiting"] if row else 0


async def waiting(store: Store, detector_id: str) -> AsyncIterator[list[WaitingMedia]]:
    """The media that this detector has not examined, by media id, in pages."""
    place = "media_id"
    async for page in store.pages(queries.WAITING, PAGE, lambda row: row[place], detector_id=detector_id):
        yield [WaitingMedia(**row) for row in page]


async def begin(store: Store, detector_id: str, *, media: int, actor: str, purpose: str, now: datetime) -> None:
    """Records in the audit who has so many media examined again, and why."""
    check_actor(actor)
    purpose = check_purpose(purpose)

    async def work(tx: Tx, head: log.Head) -> None:
        digest = audit.content_digest({"detector": detector_id, "media": media})
        subject = f"detector:{detector_id}"
        act = audit.Act(now, actor, AuditAction.REEXAMINATION_BEGUN, subject, purpose, digest)
        await log.append(tx, head, [act])

    await log.write(store, work)


async def ask(store: Store, media: Sequence[WaitingMedia]) -> None:
    """Asks the embed workers to examine these media again."""
    requests = [
        Outgoing(
            "reexamination",
            item.media_id,
            {"media_id": item.media_id, "url": item.url, "content_type": item.content_type},
        )
        for item in media
    ]

    async def work(tx: Tx, head: log.Head) -> None:
        await tx.do(queries.ASK_AGAIN, media=[item.media_id for item in media])
        await log.append(tx, head, [], requests)

    await log.write(store, work)


async def count_settled(store: Store, media: Sequence[str], detector_id: str) -> int:
    """How many of the media the detector has examined, or could not, or were erased meanwhile."""
    row = await store.read(lambda tx: tx.one(queries.SETTLED, media=list(media), detector_id=detector_id))
    return row["media"] if row else 0


async def events_behind(store: Store, sources: Sequence[str]) -> int:
    """The number of these sources' events that are still to be processed, as link's process last measured it."""
    row = await store.read(lambda tx: tx.one(queries.BEHIND, sources=list(sources)))
    return row["events"] if row else 0


async def quarantined(store: Store) -> dict[str, int]:
    """The number of events that wait in quarantine and can be replayed, by the code of their reason."""
    return {row["code"]: row["events"] for row in await store.read(lambda tx: tx.rows(queries.QUARANTINED))}


async def quarantined_for(store: Store, codes: Sequence[str]) -> list[str]:
    """The ids of the events that wait in quarantine for one of these reasons and can be replayed, oldest first."""
    rows = await store.read(lambda tx: tx.rows(queries.OF_CODES, codes=list(codes)))
    return [row["quarantine_id"] for row in rows]


async def on_their_way(store: Store, quarantine_ids: Sequence[str]) -> int:
    """How many of these replayed events have neither been processed nor come back to quarantine."""
    row = await store.read(lambda tx: tx.one(queries.REPLAYED, ids=list(quarantine_ids)))
    return row["events"] if row else 0
