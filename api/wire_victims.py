"""Victims and the paths between cases over the wire; what the caller may not see is null."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import ConfigDict

from api import examples
from api.wire import WireOut
from graph.actions.read.paths import Step
from graph.actions.read.victim import SeenVictim, SheetFace
from graph.domain.link import State


class DeclaredOut(WireOut):
    """That a case system said whom the face shows."""

    victim_id: str
    declared_by: str | None
    at: str | None


class HeldByOut(WireOut):
    """A link that people confirmed, between this face and another one of the victim."""

    link_id: str
    state: Literal["confirmed", "approved"]


class VictimFaceOut(WireOut):
    """One face of a victim. `bases`: `declared` by a case system, `confirmed` by one person, `approved` by two.

    Of a face in another district only the id is told until approved links join it to one of the caller's.
    """

    face_id: str
    media_id: str | None
    box: list[int] | None
    quality: float | None
    too_poor_because: str | None
    label: str | None
    bases: list[Literal["declared", "confirmed", "approved"]] | None
    declared: list[DeclaredOut] | None
    links: list[HeldByOut] | None

    @classmethod
    def from_face(cls, face: SheetFace) -> VictimFaceOut:
        known = {} if face.masked else {"bases": face.bases, "declared": face.declared, "links": face.links}
        facts = {name: face.face.get(name) for name in ("face_id", "box", "quality", "too_poor_because", "label")}
        told = dict.fromkeys(("bases", "declared", "links")) | known
        return cls.model_validate({**facts, **told, "media_id": face.media_id})


class VictimCaseOut(WireOut):
    """The victim's faces in one case, the weakest first; without `case_id` where the caller may not see the case, or
    where the faces are erased."""

    case_id: str | None
    district: str | None
    contact: str | None
    faces: list[VictimFaceOut]


class VictimOut(WireOut):
    """One person: registered by a case system, or formed by confirmed links; `identity` is null until two persons
    have identified the victim. `erased` counts faces of which nothing but an id is left."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.VICTIM_SHEET]})

    victim_id: str
    label: str | None
    registered: bool
    identity: str | None
    erased: int
    cases: list[VictimCaseOut]

    @classmethod
    def from_victim(cls, seen: SeenVictim) -> VictimOut:
        cases = [
            {**sheet.case, "faces": [VictimFaceOut.from_face(face) for face in sheet.faces]} for sheet in seen.sheets
        ]
        return cls.model_validate({**seen.victim, "erased": seen.erased, "cases": cases})


class StepOut(WireOut):
    """One edge of a path: a media `in_case`, a face `seen_in` a media, or a `link` of two faces; never a score."""

    kind: Literal["in_case", "seen_in", "link"]
    case_id: str | None
    media_id: str | None
    face_id: str | None
    to_face_id: str | None
    link_id: str | None
    state: State | None
    district: str | None
    contact: str | None


class PathOut(WireOut):
    """Why two cases are linked; not `linked` means: not over at most three links in a row."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PATH]})

    from_case: str
    to_case: str
    linked: bool
    steps: list[StepOut]

    @classmethod
    def from_steps(cls, from_case: str, to_case: str, steps: Sequence[Step]) -> PathOut:
        told = [StepOut.model_validate(step, from_attributes=True) for step in steps]
        return cls(from_case=from_case, to_case=to_case, linked=bool(told), steps=told)
