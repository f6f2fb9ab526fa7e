"""Names of events: the place in Kafka, unless another event stood there before.

A topic that lost its end, or was made again, uses its offsets again. What was sent about the first event at a place
keeps the place's name; another event gets a name of its own, so that it is not taken for done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from graph.domain import ids
from graph.store.queries import ingest as queries
from graph.store.session import Row, Tx

NOTHING: Final[Row] = {
    **dict.fromkeys(("fingerprint", "first_at", "ce_id", "submitted_at")),
    **dict.fromkeys(("noticed", "quarantined"), False),
}
"""What is known of a place without a notice and without an entry in quarantine."""


@dataclass(frozen=True, slots=True)
class Event:
    """A submitted event: its first place `topic/partition/offset`, and what tells it from others at that place."""

    place: str
    fingerprint: str
    submitted_at: int = field(default=0, compare=False)
    """In milliseconds, as the broker appended it first."""

    @classmethod
    def of(cls, place: str, ce_id: str, submitted_at: int) -> Event:
        return cls(place, ids.fingerprint(ce_id, submitted_at), submitted_at)


@dataclass(frozen=True, slots=True)
class Known:
    """The name of an event, by which its notices and its quarantine entry are stored, and whether there may be any."""

    name: str
    noticed: bool
    quarantined: bool


async def names(tx: Tx, events: Iterable[Event]) -> Mapping[Event, str]:
    """The name of each event, by which its notices and its quarantine entry are stored."""
    return {event: known.name for event, known in (await look_up(tx, events)).items()}


async def look_up(tx: Tx, events: Iterable[Event]) -> Mapping[Event, Known]:
    """The name of each event, and what the graph may hold of it."""
    wanted = list(dict.fromkeys(events))
    places = sorted({event.place for event in wanted})
    rows = [
        {"place": place, "subject": f"event:{place}", "quarantine_id": ids.quarantine_id(place)} for place in places
    ]
    known = dict.fromkeys(places, NOTHING)
    known |= {row["place"]: row for row in await tx.rows(queries.EVENTS_AT, rows=rows)} if rows else {}
    first = {place: row["fingerprint"] or _fingerprint(row) for place, row in known.items()}
    found: dict[Event, Known] = {}
    for event in wanted:
        row = known[event.place]
        if first[event.place] is None and not _is_before(row, event):
            first[event.place] = event.fingerprint
        if first[event.place] == event.fingerprint:
            found[event] = Known(event.place, noticed=row["noticed"], quarantined=row["quarantined"])
        else:
            found[event] = Known(f"{event.place}~{event.fingerprint}", noticed=True, quarantined=True)
    return found


def _fingerprint(row: Row) -> str | None:
    """Of what an older release has in quarantine; None where it has nothing there."""
    return None if row["submitted_at"] is None else ids.fingerprint(row["ce_id"] or "", row["submitted_at"])


def _is_before(row: Row, event: Event) -> bool:
    """Whether an older release sent a notice about this place before the event was submitted: about another event."""
    submitted = datetime.fromtimestamp(event.submitted_at / 1000, UTC).isoformat()
    return row["first_at"] is not None and event.submitted_at > 0 and row["first_at"] < submitted
