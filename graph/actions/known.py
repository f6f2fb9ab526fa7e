"""Finds the victims as a person may know them: by face, and by the name under which they know one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from graph.actions import victims
from graph.actions.victims import Around
from graph.domain.errors import NotFound
from graph.domain.known import Known
from graph.domain.people import Deed, Person, may
from graph.domain.victim import Victim
from graph.store.queries import victims as queries
from graph.store.session import Row, Tx


@dataclass(frozen=True, slots=True)
class KnownAs:
    """Under which name a person knows the victim of a face, and whether they know who that is."""

    victim_id: str
    identified: bool


async def known_around(tx: Tx, viewer: Person, faces: Collection[str]) -> Known:
    """What the viewer may know of the victims that these faces are in."""
    return (await victims.load(tx, faces)).known_to(viewer)


async def names_of(tx: Tx, viewer: Person, faces: Mapping[str, str]) -> dict[str, KnownAs]:
    """For faces with the victims that they are in, under which names the viewer knows these; unknown ones are absent.

    A victim all of whose faces lie in the viewer's district is known by its own name: only of others is anything
    computed.
    """
    rows = await tx.rows(queries.DISTRICTS_OF_VICTIMS, victims=sorted(set(faces.values()))) if faces else []
    found: dict[str, KnownAs] = {}
    shared: set[str] = set()
    for row in rows:
        if not may(viewer, Deed.SEE, row["districts"]):
            continue
        if all(may(viewer, Deed.SEE, [district]) for district in row["districts"]):
            name = KnownAs(row["victim_id"], row["identified"])
            found |= {face: name for face, victim_id in faces.items() if victim_id == row["victim_id"]}
        else:
            shared.add(row["victim_id"])
    asked = [face for face, victim_id in faces.items() if victim_id in shared]
    if asked:
        around = await victims.load(tx, asked)
        seen = around.known_to(viewer)
        of_face = seen.victims.of_face
        for face in asked:
            if face in seen.faces and face in of_face:
                identity = seen.identity(of_face[face], around.identified)
                found[face] = KnownAs(of_face[face], identity is not None)
    return found


@dataclass(frozen=True, slots=True)
class Found:
    """What a person knows around a victim; `victim` is None where nothing they know has this name any more."""

    around: Around
    seen: Known
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


def _was_known(seen: Known, victim_id: str, row: Row) -> bool:
    """Whether the viewer may know that a victim had this name: it was formed by a link with a face of theirs, or a
    case system registered it for a face that they may see."""
    if row["from_link"] is not None:
        return not seen.own.isdisjoint(row["ends"])
    return any(victim_id in seen.near.faces[face].declared for face in row["faces"] if face in seen.faces)
