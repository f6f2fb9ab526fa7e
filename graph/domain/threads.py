"""The people of a case in other cases, as one person may see them. Pure.

A row is a person of the case: a victim, else a group, else a face. A column is another case; one that the viewer may
not see is masked: cases of one district and contact are one column. A face that lies in both cases is no thread: the
column counts the media that both cases have.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Final, NamedTuple, Self

from graph.domain.known_victims import VictimView
from graph.domain.link import State
from graph.domain.people import Person
from graph.domain.queue import Kind, Subject, subject_of
from graph.domain.visibility import Row, may_see_case


class Strength(StrEnum):
    """By whom a face is held to show a person, weakest first: the machine, one person, a case system, two persons."""

    LEAD = "lead"
    CANDIDATE = "candidate"
    CONFIRMED = "confirmed"
    DECLARED = "declared"
    APPROVED = "approved"


_ORDER: Final = {strength: number for number, strength in enumerate(Strength)}
OF_STATE: Final = {
    State.LEAD: Strength.LEAD,
    State.CANDIDATE: Strength.CANDIDATE,
    State.UNSURE: Strength.CANDIDATE,
    State.RETURNED: Strength.CANDIDATE,
    State.CONFIRMED: Strength.CONFIRMED,
    State.APPROVED: Strength.APPROVED,
}
"""The strength of a link by its state; dismissed and withdrawn links join nothing."""


class Column(NamedTuple):
    """Another case as the viewer may know it: without `case_id`, all hidden cases of one district and contact.

    A tuple, as a large case looks up ten thousands of them.
    """

    case_id: str | None
    district: str | None
    contact: str | None

    @classmethod
    def of(cls, case: Row, *, named: bool) -> Self:
        return cls(case["case_id"] if named else None, case["district"], case["contact"])

    @property
    def order(self) -> tuple[bool, str, str, str]:
        """Sort key: by id, the hidden ones last."""
        return self.case_id is None, self.case_id or "", self.district or "", self.contact or ""


@dataclass(frozen=True, slots=True)
class Seen:
    """One face of a person in another case; `link_id` is a link of it to a face of the case at hand, if there is one.

    `shown`: the viewer may see its crop.
    """

    face_id: str
    quality: float | None
    strength: Strength
    link_id: str | None = None
    shown: bool = True

    @property
    def is_decided(self) -> bool:
        return self.strength not in (Strength.LEAD, Strength.CANDIDATE)


@dataclass(frozen=True, slots=True)
class Thread:
    """What joins a person to another case: `faces` there, the best picture of them, the strongest decision.

    `face_id` is None where the viewer may see none of the crops, `link_id` where no link joins the two cases directly.
    """

    faces: int
    face_id: str | None
    strength: Strength
    link_id: str | None

    @classmethod
    def of(cls, seen: Collection[Seen]) -> Self:
        strongest = max(seen, key=lambda face: (_ORDER[face.strength], face.link_id is not None, face.face_id))
        best = min((face for face in seen if face.shown), key=_best_picture, default=None)
        number = len({face.face_id for face in seen})
        return cls(number, best.face_id if best else None, strongest.strength, strongest.link_id)


@dataclass
class ThreadTable:
    """All threads of a case, by person and column; `add` merges what is said twice."""

    cells: defaultdict[Subject, defaultdict[Column, list[Seen]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def add(self, person: Subject, column: Column, seen: Seen) -> None:
        self.cells[person][column].append(seen)

    def threads(self, strengths: Collection[Strength]) -> dict[Subject, dict[Column, Thread]]:
        """The threads of these strengths, the people that are in the most cases first; equal ones by id."""
        found: dict[Subject, dict[Column, Thread]] = {}
        for person, cells in self.cells.items():
            threads = {column: Thread.of(seen) for column, seen in cells.items()}
            if kept := {column: thread for column, thread in threads.items() if thread.strength in strengths}:
                found[person] = kept
        return dict(sorted(found.items(), key=lambda row: (-len(row[1]), row[0].kind, row[0].id)))


def columns_of(threads: Iterable[Mapping[Column, Thread]], shared: Mapping[Column, int]) -> dict[Column, int]:
    """The other cases with the number of people that they share, most first; then those that share media only."""
    people: dict[Column, int] = dict.fromkeys(shared, 0)
    for cells in threads:
        for column in cells:
            people[column] = people.get(column, 0) + 1
    return dict(sorted(people.items(), key=lambda item: (-item[1], item[0].order)))


def people_of(faces: Iterable[Row], view: VictimView) -> dict[str, Subject]:
    """Whom the viewer takes each face of a case for: the victim that they know, else its group, else the face.

    A victim that one case system alone states is known to whoever may see the face; `view` has the others. A face of a
    victim that the viewer does not know counts alone, as nobody groups it any more.
    """
    of_face = view.victims.of_face
    return {
        face["face_id"]: subject_of(
            face["face_id"],
            face["group_id"] if face["victim_id"] is None else None,
            of_face.get(face["face_id"]) if face["by_decision"] else face["victim_id"],
        )
        for face in faces
    }


def add_seen(
    table: ThreadTable,
    found: Iterable[tuple[Subject, str, Strength, str | None]],
    elsewhere: Mapping[str, Row],
    viewer: Person,
) -> None:
    """Adds faces of other cases: whom each shows, by whom it is held to, and by which link to a face of the case.

    An approved link names the cases of its other face.
    """
    for person, other, strength, link_id in found:
        face = elsewhere[other]
        for case in face["cases"]:
            column = Column.of(case, named=strength is Strength.APPROVED or may_see_case(viewer, case))
            table.add(person, column, Seen(other, face["quality"], strength, link_id))


def add_victims(
    table: ThreadTable, view: VictimView, cases: Mapping[str, Sequence[Row]], case_id: str, viewer: Person
) -> None:
    """Adds the faces of the case's victims in other cases that no decided link joins to the case directly.

    `cases` has the cases of every face that is not erased. A face in another district is in a hidden case, unless
    approved links make it one of the faces that the viewer may know.
    """
    ends = [(link.a, link.b) for link in view.near.links.values()]
    beside_own = {face for pair in ends for face in pair if not view.own.isdisjoint(pair)}
    for name, victim in view.victims.by_id.items():
        person = Subject(Kind.VICTIM, name)
        inside = {face for face in victim.faces if any(case["case_id"] == case_id for case in cases.get(face, ()))}
        decided = {seen.face_id for column in table.cells[person].values() for seen in column if seen.is_decided}
        outside = victim.faces - inside - decided if inside else frozenset[str]()
        strength_of = _strengths(view, victim.faces, inside) if outside else {}
        for face in sorted(outside):
            is_own = face in view.own
            seen = Seen(face, view.near.faces[face].quality, strength_of[face], shown=is_own or face in beside_own)
            for case in cases.get(face, ()):
                named = may_see_case(viewer, case) or (face in view.faces and not is_own)
                table.add(person, Column.of(case, named=named), seen)


def _strengths(view: VictimView, faces: Collection[str], inside: Collection[str]) -> dict[str, Strength]:
    """How surely each face of a victim is joined to those `inside`: by the weakest link of the surest way to them."""
    near = view.near
    approved = [(link.a, link.b) for link in near.links.values() if link.state is State.APPROVED]
    of_name: defaultdict[str, list[str]] = defaultdict(list)
    for face in faces:
        for name in near.faces[face].declared:
            of_name[name].append(face)
    declared = [pair for same in of_name.values() for pair in pairwise(same)]
    by_two, firm = _reached(inside, approved), _reached(inside, [*approved, *declared])
    return {
        face: Strength.APPROVED if face in by_two else Strength.DECLARED if face in firm else Strength.CONFIRMED
        for face in faces
    }


def _reached(start: Collection[str], pairs: Iterable[tuple[str, str]]) -> set[str]:
    """The faces that a chain of pairs leads to from `start`, and these."""
    beside: defaultdict[str, set[str]] = defaultdict(set)
    for a, b in pairs:
        beside[a].add(b)
        beside[b].add(a)
    found, waiting = set(start), list(start)
    while waiting:
        new = beside[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def _best_picture(face: Seen) -> tuple[float, str]:
    return -(face.quality or 0.0), face.face_id
