"""What waits for a person, as items: two units and all open links between them. Pure.

A unit is whom a face stands for: its victim, else its group, else the face itself. A link inside one victim is
settled. Items come by urgency, and within one urgency from a random place of a ring of link ids on: a link id is a
digest, so that neither place nor order tells a score.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from graph.domain.errors import Invalid

LEASE: Final = timedelta(minutes=15)
"""How long an item is one person's: longer than a contact sheet takes, short enough to come back the same shift."""
SKIPPED_FOR: Final = timedelta(hours=4)
"""How long a skipped item stays away from who skipped it: about half a shift."""
CLAIMS_MAX: Final = 20
"""Open claims of one person: who takes more keeps them from others."""
LINKS_MAX: Final = 100
"""Links of one item that are shown and claimed at once; what is left comes back as the next item."""
URGENCIES: Final = ("routine", "urgent", "danger_now")
"""The name of each number in a link's `urgency`."""
NEVER_SHOWN: Final = frozenset({"unrelated", "suspect"})
"""Labels of faces that nobody is asked to compare."""
_LAST: Final = "g"
"""Behind every link id: they are hexadecimal."""
_POSITION = re.compile(r"([0-9a-f]{64})\.([0-2])\.([0-9a-f]{64})")


class Kind(StrEnum):
    FACE = "face"
    GROUP = "group"
    VICTIM = "victim"


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """Whom a face stands for."""

    kind: Kind
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


def subject_of(face_id: str, group_id: str | None, victim_id: str | None) -> Subject:
    """The victim that the face depicts, else its group, else the face."""
    if victim_id is not None:
        return Subject(Kind.VICTIM, victim_id)
    return Subject(Kind.GROUP, group_id) if group_id is not None else Subject(Kind.FACE, face_id)


def item_id(a: Subject, b: Subject) -> str:
    """The name of the item between two units, whichever comes first."""
    return "|".join(sorted((str(a), str(b))))


def is_settled(a: Subject, b: Subject) -> bool:
    """Whether both faces are one victim already: nothing is left to ask."""
    return a == b and a.kind is Kind.VICTIM


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One side of a link as the filters see it; `cases` are (case id, district), `group_case` that of a group.

    `unit` is what items are made of, whoever looks. `shown` is what the person is told, and None of a face of another
    district; `identified` whether they know who that is.
    """

    face_id: str
    subject: Subject
    label: str | None
    erased: bool
    cases: tuple[tuple[str, str], ...]
    submitted_at: int
    group_case: str | None = None
    visible_subject: Subject | None = None
    identified: bool = False

    def is_in(self, district: str | None) -> bool:
        return any(where == district for _, where in self.cases)

    def visible_in(self, district: str | None, victim_id: str | None, *, identified: bool) -> Endpoint:
        """The same as told there: a group is of one case and that of one district, a victim goes by its known name.

        A face that is in a group of another district alone is told as a face.
        """
        if not self.is_in(district):
            return self
        if victim_id is not None:
            return replace(self, visible_subject=Subject(Kind.VICTIM, victim_id), identified=identified)
        if self.subject.kind is Kind.GROUP and (self.group_case, district) in self.cases:
            return replace(self, visible_subject=self.subject)
        return replace(self, visible_subject=Subject(Kind.FACE, self.face_id))


def endpoint_of(side: Mapping[str, Any]) -> Endpoint:
    """One side of a row of `links_of`: the victim that confirmations give stands before those that are declared."""
    victims = sorted((basis != "confirmed", victim_id) for basis, victim_id in side["victims"])
    victim_id = victims[0][1] if victims else None
    groups: list[list[str]] = side["groups"]
    group_id, group_case = min(groups, default=(None, None))
    return Endpoint(
        face_id=side["face_id"],
        subject=subject_of(side["face_id"], group_id, victim_id),
        label=side["label"],
        erased=bool(side["stub"]),
        cases=tuple(sorted({(case_id, district) for case_id, district in side["cases"]})),
        submitted_at=next(iter(side["submitted"]), None) or 0,
        group_case=group_case,
    )


@dataclass(frozen=True, slots=True)
class Filters:
    """What a person wants to work on; times are milliseconds since 1970, UTC."""

    case_id: str | None = None
    district: str | None = None
    victim_id: str | None = None
    submitted_before: int | None = None
    submitted_after: int | None = None
    leads: bool = False
    identified: bool = False

    def allows(self, a: Endpoint, b: Endpoint, own_district: str | None) -> bool:
        """Whether the link between the two sides belongs into this person's queue.

        A link is as old as the later of its two pictures. A case or victim counts only on a side in the person's own
        district: else the filter would tell what the other side's mask hides.
        """
        sides = (a, b)
        mine = [side for side in sides if side.is_in(own_district)]
        if not mine or is_settled(a.subject, b.subject):
            return False
        if any(side.erased or side.label in NEVER_SHOWN or (side.identified and not self.identified) for side in sides):
            return False
        if self.case_id is not None and not any((self.case_id, own_district) in side.cases for side in mine):
            return False
        if self.victim_id is not None and Subject(Kind.VICTIM, self.victim_id) not in {
            side.visible_subject for side in mine
        }:
            return False
        if self.district not in (None, own_district) and not any(side.is_in(self.district) for side in sides):
            return False
        submitted = max(a.submitted_at, b.submitted_at)
        early_enough = self.submitted_before is None or submitted < self.submitted_before
        return early_enough and (self.submitted_after is None or submitted > self.submitted_after)


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the ring of one urgency: link ids behind `after`, up to and with `until`."""

    urgency: int
    after: str
    until: str


@dataclass(frozen=True, slots=True)
class Position:
    """A link on the walk that began at link id `start`; the walk goes on behind it."""

    start: str
    urgency: int
    link_id: str

    def __str__(self) -> str:
        return f"{self.start}.{self.urgency}.{self.link_id}"

    @property
    def order(self) -> tuple[int, bool, str]:
        """Sorts the links of one walk as the walk meets them."""
        return (-self.urgency, self.link_id <= self.start, self.link_id)


def read_position(text: str) -> Position:
    """The position that `str` wrote; Invalid for any other text."""
    found = _POSITION.fullmatch(text)
    if found is None:
        raise Invalid("after: give `next` of the page before")
    return Position(found[1], int(found[2]), found[3])


def walk(start: str, urgencies: Collection[int] = range(len(URGENCIES))) -> list[Segment]:
    """All links, the most urgent first, each urgency once around from `start`."""
    levels = sorted(urgencies, reverse=True)
    return [stretch for level in levels for stretch in (Segment(level, start, _LAST), Segment(level, "", start))]


def remaining(stretches: Sequence[Segment], done: Position) -> list[Segment]:
    """What is left of a walk behind the position `done`."""
    for number, part in enumerate(stretches):
        if part.urgency == done.urgency and part.after < done.link_id <= part.until:
            return [Segment(part.urgency, done.link_id, part.until), *stretches[number + 1 :]]
    return []
