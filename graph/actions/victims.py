"""Updates what is derived from people's decisions, in the transaction that decides.

`load` reads everything connected with some faces. `settle` writes what a decision changes there: the victim of each
face, the confirmed links that wait for approval, and the identifications that lapse.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, Self

from graph.domain import victim
from graph.domain.identification import Identification, Identities, identities
from graph.domain.known_victims import VictimView, victim_view
from graph.domain.link import JOINS, State
from graph.domain.people import Permission, Person, may
from graph.domain.victim import Contradiction, FaceFacts, LinkFacts, Neighbourhood, Victims
from graph.store.log import Outgoing
from graph.store.queries import victims as queries
from graph.store.session import Row, Tx


@dataclass(frozen=True, slots=True)
class CaseOfFace:
    """A case that a face lies in, or that the stub of an erased face was in."""

    case_id: str
    source: str | None
    district: str
    contact: str | None


@dataclass(frozen=True)
class Surroundings:
    """Everything connected with some faces by declarations, confirmations and approvals, as the graph holds it.

    `assigned` is the victim that the graph has for a face, `pending` are the links that wait for approval before they
    join. Victims, views and identities are computed once for each object.
    """

    near: Neighbourhood
    assigned: Mapping[str, str]
    pending: frozenset[str]
    cases: Mapping[str, tuple[CaseOfFace, ...]]
    identifications: tuple[Identification, ...]
    _views: dict[frozenset[str], VictimView] = field(
        default_factory=dict[frozenset[str], VictimView], init=False, repr=False, compare=False
    )

    @cached_property
    def victims(self) -> Victims:
        """All victims of these faces."""
        return victim.victims(self.near)

    @cached_property
    def identities(self) -> Identities:
        """Who these victims are."""
        return identities(self.identifications, self.victims, self.near.faces)

    @cached_property
    def contradictions(self) -> set[Contradiction]:
        """The pairs of faces in one victim that cannot be one person."""
        return victim.contradictions(self.near, self.victims)

    @property
    def sources(self) -> list[str]:
        """The case systems that these faces concern."""
        return sorted({case.source for cases in self.cases.values() for case in cases if case.source})

    def districts(self, faces: Iterable[str]) -> list[str]:
        """The districts that these faces lie in."""
        return sorted({case.district for face in faces for case in self.cases.get(face, ())})

    def view_of(self, viewer: Person) -> VictimView:
        """What the person may know."""
        return self._view(face for face in self.near.faces if may(viewer, Permission.SEE, self.districts([face])))

    def view_of_source(self, source: str) -> VictimView:
        """What a case system may know, from its own cases."""
        return self._view(face for face, cases in self.cases.items() if any(case.source == source for case in cases))

    def view_of_district(self, district: str) -> VictimView:
        """What people of a district may know."""
        return self._view(face for face, cases in self.cases.items() if any(c.district == district for c in cases))

    def _view(self, own: Iterable[str]) -> VictimView:
        faces = frozenset(own)
        if faces not in self._views:
            self._views[faces] = victim_view(self.near, faces)
        return self._views[faces]

    def changed(self, links: Iterable[LinkFacts]) -> Self:
        """The same after these links have changed."""
        return replace(self, near=self.near.changed(links))

    def joined(self, other: Self) -> Self:
        """Both together; each contains whole connected components."""
        by_id = {item.identification_id: item for item in (*self.identifications, *other.identifications)}
        return replace(
            self,
            near=Neighbourhood({**self.near.faces, **other.near.faces}, {**self.near.links, **other.near.links}),
            assigned={**self.assigned, **other.assigned},
            pending=self.pending | other.pending,
            cases={**self.cases, **other.cases},
            identifications=tuple(by_id.values()),
        )


NOTHING: Final = Surroundings(Neighbourhood({}, {}), {}, frozenset(), {}, ())


@dataclass(frozen=True, slots=True)
class Effects:
    """What a decision changes: the new victim of each moved face (None: no victim), and lapsed identifications."""

    moved: Mapping[str, str | None]
    to_approve_again: tuple[Identification, ...] = ()


async def load(tx: Tx, faces: Iterable[str]) -> Surroundings:
    """Everything that declarations, confirmations and approvals connect with these faces."""
    frontier, known = set(faces), set[str]()
    rows: dict[str, Row] = {}
    links: dict[str, Row] = {}
    identified: list[Identification] = []
    while frontier:
        step = await tx.one(queries.AROUND, faces=sorted(frontier), known=sorted(known)) or {}
        rows |= {row["face_id"]: row for row in step["faces"]}
        links |= {row["link_id"]: row for row in step["links"]}
        found = {face for row in step["links"] if State(row["state"]) in JOINS for face in (row["a"], row["b"])}
        for row in step["victims"]:
            known.add(row["victim_id"])
            found |= set(row["faces"])
            identified += [_identification(item, row["victim_id"]) for item in row["identifications"]]
        frontier = found - rows.keys()
    inside = [row for row in links.values() if row["a"] in rows and row["b"] in rows]
    return Surroundings(
        near=Neighbourhood(
            {face: _face(row) for face, row in rows.items()}, {row["link_id"]: _link(row) for row in inside}
        ),
        assigned={face: row["victim_id"] for face, row in rows.items() if row["victim_id"] is not None},
        pending=frozenset(row["link_id"] for row in inside if row["pending"]),
        cases={face: tuple(CaseOfFace(**case) for case in row["cases"]) for face, row in rows.items()},
        identifications=tuple(identified),
    )


def effects(after: Surroundings) -> Effects:
    """What the graph has to change so that it holds the victims of `after`."""
    derived = {face: v.victim_id for v in after.victims.by_id.values() if v.is_formed for face in v.faces}
    moved = {face: derived.get(face) for face in after.near.faces if derived.get(face) != after.assigned.get(face)}
    return Effects(moved, tuple(after.identities.lapsed))


def moved_faces(changed: Effects) -> list[Outgoing]:
    """The record by which link learns the new victim of each moved face; none if no face moved."""
    if not changed.moved:
        return []
    return [Outgoing("victims", min(changed.moved), {"faces": dict(changed.moved)})]


async def settle(tx: Tx, after: Surroundings, changed: Effects, *, at: str) -> None:
    """Writes the effects of a decision. The caller holds the audit head and has written the decision itself."""
    same = renamed(after.assigned, changed.moved)
    rows = [
        {"face_id": face, "victim_id": name, "from_link": _first_link(after.victims, name), "renamed": face in same}
        for face, name in sorted(changed.moved.items())
    ]
    await tx.do_rows(queries.MOVE_FACES, rows, at=at)
    pending = after.victims.pending
    flags = [{"link_id": link_id, "pending": True} for link_id in pending - after.pending]
    flags += [{"link_id": link_id, "pending": False} for link_id in after.pending - pending]
    await tx.do_rows(queries.SET_PENDING, flags)
    await _settle_identities(tx, after)
    await _name_in_districts(tx, after)


async def _settle_identities(tx: Tx, after: Surroundings) -> None:
    if not after.identifications:
        return
    now = after.identities.now
    rows = [
        {"identification_id": item.identification_id, "state": item.state, "victim_id": item.victim_id} for item in now
    ]
    await tx.do(queries.MOVE_IDENTIFICATIONS, rows=rows)
    named = {*after.victims.by_id, *(item.victim_id for item in (*after.identifications, *now))}
    people = [{"victim_id": name, "identity": after.identities.person_of.get(name)} for name in sorted(named)]
    await tx.do(queries.SET_IDENTITIES, rows=people)


async def _name_in_districts(tx: Tx, after: Surroundings) -> None:
    """Stores the names that victims of several districts have in each of them.

    A district may know a part of a victim only. That part is named by its oldest link.
    """
    districts = after.districts(after.cases)
    names: dict[str, str] = {}
    for district in districts if len(districts) > 1 else ():
        by_id = after.view_of_district(district).victims.by_id
        names |= {name: one.links[0] for name, one in by_id.items() if not one.registered}
    rows = [{"victim_id": name, "link_id": link_id} for name, link_id in sorted(names.items())]
    await tx.do_rows(queries.NAME_VICTIMS, rows)


def renamed(assigned: Mapping[str, str], moved: Mapping[str, str | None]) -> set[str]:
    """The moved faces that stay with the same faces as before and only get another victim id: they joined nobody.

    A victim continues the faces that it already has, else the largest part that moves into it.
    """
    has_faces = {name for face, name in assigned.items() if face not in moved}
    parts: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for face, name in moved.items():
        if name is not None and name not in has_faces and face in assigned:
            parts[name][assigned[face]].add(face)
    return {
        face for origins in parts.values() for face in max(origins.items(), key=lambda part: (len(part[1]), part[0]))[1]
    }


async def recompute(tx: Tx, faces: Iterable[str], *, at: str) -> Effects:
    """Writes the victims around these faces after a change that is no decision: a declaration, an erasure."""
    after = await load(tx, faces)
    changed = effects(after)
    await settle(tx, after, changed, at=at)
    return changed


def _first_link(found: Victims, name: str | None) -> str | None:
    if name is None or found.by_id[name].registered:
        return None
    return found.by_id[name].links[0]


def _face(row: Row) -> FaceFacts:
    media: Row = row["media"] or {"media_id": None, "repeated_person": None}
    return FaceFacts(
        face_id=row["face_id"],
        media_id=media["media_id"],
        declared=frozenset(row["declared"]),
        start_ms=row["start_ms"],
        end_ms=row["end_ms"],
        quality=row["quality"],
        repeated_person=media["repeated_person"] is not None,
    )


def _link(row: Row) -> LinkFacts:
    return LinkFacts(row["link_id"], row["a"], row["b"], State(row["state"]), row["confirmed_at"] or "")


def _identification(item: Row, victim_id: str) -> Identification:
    row: Row = {**item, "victim_id": victim_id, "face_ids": tuple(item["face_ids"])}
    return Identification(**row)
