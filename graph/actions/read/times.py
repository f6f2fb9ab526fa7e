"""Reads how long it takes from event to candidate to verdict, and how many pictures somebody has looked at."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from graph.actions.access import Access
from graph.domain.audit_actions import AuditAction, recorded_names
from graph.domain.people import Permission, check_may
from graph.store.queries import figures as queries
from graph.store.session import Row, Tx

DAYS: Final = 30
SLOT: Final = timedelta(hours=3)
SAMPLE: Final = 25
"""Measured in each slot: 200 of a day at most, spread over it."""
UNORDERED: Final = 1000
"""How far audit entries may be from the order of their times: those of one moment wait for one lock."""


@dataclass(frozen=True, slots=True)
class Proposals:
    """Seconds from the event to the comparison that proposes its candidates, for half and for 95 of 100."""

    day: str
    number: int
    half: float
    most: float


@dataclass(frozen=True, slots=True)
class FirstVerdicts:
    """Seconds from the candidate (`waited`) and from the event to the first verdict, for half and for 95 of 100."""

    day: str
    number: int
    waited_half: float
    waited_most: float
    half: float
    most: float


@dataclass(frozen=True, slots=True)
class Times:
    """Of the last days in UTC, the oldest first, by the day on which the step ended; a day without any is left out."""

    proposed: tuple[Proposals, ...]
    judged: tuple[FirstVerdicts, ...]


async def read_times(access: Access) -> Times:
    """The times of the last DAYS days, measured on a sample of each."""
    check_may(access.person, Permission.READ_COUNTS)
    slots = _slots(access.at)

    async def work(tx: Tx) -> Times:
        proposed = await tx.rows(queries.PROPOSED, slots=slots, limit=SAMPLE)
        judged = await tx.rows(queries.JUDGED, slots=slots, limit=SAMPLE)
        return Times(tuple(Proposals(**row) for row in proposed), tuple(FirstVerdicts(**row) for row in judged))

    found = await access.store.read(work)
    await access.record(AuditAction.INTAKE_SEEN, "intake")
    return found


async def count_pictures_seen(access: Access, since: datetime) -> int:
    """The number of faces whose pictures this person has looked at since a time, by the audit.

    For them alone, and not in the audit: it says nothing of anybody else.
    """

    async def work(tx: Tx) -> int:
        start = since.astimezone(UTC).isoformat()
        first = await tx.one(queries.FIRST_SINCE, since=start)
        if first is None:
            return 0
        actions = recorded_names(AuditAction.FACE_SEEN)
        after = first["seq"] - UNORDERED
        found = await tx.one(
            queries.SUBJECTS_OF_ACTOR, actor=access.person.actor, after=after, since=start, actions=actions
        )
        return found["number"] if found else 0

    return await access.store.read(work)


def _slots(now: datetime) -> list[Row]:
    """The parts of the last days, each with its day and the texts of its start and end."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first = today - timedelta(days=DAYS - 1)
    starts = [first + number * SLOT for number in range(DAYS * (timedelta(days=1) // SLOT))]
    return [
        {"day": f"{start:%Y-%m-%d}", "start": start.isoformat(), "end": (start + SLOT).isoformat()} for start in starts
    ]
