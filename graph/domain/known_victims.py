"""Victims as one viewer may know them, computed only from facts that the viewer may know. Pure.

A viewer is a person, who sees the cases of a district, or a case system, which sees its own. A viewer knows the faces
in these cases and the faces that approved links join to them. Of the other face of an unapproved link a viewer knows
only that it exists: a confirmation by one person discloses neither its victim nor its identity.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from graph.domain.identification import Identification, IdentificationState
from graph.domain.link import State
from graph.domain.victim import Contradiction, FaceFacts, LinkFacts, Neighbourhood, Victims, victims


@dataclass(frozen=True, slots=True)
class VictimView:
    """A neighbourhood as a viewer may know it: `own` faces lie in their cases, `faces` are all that they may see.

    `near` has these faces, the visible links, and the ids of the links' other faces; `victims` is computed from it.
    """

    near: Neighbourhood
    own: frozenset[str]
    faces: frozenset[str]
    victims: Victims

    def identity(self, name: str, identified: Iterable[Identification]) -> str | None:
        """The identity of the victim with this id, by an approved identification on a face that the viewer may see."""
        members = self.victims.by_id[name].faces & self.faces
        found = (
            item.person_ref
            for item in identified
            if item.state == IdentificationState.APPROVED and not members.isdisjoint(item.face_ids)
        )
        return min(found, default=None)

    def includes(self, item: Identification) -> bool:
        """Whether the identification was made on a face that the viewer may see."""
        return not self.faces.isdisjoint(item.face_ids)

    def name_of(self, faces: Iterable[str]) -> str | None:
        """The id by which the viewer knows the victim of these faces; None where they have none."""
        of_face = self.victims.of_face
        return next((of_face[face] for face in faces if face in self.faces and face in of_face), None)

    def other_faces(self, faces: Collection[str]) -> frozenset[str]:
        """The other visible faces of the victims that these faces belong to."""
        of_face = self.victims.of_face
        names = {of_face[face] for face in faces if face in of_face}
        return frozenset(face for name in names for face in self.victims.by_id[name].faces & self.faces) - set(faces)

    def unapproved(self, name: str) -> list[str]:
        """The links of a victim to faces that the viewer may not see: confirmed by one person, not approved."""
        held = [self.near.links[link] for link in self.victims.by_id[name].links]
        return sorted(link.link_id for link in held if not {link.a, link.b} <= self.faces)


def victim_view(near: Neighbourhood, own: Collection[str]) -> VictimView:
    """The neighbourhood as a viewer of the faces `own` may know it."""
    mine = frozenset(own) & near.faces.keys()
    approved = [link for link in near.links.values() if link.state is State.APPROVED]
    faces, grown = set(mine), -1
    while grown != len(faces):
        grown = len(faces)
        faces |= {face for link in approved if link.a in faces or link.b in faces for face in (link.a, link.b)}
    links = {link.link_id: link for link in near.links.values() if _is_visible(link, mine, faces)}
    ends = {face for link in links.values() for face in (link.a, link.b)} & near.faces.keys()
    shown = {
        face: near.faces[face] if face in faces else FaceFacts(face, None, quality=near.faces[face].quality)
        for face in faces | ends
    }
    restricted = Neighbourhood(shown, links)
    return VictimView(restricted, mine, frozenset(faces), victims(restricted))


def _is_visible(link: LinkFacts, own: Collection[str], faces: Collection[str]) -> bool:
    return link.a in own or link.b in own or (link.state is State.APPROVED and link.a in faces)


ELSEWHERE = "elsewhere"
"""The kind of a contradiction that the viewer cannot see whole."""


def visible_contradiction(wrong: Contradiction, seen: VictimView) -> Contradiction:
    """A contradiction as far as the viewer may know it: with the visible links of its chain only."""
    path = tuple(link for link in wrong.path if link in seen.near.links)
    weakest = min(path, key=lambda link: seen.near.links[link].hardness(seen.near.faces), default=None)
    return Contradiction(ELSEWHERE, "", "", path, weakest)
