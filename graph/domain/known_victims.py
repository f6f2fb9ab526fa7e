"""The victims as a viewer may know them: computed as ever, from those facts alone that the viewer may know.

A viewer is a person, who sees the cases of a district, or a case system, which sees its own. They know the faces in
these cases and, over approved links, the faces joined to them; of a face at the other end of a link of theirs that is
not approved, only that it is there. So a confirmation by one person opens nothing of the other side: neither whom it
shows nor who that is. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from graph.domain.identification import Identification, IdentificationState
from graph.domain.link import State
from graph.domain.victim import Contradiction, FaceFacts, LinkFacts, Neighbourhood, Victims, victims


@dataclass(frozen=True, slots=True)
class VictimView:
    """What a viewer may know of a neighbourhood: `own` faces lie in their cases, `faces` are all that they may see.

    `near` holds these faces, the bare other ends of links of theirs, and these links; `victims` is made of that.
    """

    near: Neighbourhood
    own: frozenset[str]
    faces: frozenset[str]
    victims: Victims

    def identity(self, name: str, identified: Iterable[Identification]) -> str | None:
        """Who the victim of this name is, by an approved identification that was made on a face that is known."""
        members = self.victims.by_id[name].faces & self.faces
        found = (
            item.person_ref
            for item in identified
            if item.state == IdentificationState.APPROVED and not members.isdisjoint(item.face_ids)
        )
        return min(found, default=None)

    def includes(self, item: Identification) -> bool:
        """Whether the identification was made on a face that is known."""
        return not self.faces.isdisjoint(item.face_ids)

    def name_of(self, faces: Iterable[str]) -> str | None:
        """The victim that these faces are, by the name that is known; None where they are nobody."""
        of_face = self.victims.of_face
        return next((of_face[face] for face in faces if face in self.faces and face in of_face), None)

    def other_faces(self, faces: Collection[str]) -> frozenset[str]:
        """The other faces, as far as they are known, of the victims that these are in: what is joined with them."""
        of_face = self.victims.of_face
        names = {of_face[face] for face in faces if face in of_face}
        return frozenset(face for name in names for face in self.victims.by_id[name].faces & self.faces) - set(faces)

    def unapproved(self, name: str) -> list[str]:
        """The links of a victim that reach a face which is not known: one person's word joins it to the others."""
        held = [self.near.links[link] for link in self.victims.by_id[name].links]
        return sorted(link.link_id for link in held if not {link.a, link.b} <= self.faces)


def victim_view(near: Neighbourhood, own: Collection[str]) -> VictimView:
    """What is known of a neighbourhood to whoever sees the faces `own`."""
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
    """A contradiction as far as the viewer may know it: of its chain the links that are theirs."""
    path = tuple(link for link in wrong.path if link in seen.near.links)
    weakest = min(path, key=lambda link: seen.near.links[link].hardness(seen.near.faces), default=None)
    return Contradiction(ELSEWHERE, "", "", path, weakest)
