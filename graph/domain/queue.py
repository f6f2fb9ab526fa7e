"""The review queue: items of two subjects and all open links between them. Pure.

A face is reviewed as its subject: its victim, else its group, else itself. A link inside one victim is settled. Items
are ordered by urgency, and within one urgency by link id from a random start, once around the ring of ids: a link id is
a digest, so neither start nor order discloses a score.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, Self

from graph.domain.comparison import HIDDEN_LABELS
from graph.domain.errors import Invalid

LEASE: Final = timedelta(minutes=15)
"""Duration of a claim: longer than a contact sheet takes, short enough to expire within the same shift."""
SKIPPED_FOR: Final = timedelta(hours=4)
"""Time for which a skipped item is not offered to the person who skipped it: about half a shift."""
CLAIMS_MAX: Final = 20
"""Open claims of one person; more would keep items from others."""
LINKS_MAX: Final = 100
"""Links of one item that are shown and claimed at once; the others come back as the next item."""
URGENCIES: Final = ("routine", "urgent", "danger_now")
"""The name of each number in a link's `urgency`."""
_LAST: Final = "g"
"""Sorts after every link id: they are hexadecimal."""
_POSITION = re.compile(r"([0-9a-f]{64})\.([0-2])\.([0-9a-f]{64})")


class Kind(StrEnum):
    FACE = "face"
    GROUP = "group"
    VICTIM = "victim"


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """What a face is reviewed as: its victim, else its group, else itself."""

    kind: Kind
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


def subject_of(face_id: str, group_id: str | None, victim_id: str | None) -> Subject:
    """The subject of a face: the victim that it depicts, else its group, else the face."""
    if victim_id is not None:
        return Subject(Kind.VICTIM, victim_id)
    return Subject(Kind.GROUP, group_id) if group_id is not None else Subject(Kind.FACE, face_id)


def item_id(a: Subject, b: Subject) -> str:
    """The id of the item of two subjects, in either order."""
    return "|".join(sorted((str(a), str(b))))


def is_settled(a: Subject, b: Subject) -> bool:
    """Whether both subjects are one victim already: there is nothing to review."""
    return a == b and a.kind is Kind.VICTIM


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint of a link; `cases` are (case id, district), `group_case` is the case of its group.

    `subject` defines the item, for every viewer. `visible_subject` is what the viewer is shown, None in another
    district; `identified`: the viewer knows the victim's identity.
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

    def visible_in(self, district: str | None, victim_id: str | None, *, identified: bool) -> Self:
        """The endpoint as people of `district` see it; `victim_id` is the name by which they know its victim.

        A group belongs to one case and is visible in that case's district only; elsewhere its face counts alone.
        """
        if not self.is_in(district):
            return self
        if victim_id is not None:
            return replace(self, visible_subject=Subject(Kind.VICTIM, victim_id), identified=identified)
        if self.subject.kind is Kind.GROUP and (self.group_case, district) in self.cases:
            return replace(self, visible_subject=self.subject)
        return replace(self, visible_subject=Subject(Kind.FACE, self.face_id))


def endpoint_of(side: Mapping[str, Any]) -> Endpoint:
    """An endpoint of a row of `queries.queue.WAITING_LINKS`; a confirmed victim precedes declared ones."""
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
    """Which items a person wants to review; times in milliseconds since 1970, UTC."""

    case_id: str | None = None
    district: str | None = None
    victim_id: str | None = None
    submitted_before: int | None = None
    submitted_after: int | None = None
    leads: bool = False
    identified: bool = False

    def allows(self, a: Endpoint, b: Endpoint, own_district: str | None) -> bool:
        """Whether the link between two endpoints belongs into the queue of a person of `own_district`.

        A link is as old as the later of its two pictures. Filters by case and victim apply to endpoints in the person's
        own district only: otherwise they would disclose what is masked elsewhere.
        """
        sides = (a, b)
        mine = [side for side in sides if side.is_in(own_district)]
        if not mine or is_settled(a.subject, b.subject):
            return False
        if any(
            side.erased or side.label in HIDDEN_LABELS or (side.identified and not self.identified) for side in sides
        ):
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
    """The position of a link on the walk that began at link id `start`."""

    start: str
    urgency: int
    link_id: str

    def __str__(self) -> str:
        return f"{self.start}.{self.urgency}.{self.link_id}"

    @property
    def order(self) -> tuple[int, bool, str]:
        """Sort key in the order of the walk."""
        return (-self.urgency, self.link_id <= self.start, self.link_id)


def read_position(text: str) -> Position:
    """Parses what `str` of a position wrote; Invalid for any other text."""
    found = _POSITION.fullmatch(text)
    if found is None:
        raise Invalid("after: give `next` of the page before")
    return Position(found[1], int(found[2]), found[3])


def walk(start: str, urgencies: Collection[int] = range(len(URGENCIES))) -> list[Segment]:
    """The segments of a whole walk: the most urgent first, each urgency once around from `start`."""
    levels = sorted(urgencies, reverse=True)
    return [stretch for level in levels for stretch in (Segment(level, start, _LAST), Segment(level, "", start))]


def remaining(stretches: Sequence[Segment], done: Position) -> list[Segment]:
    """The segments of a walk after the position `done`."""
    for number, part in enumerate(stretches):
        if part.urgency == done.urgency and part.after < done.link_id <= part.until:
            return [Segment(part.urgency, done.link_id, part.until), *stretches[number + 1 :]]
    return []
