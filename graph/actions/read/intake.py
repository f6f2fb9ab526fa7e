"""Reads what came in, what is on its way and what waits in quarantine; counts only, so nothing is in the audit."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from graph.actions.access import Access
from graph.actions.link.cursor import read_cursor
from graph.actions.read.counts import Sizes, sizes
from graph.domain.people import Permission, check_may
from graph.store.queries import intake as queries
from graph.store.session import Row

HOURS: Final = 24
OUTCOMES: Final = ("faces_found", "too_poor", "no_face", "duplicate", "quarantined")
"""What becomes of a picture, by the notice to its case system."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """A case system's events on their way, and the seconds that they need, when it was last measured (`at`)."""

    source: str
    events: int
    seconds: int | None
    at: str


@dataclass(frozen=True, slots=True)
class IntakeNow:
    """What the graph holds and what waits; `broken` says why link does not write, None where it does."""

    sizes: Sizes
    broken: str | None
    sources: tuple[SourceState, ...]

    @property
    def events(self) -> int:
        """Events of all case systems on their way."""
        return sum(source.events for source in self.sources)


@dataclass(frozen=True, slots=True)
class Hour:
    """The pictures whose events finished within an hour, by outcome in the order of OUTCOMES."""

    start: str
    events: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.events.values())


@dataclass(frozen=True, slots=True)
class Reason:
    """Events that wait in quarantine for one reason."""

    code: str
    events: int


@dataclass(frozen=True, slots=True)
class Intake:
    """The present state; the last HOURS hours, the oldest first; the reasons of what waits, the commonest first."""

    now: IntakeNow
    hours: tuple[Hour, ...]
    reasons: tuple[Reason, ...]


async def read_intake_now(access: Access) -> IntakeNow:
    """The present state alone: cheap enough to be read every few seconds."""
    check_may(access.person, Permission.READ_COUNTS)
    sources = await access.store.read(lambda tx: tx.rows(queries.SOURCES))
    return IntakeNow(
        sizes=await sizes(access.store),
        broken=(await read_cursor(access.store)).broken,
        sources=tuple(SourceState(**source) for source in sources),
    )


async def read_intake(access: Access) -> Intake:
    """The present state with the last hours and the reasons of the quarantine."""
    now, slots = await read_intake_now(access), _slots(access.at)
    counted = await access.store.read(lambda tx: tx.rows(queries.OUTCOMES, slots=slots, outcomes=list(OUTCOMES)))
    reasons = await access.store.read(lambda tx: tx.rows(queries.REASONS))
    events = {(row["start"], row["outcome"]): row["events"] for row in counted}
    hours = (Hour(slot["start"], {name: events[slot["start"], name] for name in OUTCOMES}) for slot in slots)
    return Intake(now, tuple(hours), tuple(Reason(**row) for row in reasons))


def _slots(now: datetime) -> list[Row]:
    """The last hours, this one too, each with the texts of its start and end."""
    this = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    starts = [this - timedelta(hours=back) for back in range(HOURS - 1, -1, -1)]
    return [{"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()} for start in starts]
