"""What was sent and acknowledged, remembered outside the system: what the system forgot is noticed too."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Event:
    """A media event as its case system knows it; `place` is where Kafka acknowledged it, empty before."""

    ce_id: str
    case_id: str
    media_id: str
    broken: bool
    """The file is no picture: the event belongs in quarantine."""
    body: dict[str, Any] = field(repr=False)
    place: str = ""


@dataclass
class Verdict:
    """A decision that was asked of the API; not acknowledged: nobody knows whether it took place."""

    decision: str
    acknowledged: bool


@dataclass
class Truth:
    """The memory of everybody outside. Written by threads, read once they have ended (counts at any time)."""

    events: dict[str, Event] = field(default_factory=dict)
    files: set[tuple[str, str]] = field(default_factory=set)
    """Media id and case of the pictures that `ingest` was given and ended with."""
    verdicts: dict[str, list[Verdict]] = field(default_factory=dict)
    """By link, in the order in which they were asked."""
    notices: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Every notice that was read while the system ran, by its id."""
    complaints: list[str] = field(default_factory=list)
    """What went wrong in a way that no topic and no graph shows."""

    @property
    def acknowledged(self) -> list[Event]:
        return [event for event in list(self.events.values()) if event.place]

    @property
    def noticed(self) -> int:
        """Events that had a notice so far."""
        return len({notice["event"] for notice in list(self.notices.values()) if "event" in notice})

    def verdicts_acknowledged(self) -> int:
        return sum(said.acknowledged for all_of_link in list(self.verdicts.values()) for said in all_of_link)


def agrees(stored: Sequence[str], asked: Sequence[Verdict]) -> bool:
    """Whether the stored decisions are those asked for, in order, where only unacknowledged ones may lack."""
    # How many of the stored ones are accounted for so far: where an answer was lost, both may be.
    places = {0}
    for said in asked:
        came = {place + 1 for place in places if place < len(stored) and stored[place] == said.decision}
        places = came if said.acknowledged else came | places
    return len(stored) in places
