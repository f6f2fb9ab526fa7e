"""Daily roots: the head of the audit chain at the end of a day, stored outside the graph.

Whoever can write to the graph can recompute the whole chain; a root stored elsewhere detects that.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Final

from graph.domain.audit import canonical
from graph.domain.errors import Invalid

FORMAT: Final = "redthread-audit-root/1"
GRACE: Final = timedelta(minutes=5)
"""How long after midnight a day's root is drawn: an entry keeps the time of its act, which is a little earlier than
the moment of its commit. What comes later still stands behind the root, in the next day's part of the chain."""


@dataclass(frozen=True, slots=True)
class Root:
    """The chain's head at the end of a UTC day, and how many entries there are since the root before."""

    date: str
    seq: int
    hash: str
    count: int

    @property
    def body(self) -> dict[str, object]:
        return {"format": FORMAT, **asdict(self)}

    @property
    def line(self) -> bytes:
        """The file of this root."""
        return canonical(self.body) + b"\n"


def read_root(line: bytes) -> Root:
    """The root in a file; Invalid where it is none, or anything else stands with it."""
    try:
        fields = json.loads(line)
        fields.pop("format")
        root = Root(**fields)
        date.fromisoformat(root.date)
        whole = root.line == line and type(root.seq) is int and type(root.count) is int
    except (ValueError, TypeError, AttributeError, KeyError):
        raise Invalid("this is no root of the audit") from None
    if not whole:
        raise Invalid("this is no root of the audit as it was written")
    return root


def last_finished_day(now: datetime) -> date:
    """The last UTC day that is over, and whose entries have had time to be written."""
    return (now.astimezone(UTC) - GRACE).date() - timedelta(days=1)


def contradiction(roots: Iterable[Root]) -> str | None:
    """Which two roots can't be of one chain, or None."""
    ordered = sorted(roots, key=lambda root: root.date)
    for earlier, later in pairwise(ordered):
        next_day = date.fromisoformat(later.date) - date.fromisoformat(earlier.date) == timedelta(days=1)
        same = earlier.seq == later.seq and earlier.hash != later.hash
        if later.date == earlier.date or later.seq < earlier.seq or same:
            return f"the roots of {earlier.date} and {later.date} contradict each other: entry {later.seq}"
        if next_day and later.seq - earlier.seq != later.count:
            return (
                f"the root of {later.date} says {later.count} entries, the roots around them {later.seq - earlier.seq}"
            )
    return None


def missing_days(roots: Iterable[Root]) -> list[str]:
    """The days between the first and the last root that have none."""
    known = sorted(date.fromisoformat(root.date) for root in roots)
    if not known:
        return []
    days = range((known[-1] - known[0]).days)
    return [str(day) for n in days if (day := known[0] + timedelta(days=n)) not in set(known)]
