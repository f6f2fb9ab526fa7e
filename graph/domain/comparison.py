"""Which faces may be compared, and which of the similar ones are proposed as links.

Pure functions: link applies them at a record of the gallery log, the tests apply them by brute force.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Self

OTHER_CASES = 10
PER_CASE = 3
OWN_CASE = 3
PER_VICTIM = 3
LISTED = 200
"""Most faces cut by the caps that are listed with a face, by smallest id; their count is complete."""
SEARCH_LIMIT = 20
"""The most people that a search of the register lists."""
TOO_POOR_BELOW = 0.5
"""Quality below which most faces are not found again, and strangers score alike: such a face is not compared, or gives
leads only."""
PER_PERSON = 3
"""Most faces of one person in that list: more would hide other similar people."""


class Scope(StrEnum):
    """How far a membership lets its media be compared."""

    REGISTER = "register"
    CASE = "case"
    NONE = "none"


HIDDEN_LABELS = frozenset({"unrelated", "suspect", "no_face"})
"""Faces with these labels are never compared nor offered for review, and no search finds them."""


@dataclass(frozen=True, slots=True)
class InScope:
    """The facts that decide which faces one face may be compared with: its media, label, and counting memberships.

    `register` is true where one counting membership has scope `register`; `cases` are the ids of the counting
    memberships whose scope is not `none`. Memberships in closed cases do not count.
    """

    media_id: str
    register: bool
    cases: frozenset[str]
    hidden: bool = False

    @classmethod
    def of(cls, media_id: str, memberships: Mapping[str, Scope], open_cases: Iterable[str], label: str | None) -> Self:
        """The scope given all `memberships` (case id to scope), of which those in `open_cases` count."""
        still_open = frozenset(open_cases)
        counting = {case: scope for case, scope in memberships.items() if case in still_open}
        return cls(
            media_id=media_id,
            register=Scope.REGISTER in counting.values(),
            cases=frozenset(case for case, scope in counting.items() if scope is not Scope.NONE),
            hidden=label in HIDDEN_LABELS,
        )


def may_compare(a: InScope, b: InScope) -> bool:
    """Whether the machine may compare two faces; symmetric."""
    if a.media_id == b.media_id or a.hidden or b.hidden:
        return False
    return (a.register and b.register) or not a.cases.isdisjoint(b.cases)


@dataclass(frozen=True, slots=True)
class Similar:
    """A stored face that a new face resembles: `case_id` is where it counts against the caps."""

    face_id: str
    score: float
    case_id: str
    own_case: bool
    victim_id: str | None = None


def similar(new: InScope, stored: InScope, face_id: str, score: float, victim_id: str | None = None) -> Similar:
    """The stored face as the caps see it; the caller has asked `may_compare`."""
    shared = new.cases & stored.cases
    return Similar(face_id, score, min(shared or stored.cases), bool(shared), victim_id)


def order(item: Similar) -> tuple[float, str]:
    """Best score first, then the smaller face id: the tie-break that every search shares."""
    return (-item.score, item.face_id)


class Caps:
    """The faces to propose for one new face, chosen of those that are offered, the best first.

    At most 10 in other cases and 3 of them in one case, besides them 3 in the own case, and never more than 3 faces of
    one victim.
    """

    def __init__(self) -> None:
        self.kept: list[Similar] = []
        self.last_other = inf
        """The score of the last kept face of another case."""
        self._own = 0
        self._cases: Counter[str] = Counter()
        self._victims: Counter[str] = Counter()

    @property
    def own_full(self) -> bool:
        return self._own >= OWN_CASE

    @property
    def others_full(self) -> bool:
        return len(self.kept) - self._own >= OTHER_CASES

    @property
    def full_cases(self) -> frozenset[str]:
        """Other cases of which no further face can be kept."""
        return frozenset(case_id for case_id, number in self._cases.items() if number >= PER_CASE)

    @property
    def full_victims(self) -> frozenset[str]:
        """Victims of whom no further face can be kept."""
        return frozenset(victim_id for victim_id, number in self._victims.items() if number >= PER_VICTIM)

    def offer(self, item: Similar) -> None:
        """Keeps the face if there is room. Offer the best first, in `order`."""
        if item.victim_id is not None and self._victims[item.victim_id] >= PER_VICTIM:
            return
        if item.own_case:
            if self.own_full:
                return
            self._own += 1
        else:
            if self.others_full or self._cases[item.case_id] >= PER_CASE:
                return
            self._cases[item.case_id] += 1
            self.last_other = item.score
        if item.victim_id is not None:
            self._victims[item.victim_id] += 1
        self.kept.append(item)


def within_caps(found: Iterable[Similar]) -> list[Similar]:
    """The faces to propose for one new face, best first: see `Caps`."""
    caps = Caps()
    for item in sorted(found, key=order):
        caps.offer(item)
    return caps.kept


def cut_by_caps(found: Iterable[Similar], kept: Sequence[Similar], threshold: float) -> list[str]:
    """The ids, in order, of faces of other cases that the caps cut although they are as similar as what is proposed.

    They score no less than the last proposed face of another case, or would be candidates. Left out are faces of a
    victim that is proposed, who stands for them.
    """
    kept_faces, victims = {item.face_id for item in kept}, {item.victim_id for item in kept} - {None}
    last = min((item.score for item in kept if not item.own_case), default=inf)
    return sorted(
        item.face_id
        for item in found
        if not item.own_case
        and item.face_id not in kept_faces
        and item.victim_id not in victims
        and item.score >= min(last, threshold)
    )


def people_within(found: Iterable[Similar], limit: int, person_of: Callable[[str], Hashable]) -> list[Similar]:
    """The faces of the best `limit` people among those found, best first, PER_PERSON of each at the most.

    `person_of` says of a face id which faces count as one person.
    """
    faces: Counter[Hashable] = Counter()
    kept: list[Similar] = []
    for item in sorted(found, key=order):
        person = person_of(item.face_id)
        if faces[person] < PER_PERSON and (faces[person] or len(faces) < limit):
            faces[person] += 1
            kept.append(item)
    return kept


def may_find(found: InScope, memberships: Mapping[str, Scope], asking_case: str, within: str) -> bool:
    """Whether a person's search may return a face.

    `within` is `register` or `case:<id>`. In the register: faces with a counting `register` membership, and the
    asking case's own. In one case: every face of that case whose scope is not `none`, and never another.
    `memberships` are all of the face's memberships, those in closed cases too.
    """
    if found.hidden:
        return False
    if within == "register":
        return found.register or asking_case in found.cases
    return memberships.get(within.removeprefix("case:"), Scope.NONE) is not Scope.NONE
