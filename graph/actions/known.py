"""Finds the victims as a person may know them: by face, and by the name under which they know one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from graph.actions import victims
from graph.actions.victims import Around
from graph.domain.errors import NotFound
from graph.domain.known_victims import VictimView
from graph.domain.people import Permission, Person, may
from graph.domain.victim import Victim
from graph.store.queries import victims as queries
from graph.store.session import Row, Tx


@dataclass(frozen=True, slots=True)
class KnownAs:
    """Under which name a person knows the victim of a face, and whether they know who that is."""

    victim_id: str
    identified: bool


class KnownVictims:
    """The victims that one person meets in one transaction, as they may know them; each is read once."""

    def __init__(self, tx: Tx, viewer: Person) -> None:
        self._tx = tx
        self.viewer = viewer
        self._rows: dict[str, Row] = {}
        self._around = victims.NOTHING
        self._known = self._around.known_to(viewer)

    async def around(self, faces: Collection[str]) -> VictimView:
        """What the viewer may know of the victims that these faces are in, and of those met before."""
        if new := set(faces) - self._around.near.faces.keys():
            self._around = self._around.joined(await victims.load(self._tx, new))
            self._known = self._around.known_to(self.viewer)
        return self._known

    async def names(self, faces: Mapping[str, str]) -> dict[str, KnownAs]:
        """By which names the viewer knows the victims of faces, given with these victims; unknown ones are absent.

        A victim all of whose faces lie in the viewer's district is known by its own name: only of others is anything
        computed.
        """
        if new := sorted(set(faces.values()) - self._rows.keys()):
            rows = await self._tx.listed(queries.DISTRICTS_OF_VICTIMS, victims=new)
            self._rows |= {row["victim_id"]: row for row in rows}
        found: dict[str, KnownAs] = {}
        shared: list[str] = []
        for face, victim_id in faces.items():
            row = self._rows.get(victim_id)
            if row is None or not may(self.viewer, Permission.SEE, row["districts"]):
                continue
            if all(may(self.viewer, Permission.SEE, [district]) for district in row["districts"]):
                found[face] = KnownAs(victim_id, row["identified"])
            else:
                shared.append(face)
        seen = await self.around(shared) if shared else self._known
        of_face = seen.victims.of_face
        for face in shared:
            if face in seen.faces and face in of_face:
                identity = seen.identity(of_face[face], self._around.identified)
                found[face] = KnownAs(of_face[face], identity is not None)
        return found


@dataclass(frozen=True, slots=True)
class Found:
    """What a person knows around a victim; `victim` is None where nothing they know has this name any more."""

    around: Around
    seen: VictimView
    victim: Victim | None
    named: frozenset[str]
    """The faces that the name stands or stood for."""

    @property
    def faces(self) -> frozenset[str]:
        """The victim's faces that the person may see."""
        return self.victim.faces & self.seen.faces if self.victim else frozenset()


async def find_victim(tx: Tx, victim_id: str, viewer: Person) -> Found:
    """The victim of this name as the viewer knows it; NotFound where none of its faces was ever theirs to see."""
    row = await tx.one(queries.FACES_OF_NAME, victim_id=victim_id)
    around = await victims.load(tx, row["faces"] if row else ())
    seen = around.known_to(viewer)
    found = seen.victims.by_id.get(victim_id)
    if found is not None and not found.faces.isdisjoint(seen.own):
        return Found(around, seen, found, found.faces)
    if row is None or not _was_known(seen, victim_id, row):
        raise NotFound("there is no such victim")
    return Found(around, seen, None, frozenset(row["faces"]))


def _was_known(seen: VictimView, victim_id: str, row: Row) -> bool:
    """Whether the viewer may know that a victim had this name: it was formed by a link with a face of theirs, or a
    case system registered it for a face that they may see."""
    if row["from_link"] is not None:
        return not seen.own.isdisjoint(row["ends"])
    return any(victim_id in seen.near.faces[face].declared for face in row["faces"] if face in seen.faces)
