"""Names of submitted events: the place in Kafka, unless the graph knows another event at that place.

A topic that lost its end, or was created again, reuses offsets. The first event at a place is named by the place; any
later event there gets a name of its own, so it is not mistaken for one that is done.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Self

from graph.domain import ids
from graph.store.queries import ingest as queries
from graph.store.session import Row, Tx

_UNKNOWN_PLACE: Final[Row] = {
    **dict.fromkeys(("fingerprint", "first_at", "ce_id", "submitted_at")),
    **dict.fromkeys(("noticed", "quarantined"), False),
}
"""The row of a place without a notice and without a quarantine entry."""


@dataclass(frozen=True, slots=True)
class Event:
    """A submitted event: its first place `topic/partition/offset`, and a fingerprint of its content."""

    place: str
    fingerprint: str
    submitted_at: int = field(default=0, compare=False)
    """Milliseconds since the epoch: the broker's timestamp of the first record."""

    @classmethod
    def of(cls, place: str, ce_id: str, submitted_at: int) -> Self:
        return cls(place, ids.fingerprint(ce_id, submitted_at), submitted_at)


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """The name under which an event's notices and quarantine entry are stored, and whether there may be any."""

    name: str
    noticed: bool
    quarantined: bool


async def names(tx: Tx, events: Iterable[Event]) -> Mapping[Event, str]:
    """The name of each event."""
    return {event: known.name for event, known in (await look_up(tx, events)).items()}


async def look_up(tx: Tx, events: Iterable[Event]) -> Mapping[Event, KnownEvent]:
    """The name of each event, and whether the graph may have notices or a quarantine entry of it."""
    wanted = list(dict.fromkeys(events))
    places = sorted({event.place for event in wanted})
    rows = [
        {"place": place, "subject": f"event:{place}", "quarantine_id": ids.quarantine_id(place)} for place in places
    ]
    known = dict.fromkeys(places, _UNKNOWN_PLACE)
    known |= {row["place"]: row for row in await tx.rows(queries.EVENTS_AT, rows=rows)} if rows else {}
    first = {place: row["fingerprint"] or _fingerprint(row) for place, row in known.items()}
    found: dict[Event, KnownEvent] = {}
    for event in wanted:
        row = known[event.place]
        if first[event.place] is None and not _is_older(row, event):
            first[event.place] = event.fingerprint
        if first[event.place] == event.fingerprint:
            found[event] = KnownEvent(event.place, noticed=row["noticed"], quarantined=row["quarantined"])
        else:
            found[event] = KnownEvent(f"{event.place}~{event.fingerprint}", noticed=True, quarantined=True)
    return found


def _fingerprint(row: Row) -> str | None:
    """The fingerprint of a quarantine entry of an older release; None where it has no entry at this place."""
    return None if row["submitted_at"] is None else ids.fingerprint(row["ce_id"] or "", row["submitted_at"])


def _is_older(row: Row, event: Event) -> bool:
    """Whether an older release sent a notice for this place before the event was submitted, hence for another event."""
    submitted = datetime.fromtimestamp(event.submitted_at / 1000, UTC).isoformat()
    return row["first_at"] is not None and event.submitted_at > 0 and row["first_at"] < submitted
