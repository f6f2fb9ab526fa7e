"""Capture dates of pictures, the years between two pictures, and what a person may know of both. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from graph.domain.errors import Invalid

FIRST_PHOTOGRAPH: Final = 1826
"""Year of the oldest photograph that exists: an earlier date is a mistake or a clock that nobody set."""
LATEST: Final = timedelta(days=1)
"""How long after its submission a picture may say it was taken: clocks and zones differ by less."""
DAYS_A_YEAR: Final = 365.25

BANDS: Final = ((2, "to 2"), (5, "3-5"), (10, "6-10"))
BEYOND: Final = "more than 10"
LIMITS: Final = {
    "6-10": "a picture of a small child is found by one taken 6 to 10 years later in about two of three",
    BEYOND: "a picture of a small child is found by one taken more than ten years later in one of three at the most",
}
"""What was measured, by band of years, where the comparison finds clearly less. Pairs of one person in FG-NET, the
younger picture at 0 to 3 years, at the floor below which nothing is kept: 85 % to 2 years apart, 86 % at 3 to 5, 69 %
at 6 to 10, 44 % at 11 to 20, 23 % beyond; the score's map has seen these people, so that others have less."""


@dataclass(frozen=True, slots=True)
class StatedDate:
    """A capture date (ISO 8601) stated by an event of a case in `district`; submitted at Kafka milliseconds."""

    at: str
    submitted_at: int
    district: str


@dataclass(frozen=True, slots=True)
class Dates:
    """All capture dates of a picture: from `events`, and from its `file` (EXIF); `districts` are those of its cases."""

    events: tuple[StatedDate, ...] = ()
    file: str | None = None
    districts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, row: Mapping[str, Any] | None) -> Self:
        """Of a row with `file` and `cases` (district, and at and submitted_at where an event of it gave a date).

        Without one nothing is known.
        """
        if row is None:
            return cls()
        cases = row["cases"]
        events = tuple(
            StatedDate(case["at"], case["submitted_at"], case["district"]) for case in cases if case["at"] is not None
        )
        return cls(events, row["file"], frozenset(case["district"] for case in cases))

    def known_to(self, sees: Callable[[str], bool]) -> str | None:
        """The date that a viewer of the districts that `sees` accepts may know; the latest event takes precedence."""
        latest = max((date for date in self.events if sees(date.district)), key=_order, default=None)
        if latest is not None:
            return latest.at
        return self.file if any(map(sees, self.districts)) else None

    @property
    def latest(self) -> str | None:
        """The date of the latest event, else that of the file, without regard to a viewer."""
        latest = max(self.events, key=_order, default=None)
        return latest.at if latest is not None else self.file


@dataclass(frozen=True, slots=True)
class Gap:
    """The years between two pictures; `years` is None where the viewer may know the `band` only.

    `limits` is a sentence on measured accuracy at such a gap; None where the comparison works.
    """

    years: int | None
    band: str
    limits: str | None


def read_date(text: str) -> datetime:
    """Parses an ISO 8601 time, in UTC where it has no zone; Invalid for any other text."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text} is no date") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def why_implausible(text: str, submitted_at: int) -> str | None:
    """Why a stated capture date is implausible; None where it is plausible.

    `submitted_at` is the picture's submission in milliseconds since 1970, UTC.
    """
    try:
        taken = read_date(text)
        year = taken.astimezone(UTC).year
    except Invalid as error:
        return error.message
    except OverflowError:
        return f"{text} is no date"
    if year < FIRST_PHOTOGRAPH:
        return f"{text} is before the first photograph"
    if taken.timestamp() > submitted_at / 1000 + LATEST.total_seconds():
        return f"{text} is later than the submission"
    return None


def gap_between(a: Dates, b: Dates, sees: Callable[[str], bool]) -> Gap | None:
    """The gap between two pictures as a viewer of the districts that `sees` accepts may know it.

    None where a date is unknown. Only the band of years where a date is visible in other districts alone.
    """
    if a.latest is None or b.latest is None:
        return None
    known = [(dates.known_to(sees), dates.latest) for dates in (a, b)]
    one, other = (mine or theirs for mine, theirs in known)
    if one is None or other is None:
        return None
    days = abs((read_date(one) - read_date(other)).total_seconds()) / timedelta(days=1).total_seconds()
    years = round(days / DAYS_A_YEAR)
    band = next((name for most, name in BANDS if years <= most), BEYOND)
    is_open = all(mine is not None for mine, _ in known)
    return Gap(years if is_open else None, band, LIMITS.get(band))


def _order(date: StatedDate) -> tuple[int, str]:
    return date.submitted_at, date.at
