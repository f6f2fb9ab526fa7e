"""Finds the victims as a person may know them: by face, and by the name under which they know one."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from graph.actions import victims
from graph.actions.victims import Surroundings
from graph.domain.errors import NotFound
from graph.domain.known_victims import VictimView
from graph.domain.people import Permission, Person, may
from graph.domain.victim import Victim
from graph.store.queries import victims as queries
from graph.store.session import Row, Tx


@dataclass(frozen=True, slots=True)
class KnownAs:
    """The name under which a person knows the victim of a face, and whether they know its identity."""

    victim_id: str
    identified: bool


class KnownVictims:
    """The victims that one person meets in one transaction, as they may know them; each is read once."""

    def __init__(self, tx: Tx, viewer: Person) -> None:
        self._tx = tx
        self.viewer = viewer
        self._rows: dict[str, Row] = {}
        self._loaded = victims.NOTHING

    async def view(self, faces: Collection[str]) -> VictimView:
        """What the viewer may know of the victims of these faces, and of all those loaded before."""
        if new := set(faces) - self._loaded.near.faces.keys():
            self._loaded = self._loaded.joined(await victims.load(self._tx, new))
        return self._loaded.view_of(self.viewer)

    async def names(self, faces: Mapping[str, str]) -> dict[str, KnownAs]:
        """The names under which the viewer knows the victims of faces, given with their victims; unknown are absent.

        A victim all of whose faces lie in the viewer's district is known by its own name. Only others are computed.
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
        if not shared:
            return found
        view = await self.view(shared)
        of_face = view.victims.of_face
        for face in shared:
            if face in view.faces and face in of_face:
                identity = view.identity(of_face[face], self._loaded.identifications)
                found[face] = KnownAs(of_face[face], identity is not None)
        return found


@dataclass(frozen=True, slots=True)
class Found:
    """What a person knows around a victim; `victim` is None where nothing that they know has this name any more."""

    around: Surroundings
    view: VictimView
    victim: Victim | None
    named: frozenset[str]
    """The faces that the name is or was used for."""

    @property
    def faces(self) -> frozenset[str]:
        """The victim's faces that the person may see."""
        return self.victim.faces & self.view.faces if self.victim else frozenset()


async def find_victim(tx: Tx, victim_id: str, viewer: Person) -> Found:
    """The victim of this name as the viewer knows it; NotFound where none of its faces was ever visible to them."""
    row = await tx.one(queries.FACES_OF_NAME, victim_id=victim_id)
    around = await victims.load(tx, row["faces"] if row else ())
    view = around.view_of(viewer)
    found = view.victims.by_id.get(victim_id)
    if found is not None and not found.faces.isdisjoint(view.own):
        return Found(around, view, found, found.faces)
    if row is None or not _was_known(view, victim_id, row):
        raise NotFound("there is no such victim")
    return Found(around, view, None, frozenset(row["faces"]))


def _was_known(view: VictimView, victim_id: str, row: Row) -> bool:
    """Whether the viewer may know that a victim had this name: a link with a face of theirs formed it, or a case
    system registered it for a face that they may see."""
    if row["from_link"] is not None:
        return not view.own.isdisjoint(row["ends"])
    return any(victim_id in view.near.faces[face].declared for face in row["faces"] if face in view.faces)
