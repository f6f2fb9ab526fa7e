"""Names of events: the place in Kafka, unless another event stood there before.

A topic that lost its end, or was made again, uses its offsets again. What was told of the first event at a place keeps
the place's name; another one gets a name of its own, so that it is not taken for done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from graph.domain import ids
from graph.store.queries import ingest as queries
from graph.store.session import Tx


@dataclass(frozen=True, slots=True)
class Event:
    """A submitted event: its first place `topic/partition/offset`, and what tells it from others at that place."""

    place: str
    fingerprint: str


async def names(tx: Tx, events: Iterable[Event]) -> Mapping[Event, str]:
    """The name of each event, by which its notices and its quarantine entry are stored."""
    wanted = list(dict.fromkeys(events))
    places = sorted({event.place for event in wanted})
    rows = [
        {"place": place, "subject": f"event:{place}", "quarantine_id": ids.quarantine_id(place)} for place in places
    ]
    known = {row["place"]: row["fingerprint"] for row in await tx.rows(queries.EVENTS_AT, rows=rows)} if rows else {}
    found: dict[Event, str] = {}
    for event in wanted:
        if known[event.place] is None:
            known[event.place] = event.fingerprint
        own = known[event.place] == event.fingerprint
        found[event] = event.place if own else f"{event.place}~{event.fingerprint}"
    return found
