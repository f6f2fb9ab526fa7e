"""A victim as a contact sheet: the faces by case, and of each whether a case system, one or two persons said it.

An id that no face has any more leads to the one victim that all its faces are in now, or to none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from graph.actions.access import AccessEvent, AccessLog
from graph.actions.known import Found, find_victim
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Conflict
from graph.domain.link import JOINS, State
from graph.domain.people import Permission, Person, may
from graph.store.queries import victim_read as queries
from graph.store.session import Row, Store, Tx


@dataclass(frozen=True, slots=True)
class SheetFace:
    """One face of a victim, and what holds it there; of a masked one only the id is told.

    `bases` holds `declared` (a case system said it), `confirmed` (one person) and `approved` (two persons).
    """

    face: Row
    media_id: str | None
    bases: tuple[str, ...]
    declared: tuple[Row, ...]
    links: tuple[Row, ...]
    masked: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """The faces of one case, the weakest first; without a case id where the caller may not see the case, or where only
    stubs of its faces are left."""

    case: Row
    faces: tuple[SheetFace, ...]


@dataclass(frozen=True, slots=True)
class SeenVictim:
    """`erased` counts faces of which only a stub is left."""

    victim: Row
    sheets: tuple[Sheet, ...]
    erased: int


@dataclass(frozen=True, slots=True)
class Moved:
    """That this id was given up for another one."""

    victim_id: str


async def read_victim(
    store: Store, access_log: AccessLog, victim_id: str, *, access: AccessEvent
) -> SeenVictim | Moved:
    """The victim, or where a former id leads; the look is in the audit.

    Raises NotFound where no face of it may be seen, Conflict `victim_split` where its faces are no longer one victim.
    """

    async def work(tx: Tx) -> tuple[Found, Row | None, list[Row]]:
        found = await find_victim(tx, victim_id, access.person)
        if found.victim is None:
            return found, None, []
        victim = await tx.one(queries.VICTIM, victim_id=victim_id)
        return found, victim, await tx.rows(queries.FACES_OF_VICTIM, faces=sorted(found.victim.faces))

    found, row, rows = await store.read(work)
    if found.victim is None:
        return await _successor(access_log, victim_id, found, access)
    known = victim_id in found.victim.registered
    victim: Row = {
        "victim_id": victim_id, "registered": known, "label": row["label"] if row and known else None,
        "identity": found.view.identity(victim_id, found.around.identifications),
    }  # fmt: skip
    links = [
        {"link_id": link.link_id, "state": link.state.value, "a": link.a, "b": link.b}
        for link in found.view.near.links.values()
        if link.state in JOINS and {link.a, link.b} <= found.victim.faces
    ]
    sheets = contact_sheets(access.person, rows, links, found.view.faces)
    seen = SeenVictim(victim, sheets, sum(row["face"]["stub"] for row in rows))
    shown = sorted({face.face["face_id"] for sheet in seen.sheets for face in sheet.faces})
    await access_log.record(access.act(AuditAction.VICTIM_SEEN, victim_id, shown=shown))
    return seen


async def _successor(access_log: AccessLog, victim_id: str, found: Found, access: AccessEvent) -> Moved:
    """Where the faces are now that the person may see of those that the name stood for."""
    of_face, mine = found.view.victims.of_face, found.named & found.view.faces
    now = sorted({of_face[face] for face in mine if face in of_face})
    await access_log.record(access.act(AuditAction.VICTIM_SEEN, victim_id, shown=now))
    if len(now) == 1 and all(face in of_face for face in mine):
        return Moved(now[0])
    message = "the faces of this victim are no longer one victim: see those that they are in now"
    raise Conflict(message, code="victim_split", current={"victims": now})


def contact_sheets(
    person: Person, rows: Iterable[Row], links: Sequence[Row], known: Collection[str]
) -> tuple[Sheet, ...]:  # fmt: skip
    """The faces by case as this person may see them; a face in two cases stands in both.

    A face in another district is masked until approved links make it one of the `known` faces.
    """
    sheets: dict[tuple[bool, str], tuple[Row, list[SheetFace]]] = {}
    for row in rows:
        face_id = row["face"]["face_id"]
        face = _face(row, [link for link in links if face_id in (link["a"], link["b"])], face_id in known)
        at_home = may(person, Permission.SEE, [case["district"] for case in row["cases"]])
        for case in row["cases"]:
            # A case in another district is known through an approved link, never through a picture that both have.
            named = may(person, Permission.SEE, [case["district"]]) or (face_id in known and not at_home)
            told = case if named else {**case, "case_id": None}
            sheets.setdefault((not named, told["case_id"] or case["district"]), (told, []))[1].append(face)
    found = [sheets[key] for key in sorted(sheets)]
    return tuple(Sheet(case, tuple(sorted(faces, key=_weakest))) for case, faces in found)


def _face(row: Row, links: list[Row], shown: bool) -> SheetFace:
    if not shown:
        return SheetFace({"face_id": row["face"]["face_id"]}, None, (), (), (), masked=True)
    states = {link["state"] for link in links}
    bases = ["declared"] * bool(row["declared"])
    bases += [state.value for state in (State.CONFIRMED, State.APPROVED) if state in states]
    facts = tuple({"link_id": link["link_id"], "state": link["state"]} for link in links)
    return SheetFace(row["face"], row["media_id"], tuple(bases), tuple(row["declared"]), facts)


def _weakest(face: SheetFace) -> tuple[float, str]:
    """By quality: the face that is hardest to judge comes first, and the order tells no score."""
    quality = face.face.get("quality")
    return (-1.0 if quality is None else quality, face.face["face_id"])
