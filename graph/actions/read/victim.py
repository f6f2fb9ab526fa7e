"""Reads a victim as a contact sheet: its faces by case, each with what identifies it as this victim.

A former id redirects to the one victim that all its faces are in now.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from graph.actions.access import Access
from graph.actions.known import Found, find_victim
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Conflict
from graph.domain.link import JOINS, State
from graph.domain.people import Permission, Person, may
from graph.domain.victim import LinkFacts
from graph.domain.visibility import may_see_case
from graph.store.queries import victims as queries
from graph.store.session import Row, Tx


@dataclass(frozen=True, slots=True)
class Declaration:
    """A case system's statement of which victim a face shows."""

    victim_id: str
    declared_by: str | None
    at: str | None


@dataclass(frozen=True, slots=True)
class JoiningLink:
    """A confirmed or approved link between a face and another face of the victim."""

    link_id: str
    state: str


@dataclass(frozen=True, slots=True)
class VictimFace:
    """One face of a victim; of a masked one everything but the id is None.

    `bases` says why it is this victim: `declared` by a case system, `confirmed` by one person, `approved` by two.
    """

    face_id: str
    media_id: str | None = None
    box: list[int] | None = None
    quality: float | None = None
    too_poor_because: str | None = None
    label: str | None = None
    bases: tuple[str, ...] | None = None
    declared: tuple[Declaration, ...] | None = None
    links: tuple[JoiningLink, ...] | None = None


@dataclass(frozen=True, slots=True)
class VictimCase:
    """A victim's faces in one case, the lowest quality first.

    `case_id` is None where the viewer may not see the case, or where only stubs of erased faces are left in it.
    """

    case_id: str | None
    district: str | None
    contact: str | None
    faces: tuple[VictimFace, ...]


@dataclass(frozen=True, slots=True)
class VisibleVictim:
    """A victim as one person may see it; `erased` counts faces of which only a stub is left."""

    victim_id: str
    label: str | None
    registered: bool
    identity: str | None
    erased: int
    cases: tuple[VictimCase, ...]

    @property
    def face_ids(self) -> list[str]:
        """All its faces, the masked ones too."""
        return sorted({face.face_id for case in self.cases for face in case.faces})


@dataclass(frozen=True, slots=True)
class Moved:
    """The victim that all faces of a former id are in now."""

    victim_id: str


async def read_victim(access: Access, victim_id: str) -> VisibleVictim | Moved:
    """The victim, or where a former id leads.

    Raises NotFound where the person may see none of its faces, Conflict `victim_split` where the faces of a former id
    are in several victims now.
    """

    async def work(tx: Tx) -> tuple[Found, VisibleVictim | None]:
        found = await find_victim(tx, victim_id, access.person)
        return found, await visible_victim(tx, victim_id, found, access.person)

    found, seen = await access.store.read(work)
    if seen is None:
        return await successor(access, victim_id, found)
    await access.record(AuditAction.VICTIM_SEEN, victim_id, shown=seen.face_ids)
    return seen


async def visible_victim(tx: Tx, victim_id: str, found: Found, viewer: Person) -> VisibleVictim | None:
    """The found victim as the viewer may see it; None where nothing has this name any more."""
    if found.victim is None:
        return None
    row = await tx.one(queries.VICTIM, victim_id=victim_id)
    rows = await tx.rows(queries.FACES_OF_VICTIM, faces=sorted(found.victim.faces))
    registered = victim_id in found.victim.registered
    links = [
        link
        for link in found.view.near.links.values()
        if link.state in JOINS and {link.a, link.b} <= found.victim.faces
    ]
    return VisibleVictim(
        victim_id=victim_id,
        label=row["label"] if row and registered else None,
        registered=registered,
        identity=found.view.identity(victim_id, found.around.identifications),
        erased=sum(row["face"]["stub"] for row in rows),
        cases=victim_cases(viewer, rows, links, found.view.faces),
    )


async def successor(access: Access, victim_id: str, found: Found) -> Moved:
    """The victim that the former id's faces, as far as the person may see them, are in now."""
    of_face, visible = found.view.victims.of_face, found.named & found.view.faces
    now = sorted({of_face[face] for face in visible if face in of_face})
    await access.record(AuditAction.VICTIM_SEEN, victim_id, shown=now)
    if len(now) == 1 and all(face in of_face for face in visible):
        return Moved(now[0])
    message = "the faces of this victim are no longer one victim: see those that they are in now"
    raise Conflict(message, code="victim_split", current={"victims": now})


def victim_cases(
    person: Person, rows: Iterable[Row], links: Sequence[LinkFacts], known: Collection[str]
) -> tuple[VictimCase, ...]:
    """The faces by case as this person may see them; a face in two cases is listed in both.

    A face in another district is masked unless approved links make it one of the `known` faces.
    """
    cases: dict[tuple[bool, str], tuple[Row, list[VictimFace]]] = {}
    for row in rows:
        face_id = row["face"]["face_id"]
        face = _face(row, links) if face_id in known else VictimFace(face_id)
        in_district = may(person, Permission.SEE, [case["district"] for case in row["cases"]])
        for case in row["cases"]:
            # A case in another district is known through an approved link, never through a media that both have.
            named = may_see_case(person, case) or (face_id in known and not in_district)
            shown = case if named else {**case, "case_id": None}
            cases.setdefault((not named, shown["case_id"] or case["district"]), (shown, []))[1].append(face)
    return tuple(
        VictimCase(**case, faces=tuple(sorted(faces, key=_weakest))) for _, (case, faces) in sorted(cases.items())
    )


def _face(row: Row, links: Iterable[LinkFacts]) -> VictimFace:
    facts: Row = {name: value for name, value in row["face"].items() if name != "stub"}
    joining = [link for link in links if facts["face_id"] in (link.a, link.b)]
    states = {link.state for link in joining}
    bases = ["declared"] * bool(row["declared"])
    bases += [state.value for state in (State.CONFIRMED, State.APPROVED) if state in states]
    return VictimFace(
        **facts,
        media_id=row["media_id"],
        bases=tuple(bases),
        declared=tuple(Declaration(**item) for item in row["declared"]),
        links=tuple(JoiningLink(link.link_id, link.state.value) for link in joining),
    )


def _weakest(face: VictimFace) -> tuple[float, str]:
    """Sort key: lowest quality first, so that the hardest face is judged first and the order discloses no score."""
    return (-1.0 if face.quality is None else face.quality, face.face_id)
