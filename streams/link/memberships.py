"""A membership as the graph stores it: read where an event says more of a media that is in the case already.

No comparison needs exhibits, purposes and event ids, so link keeps none of them in memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from graph.domain import ids
from graph.domain.comparison import Scope
from graph.store.queries import gallery as queries
from graph.store.session import Store
from streams.gallery.entities import Membership
from streams.gallery.state import Gallery
from streams.records.gallery import GalleryRecord, MediaEmbedded


@dataclass(frozen=True, slots=True)
class StoredMembership:
    """That a media belongs to a case; the event with the latest (submitted_at, ce_id) says how.

    A membership that only a search's upload made (`by_search`) yields to any event of a case system, whenever that was
    submitted: a search overtakes ingestion and must not switch off the comparison that is still to come.

    `captured_at` (ISO 8601) is when the picture was taken, by the latest event that says so; that one was submitted at
    `captured_told`. `ai_generated` is whether AI made the picture, by the latest event that says it, submitted at
    `ai_generated_told`; both are None where no event says it.
    """

    scope: Scope
    purpose: str
    legal_basis: str
    urgency: str
    submitted_at: int
    ce_id: str
    exhibits: tuple[str, ...] = ()
    by_search: bool = False
    captured_at: str | None = None
    captured_told: int | None = None
    ai_generated: bool | None = None
    ai_generated_told: int | None = None

    @property
    def in_memory(self) -> Membership:
        """What link keeps of it."""
        return Membership(self.scope, self.submitted_at, self.by_search)

    @property
    def age(self) -> tuple[bool, int, str]:
        return (not self.by_search, self.submitted_at, self.ce_id)

    def says(self, other: StoredMembership) -> bool:
        """Whether both say the same of the media, whenever and by whichever event."""
        times = {"captured_told": other.captured_told, "ai_generated_told": other.ai_generated_told}
        return replace(self, submitted_at=other.submitted_at, ce_id=other.ce_id, **times) == other

    @property
    def date(self) -> tuple[int, str]:
        """Orders what events said of the picture's date: the later one counts, and any before none."""
        return (-1, "") if self.captured_at is None else (self.captured_told or 0, self.captured_at)

    @property
    def origin(self) -> tuple[int, bool]:
        """Orders what events said of whether the picture is generated: the later one counts, and any before none."""
        return (-1, False) if self.ai_generated is None else (self.ai_generated_told or 0, self.ai_generated)

    def joined(self, new: StoredMembership) -> StoredMembership:
        """This one with what a further event of the same media and case says."""
        newest = new if new.age > self.age else self
        dated = max(new, self, key=lambda member: member.date)
        exhibits = tuple(sorted({*self.exhibits, *new.exhibits}))
        stated = max(new, self, key=lambda member: member.origin)
        return replace(
            newest,
            exhibits=exhibits,
            captured_at=dated.captured_at,
            captured_told=dated.captured_told,
            ai_generated=stated.ai_generated,
            ai_generated_told=stated.ai_generated_told,
        )


async def stored_memberships(
    store: Store, gallery: Gallery, records: Iterable[GalleryRecord]
) -> dict[tuple[str, str], StoredMembership]:
    """By media and case the memberships that these records may say more of, read from the graph.

    Of media that the gallery does not know in that case there are none, so most batches read nothing.
    """
    submitted = {(record.media_id, record.submitted.case_id) for record in records if isinstance(record, MediaEmbedded)}
    known = [
        {"media_id": media_id, "case_id": case_id, "membership_id": ids.membership_id(media_id, case_id)}
        for media_id, case_id in sorted(submitted)
        if (media := gallery.media.get(media_id)) is not None and case_id in media.memberships
    ]
    if not known:
        return {}
    found = await store.read(lambda tx: tx.rows(queries.MEMBERSHIPS, rows=known))
    return {
        (row["media_id"], row["case_id"]): StoredMembership(
            Scope(row["scope"]),
            row["purpose"],
            row["legal_basis"],
            row["urgency"],
            row["submitted_at"],
            row["ce_id"],
            tuple(row["exhibits"]),
            bool(row["by_search"]),
            row["captured_at"],
            row["captured_told"],
            row["ai_generated"],
            row["ai_generated_told"],
        )
        for row in found
    }
