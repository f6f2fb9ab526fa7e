"""Memberships as the graph stores them, and how a further event of the same media and case changes one.

Link reads the stored ones per batch: comparison needs no exhibits, purposes or event ids, so memory holds none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from graph.actions.link import register
from graph.domain import ids
from graph.domain.capture_time import why_implausible
from graph.domain.comparison import Scope
from graph.store.session import Store
from streams.gallery.entities import Membership
from streams.gallery.state import Gallery
from streams.records.gallery import GalleryRecord, MediaEmbedded


@dataclass(frozen=True, slots=True)
class StoredMembership:
    """A media's membership in a case, as stated by the event with the latest (submitted_at, ce_id).

    `by_search`: only a search's upload made it. Any event of a case system then replaces it, whenever it was submitted:
    a search overtakes ingestion and must not prevent the comparison that is still due.

    `captured_at` (ISO 8601) is the picture's date by the latest event with a date, submitted at `captured_told`;
    `ai_generated` likewise, with `ai_generated_told`. None: no event stated it.
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

    @classmethod
    def of(cls, record: MediaEmbedded) -> StoredMembership:
        """The membership by this event alone."""
        event, origin = record.submitted, record.origin
        date = stated_date(record)
        return cls(
            scope=Scope.NONE if record.search is not None else event.scope,
            purpose=event.purpose,
            legal_basis=event.legal_basis,
            urgency=event.urgency,
            submitted_at=origin.submitted_at,
            ce_id=origin.ce_id or origin.event,
            exhibits=(event.exhibit,) if event.exhibit else (),
            by_search=record.search is not None,
            captured_at=date,
            captured_told=origin.submitted_at if date else None,
            ai_generated=event.ai_generated,
            ai_generated_told=None if event.ai_generated is None else origin.submitted_at,
        )

    @property
    def in_memory(self) -> Membership:
        """The part that link holds in memory."""
        return Membership(self.scope, self.submitted_at, self.by_search)

    @property
    def _age(self) -> tuple[bool, int, str]:
        return (not self.by_search, self.submitted_at, self.ce_id)

    @property
    def _date(self) -> tuple[int, str]:
        return (-1, "") if self.captured_at is None else (self.captured_told or 0, self.captured_at)

    @property
    def _generated(self) -> tuple[int, bool]:
        return (-1, False) if self.ai_generated is None else (self.ai_generated_told or 0, self.ai_generated)

    def states_same(self, other: StoredMembership) -> bool:
        """Whether both state the same about the media, whenever and by whichever event."""
        times = {"captured_told": other.captured_told, "ai_generated_told": other.ai_generated_told}
        return replace(self, submitted_at=other.submitted_at, ce_id=other.ce_id, **times) == other

    def merged(self, new: StoredMembership) -> StoredMembership:
        """The membership after a further event: the latest statement of each fact, and all exhibits."""
        newest = new if new._age > self._age else self
        dated = max(new, self, key=lambda member: member._date)
        stated = max(new, self, key=lambda member: member._generated)
        return replace(
            newest,
            exhibits=tuple(sorted({*self.exhibits, *new.exhibits})),
            captured_at=dated.captured_at,
            captured_told=dated.captured_told,
            ai_generated=stated.ai_generated,
            ai_generated_told=stated.ai_generated_told,
        )

    def row(self, media_id: str, case_id: str) -> dict[str, Any]:
        """The row that stores the membership."""
        row = {**asdict(self), "scope": self.scope.value, "exhibits": list(self.exhibits)}
        return {**row, "membership_id": ids.membership_id(media_id, case_id), "media_id": media_id, "case_id": case_id}


def stated_date(record: MediaEmbedded) -> str | None:
    """The picture's date (ISO 8601) by the event; None if it has none, or an impossible one."""
    stated = record.submitted.captured_at
    return possible_date(stated and stated.isoformat(), record.origin.submitted_at)[0]


def possible_date(date: str | None, submitted_at: int) -> tuple[str | None, str | None]:
    """The date if it is possible, and the reason if it is not."""
    reason = why_implausible(date, submitted_at) if date is not None else None
    return (None if reason else date), reason


async def stored_memberships(
    store: Store, gallery: Gallery, records: Iterable[GalleryRecord]
) -> dict[tuple[str, str], StoredMembership]:
    """The stored memberships, by media and case, that these records may change.

    Only media that the gallery knows in that case have one, so most batches read nothing.
    """
    submitted = {(record.media_id, record.submitted.case_id) for record in records if isinstance(record, MediaEmbedded)}
    known = [
        {"media_id": media_id, "case_id": case_id, "membership_id": ids.membership_id(media_id, case_id)}
        for media_id, case_id in sorted(submitted)
        if (media := gallery.media.get(media_id)) is not None and case_id in media.memberships
    ]
    stored: dict[tuple[str, str], StoredMembership] = {}
    for row in await register.memberships(store, known):
        key = row.pop("media_id"), row.pop("case_id")
        row |= {"scope": Scope(row["scope"]), "exhibits": tuple(row["exhibits"]), "by_search": bool(row["by_search"])}
        stored[key] = StoredMembership(**row)
    return stored
