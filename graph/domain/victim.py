"""Victims: the faces of one person by declarations of case systems and decisions of people. Always computed from these.

A victim is a connected component: first over declared faces and approved links, then over confirmed links in the order
of their confirmation. A confirmed link stays pending if it would join two components that case systems registered as
different victims.
"""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Self

from graph.domain.ids import digest
from graph.domain.link import JOINS, State
from graph.domain.visibility import poorest_first


@dataclass(frozen=True, slots=True)
class FaceFacts:
    """The facts about a face that victims depend on; an erased one has no media. Times in ms, None in a picture.

    `repeated_person`: a person stated that its picture shows the same person more than once (collage, mirror).
    """

    face_id: str
    media_id: str | None
    declared: frozenset[str] = frozenset()
    start_ms: int | None = None
    end_ms: int | None = None
    quality: float | None = None
    repeated_person: bool = False

    def in_one_frame_with(self, other: Self) -> bool:
        """Whether both faces are visible at one moment, so that they are two people."""
        if self.media_id is None or self.media_id != other.media_id or self.repeated_person:
            return False
        if None in (self.start_ms, self.end_ms, other.start_ms, other.end_ms):
            return True
        return max(self.start_ms or 0, other.start_ms or 0) <= min(self.end_ms or 0, other.end_ms or 0)


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """A decided link; `confirmed_at` is the time of its standing confirmation."""

    link_id: str
    a: str
    b: str
    state: State
    confirmed_at: str = ""

    @property
    def order(self) -> tuple[str, str]:
        return (self.confirmed_at, self.link_id)

    def hardness(self, faces: Mapping[str, FaceFacts]) -> tuple[float, str]:
        """Sort key by difficulty, without the scores: see `visibility.poorest_first`."""
        ends = [faces[face].quality if face in faces else None for face in (self.a, self.b)]
        return poorest_first(ends[0], ends[1], self.link_id)


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Faces and links, closed under declarations and joining links: no other face belongs to a victim of these."""

    faces: Mapping[str, FaceFacts]
    links: Mapping[str, LinkFacts]

    def changed(self, links: Iterable[LinkFacts]) -> Self:
        """The neighbourhood with these links added or replaced."""
        return replace(self, links={**self.links, **{link.link_id: link for link in links}})


@dataclass(frozen=True, slots=True)
class Victim:
    """One person: `registered` are ids that case systems gave, `links` join its faces, oldest first."""

    victim_id: str
    faces: frozenset[str]
    registered: frozenset[str] = frozenset()
    links: tuple[str, ...] = ()

    @property
    def is_formed(self) -> bool:
        """Whether links join its faces, beyond the declarations of case systems."""
        return bool(self.links)


@dataclass(frozen=True, slots=True)
class Victims:
    """All victims of a neighbourhood, and the confirmed links that join nothing until they are approved."""

    by_id: Mapping[str, Victim] = field(default_factory=dict[str, Victim])
    pending: frozenset[str] = frozenset()

    @property
    def of_face(self) -> dict[str, str]:
        return {face: victim.victim_id for victim in self.by_id.values() for face in victim.faces}


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two faces in one victim that cannot be one person, and the links that join them.

    `kind` is `one_frame` or `dismissed`; `path` are the links between them, `weakest` the hardest of them to judge.
    """

    kind: str
    a: str
    b: str
    path: tuple[str, ...] = field(compare=False, default=())
    weakest: str | None = field(compare=False, default=None)


def formed_id(link_id: str) -> str:
    """The id of a victim whose oldest standing confirmation is on this link."""
    return f"v-{digest('victim', link_id)[:32]}"


