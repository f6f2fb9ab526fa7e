"""Cases, media, victims and paths over the wire; what the caller may not see is null."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints, field_validator

from api import examples
from api.wire import CaseOut, FaceOut, MediaOut, WireIn, WireOut
from api.wire_searches import Digest, Stated
from graph.actions.media import CaseFacts
from graph.actions.paths import Step
from graph.actions.upload import Submission, Urgency
from graph.actions.victim_read import SeenVictim, SheetFace
from graph.domain import ids
from graph.domain.comparison import Scope
from graph.domain.label import FACES_AT_ONCE, Label
from graph.domain.link import State
from graph.store.session import Row

Reference = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


class UploadIn(WireIn):
    """The fields of an upload beside its `file`. `scope` has no default: it says how far the faces are compared."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.UPLOAD]})

    case_id: str = Field(description="the case that the file belongs to, `<source>:<local id>`")
    purpose: Stated
    legal_basis: Stated
    scope: Scope = Field(description="`register`: with all cases, `case`: within this one, `none`: not compared")
    urgency: Urgency = "routine"
    exhibit: Reference | None = None
    captured_at: AwareDatetime | None = None
    source_ref: Reference | None = Field(default=None, description="echoed in the notice of the case system")

    @field_validator("case_id")
    @classmethod
    def _is_case(cls, text: str) -> str:
        if not ids.is_case_id(text):
            raise ValueError("a case id reads <source>:<local id>")
        return text

    def submission(self) -> Submission:
        captured: datetime | None = self.captured_at
        return Submission(
            self.case_id, self.purpose, self.legal_basis, self.scope, self.urgency, self.exhibit, captured,
            self.source_ref,
        )  # fmt: skip


class UploadedOut(WireOut):
    """The file is stored and its event is on the way; what became of it stands at `Location`."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.UPLOADED]})

    media_id: str
    status: Literal["submitted"] = "submitted"


class CaseFactsOut(CaseOut):
    """A case and how much there is in it; `links` counts by state, leads left out."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.CASE_FACTS]})

    media: int
    faces: int
    too_poor: int
    links: dict[State, int]

    @classmethod
    def from_facts(cls, facts: CaseFacts) -> CaseFactsOut:
        return cls.model_validate(
            {**facts.case, "media": facts.media, "faces": facts.faces, "too_poor": facts.too_poor, "links": facts.links}
        )


class CaseMediaOut(MediaOut):
    """A media of a case; `other_case_ids` lists only cases that the caller may read."""

    faces: int
    too_poor: int

    @classmethod
    def from_row(cls, row: Row) -> CaseMediaOut:
        return cls.model_validate(
            {**row["media"], **row["membership"], "exhibits": row["membership"]["exhibits"] or [],
             "other_case_ids": [case["case_id"] for case in row["others"]], "faces": row["faces"],
             "too_poor": row["too_poor"]}
        )  # fmt: skip


class CaseMediaPage(WireOut):
    """`next` is the `after` of the next page, null on the last one."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.CASE_MEDIA]})

    items: list[CaseMediaOut]
    next: str | None


class MembershipOut(WireOut):
    """That a media belongs to a case; of one in another district only the district and the duty contact."""

    case_id: str | None
    district: str | None
    contact: str | None
    scope: Literal["register", "case", "none"] | None
    purpose: str | None
    legal_basis: str | None
    exhibits: list[str] | None
    urgency: str | None
    submitted_at: int | None = Field(description="milliseconds since 1970, UTC")


class MediaFactsOut(WireOut):
    """One picture or video, named by the SHA-256 of its bytes."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.MEDIA_FACTS]})

    media_id: str
    kind: str | None
    content_type: str | None
    width: int | None
    height: int | None
    frames: int | None
    duration_ms: int | None
    captured_at: str | None
    first_submitted_at: int | None = Field(description="milliseconds since 1970, UTC")
    faces: int
    too_poor: int
    memberships: list[MembershipOut]

    @classmethod
    def from_row(cls, row: Row) -> MediaFactsOut:
        return cls.model_validate(
            {**row["media"], "faces": row["faces"], "too_poor": row["too_poor"], "memberships": row["memberships"]}
        )


class MediaFaceOut(FaceOut):
    """A face; `label_version` is what a label names in `If-Match`, the times are those of a video."""

    label_version: int
    victim_id: str | None
    start_ms: int | None
    end_ms: int | None
    frame_ms: int | None


class MediaFacesOut(WireOut):
    """All faces of one media; `next` is always null."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.MEDIA_FACES]})

    items: list[MediaFaceOut]
    next: None = None

    @classmethod
    def from_rows(cls, media_id: str, rows: Sequence[Row]) -> MediaFacesOut:
        items = [{**row["face"], "media_id": media_id, "victim_id": row["victim_id"]} for row in rows]
        return cls.model_validate({"items": items})


class LabelIn(WireIn):
    """What a face is; null takes the label back. `also`: other faces of the case, at the same `label_version`."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.LABEL]})

    label: Label | None
    reason: Stated
    also: list[Digest] = Field(default_factory=list[str], max_length=FACES_AT_ONCE - 1)


class PastLabelOut(WireOut):
    act_id: str
    by: str
    at: str
    label: Label | None
    reason: str
    version: int


class LabelsOut(WireOut):
    """A face's label, and as `items` what was said of it before, oldest first; `next` is always null."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.LABELS]})

    face_id: str
    label: Label | None
    label_version: int
    items: list[PastLabelOut]
    next: None = None

    @classmethod
    def from_row(cls, row: Row) -> LabelsOut:
        return cls.model_validate(
            {"face_id": row["face_id"], "label": row["label"], "label_version": row["label_version"],
             "items": row["history"]}
        )  # fmt: skip


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
    """The victim's faces in one case, the weakest first; without `case_id` where the caller may not see the case."""

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
