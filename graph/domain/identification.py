"""Identifications of victims: made on some faces, and valid only while these are one victim."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from graph.domain.victim import Victims


class IdentificationState(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    RETURNED = "returned"
    TO_BE_APPROVED_AGAIN = "to_be_approved_again"


class Basis(StrEnum):
    """What an identification rests on."""

    FACE_COMPARISON = "face_comparison"
    INTERVIEW = "interview"
    DOCUMENT = "document"
    OTHER = "other"


DECIDED = frozenset({IdentificationState.APPROVED, IdentificationState.RETURNED})
AWAITS_APPROVAL = frozenset({IdentificationState.PROPOSED, IdentificationState.TO_BE_APPROVED_AGAIN})


@dataclass(frozen=True, slots=True)
class Identification:
    """`face_ids` are the faces that it was made on; `victim_id` is the victim that it is attached to now."""

    identification_id: str
    victim_id: str
    person_ref: str
    state: str
    face_ids: tuple[str, ...]
    by: str
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Identities:
    """The result of moving identifications: all as they are `now`, those that just `lapsed`, each victim's identity.

    `conflicting` are approved identifications of different people in one victim.
    """

    now: tuple[Identification, ...]
    lapsed: tuple[Identification, ...]
    person_of: Mapping[str, str]
    conflicting: frozenset[str]


def identities(identified: Iterable[Identification], after: Victims, existing: Collection[str]) -> Identities:
    """Moves each identification to the victim that its faces, as far as they still exist, are in now.

    One whose faces are no longer one victim stays with that of its first face, and an approved one has to be approved
    again. One without faces (a registered victim that has none yet) stays with its id's successor.
    """
    of_face = after.of_face
    successor = {name: v.victim_id for v in after.by_id.values() for name in v.registered}
    now: list[Identification] = []
    lapsed: list[Identification] = []
    approved: dict[str, list[Identification]] = {}
    for item in identified:
        parts = list(dict.fromkeys(of_face.get(face, face) for face in item.face_ids if face in existing))
        named = next((part for part in parts if part in after.by_id), None)
        moved = replace(item, victim_id=named or successor.get(item.victim_id, item.victim_id))
        if item.state == IdentificationState.APPROVED and len(parts) > 1:
            moved = replace(moved, state=IdentificationState.TO_BE_APPROVED_AGAIN.value)
            lapsed.append(moved)
        elif item.state == IdentificationState.APPROVED:
            approved.setdefault(moved.victim_id, []).append(moved)
        now.append(moved)
    conflicting = {
        item.identification_id
        for items in approved.values()
        if len({item.person_ref for item in items}) > 1
        for item in items
    }
    people = {name: items[0].person_ref for name, items in approved.items()}
    return Identities(tuple(now), tuple(lapsed), people, frozenset(conflicting))