def victims(near: Neighbourhood) -> Victims:
    """The victims of a neighbourhood; equal to those computed from the whole graph."""
    forest = _Forest()
    for face in near.faces.values():
        for name in face.declared:
            forest.join(face.face_id, ("victim", name))
            forest.registered[forest.root(face.face_id)].add(name)
    links = sorted((link for link in near.links.values() if link.state in JOINS), key=lambda link: link.order)
    pending: set[str] = set()
    for link in links:
        if link.state is State.APPROVED:
            forest.join(link.a, link.b)
    for link in links:
        if link.state is State.CONFIRMED and not forest.join_if_allowed(link.a, link.b):
            pending.add(link.link_id)
    members: defaultdict[object, set[str]] = defaultdict(set)
    joined: defaultdict[object, list[str]] = defaultdict(list)
    for link in links:
        if link.link_id not in pending:
            joined[forest.root(link.a)].append(link.link_id)
            members[forest.root(link.a)] |= {link.a, link.b}
    for face in near.faces.values():
        if face.declared:
            members[forest.root(face.face_id)].add(face.face_id)
    found: dict[str, Victim] = {}
    for root, faces in members.items():
        registered = frozenset(forest.registered[root])
        name = min(registered) if registered else formed_id(joined[root][0])
        found[name] = Victim(name, frozenset(faces), registered, tuple(joined[root]))
    return Victims(found, frozenset(pending))


class _Forest:
    """Disjoint sets of faces and registered ids."""

    def __init__(self) -> None:
        self._parent: dict[object, object] = {}
        self.registered: defaultdict[object, set[str]] = defaultdict(set)

    def root(self, item: object) -> object:
        path: list[object] = []
        while (parent := self._parent.get(item, item)) != item:
            path.append(item)
            item = parent
        for passed in path:
            self._parent[passed] = item
        return item

    def join(self, a: object, b: object) -> None:
        one, other = self.root(a), self.root(b)
        if one != other:
            self._parent[other] = one
            self.registered[one] |= self.registered.pop(other, set())

    def join_if_allowed(self, a: object, b: object) -> bool:
        """Joins the two sets and returns True, unless both are registered, as different victims."""
        one, other = self.root(a), self.root(b)
        if one != other and self.registered[one] and self.registered[other]:
            return False
        self.join(a, b)
        return True


def contradictions(near: Neighbourhood, found: Victims) -> set[Contradiction]:
    """Every pair of faces in one victim that is visible in one frame or whose link people dismissed."""
    wrong = {
        Contradiction("one_frame", a, b) for victim in found.by_id.values() for a, b in _in_one_frame(near, victim)
    }
    of_face = found.of_face
    for link in near.links.values():
        if link.state is State.DISMISSED and link.a in of_face and of_face[link.a] == of_face.get(link.b):
            wrong.add(Contradiction("dismissed", link.a, link.b))
    return wrong


def _in_one_frame(near: Neighbourhood, victim: Victim) -> Iterator[tuple[str, str]]:
    by_media: defaultdict[str, list[FaceFacts]] = defaultdict(list)
    for face_id in sorted(victim.faces):
        face = near.faces[face_id]
        if face.media_id is not None:
            by_media[face.media_id].append(face)
    for together in by_media.values():
        for a, b in combinations(together, 2):
            if a.in_one_frame_with(b):
                yield a.face_id, b.face_id


def explained(wrong: Contradiction, near: Neighbourhood, found: Victims) -> Contradiction:
    """The contradiction with the shortest chain of links between its faces, and the hardest link of it."""
    edges: defaultdict[object, list[tuple[object, str | None]]] = defaultdict(list)
    for link in near.links.values():
        if link.state in JOINS and link.link_id not in found.pending:
            edges[link.a].append((link.b, link.link_id))
            edges[link.b].append((link.a, link.link_id))
    for face in near.faces.values():
        for name in face.declared:
            edges[face.face_id].append((("victim", name), None))
            edges[("victim", name)].append((face.face_id, None))
    path = _shortest(edges, wrong.a, wrong.b)
    weakest = min(path, key=lambda link_id: near.links[link_id].hardness(near.faces), default=None)
    return replace(wrong, path=path, weakest=weakest)


def _shortest(edges: Mapping[object, Collection[tuple[object, str | None]]], start: str, end: str) -> tuple[str, ...]:
    came: dict[object, tuple[object, str | None]] = {start: (start, None)}
    waiting = deque[object]([start])
    while waiting and end not in came:
        here = waiting.popleft()
        for there, link_id in edges.get(here, ()):
            if there not in came:
                came[there] = (here, link_id)
                waiting.append(there)
    path: list[str] = []
    item: object = end
    while item in came and item != start:
        item, link_id = came[item]
        if link_id is not None:
            path.append(link_id)
    return tuple(reversed(path))
