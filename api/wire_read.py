"""Cases, media, faces and their labels over the wire; what the caller may not see is null."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints, field_validator

from api import examples
from api.limits import CASE_ID_MAX
from api.wire import CaseOut, FaceOut, MediaOut, Moment, Stated, WireIn, WireOut
from api.wire_marks import WaitingMarkOut
from api.wire_searches import Digest
from graph.actions.decide.upload import Submission, Urgency
from graph.actions.read.media import CaseFacts, MediaFaces
from graph.domain import ids
from graph.domain.comparison import Scope
from graph.domain.label import FACES_AT_ONCE, Label
from graph.domain.link import State
from graph.store.session import Row

Reference = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


class UploadIn(WireIn):
    """The fields of an upload beside its `file`. `scope` has no default: it says how far the faces are compared."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.UPLOAD]})

    case_id: str = Field(max_length=CASE_ID_MAX, description="the case that the file belongs to, `<source>:<local id>`")
    purpose: Stated
    legal_basis: Stated
    scope: Scope = Field(description="`register`: with all cases, `case`: within this one, `none`: not compared")
    urgency: Urgency = "routine"
    exhibit: Reference | None = None
    captured_at: Moment | None = None
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
    """The file is stored and its event is on the way; what became of it stands at `Location`.

    `quarantined`: it could not be processed, and an operator can see why.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [examples.UPLOADED]})

    media_id: str
    status: Literal["submitted", "quarantined"] = "submitted"


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
    ai_generated: bool | None = Field(description="by the latest event that says it; null: no event does")
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
    landmarks_seen: bool = Field(
        description="false: a person marked it and no eyes, nose and mouth were found in the box; it is aligned by the "
        "box alone, and its scores say little"
    )
    marked_by: str | None = Field(description="who marked it, where the detector had missed it")
    marked_at: str | None
    victim_id: str | None
    start_ms: int | None
    end_ms: int | None
    frame_ms: int | None


class MediaFacesOut(WireOut):
    """All faces of one media, and those that people marked and that are not in the register yet; `next` is null."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.MEDIA_FACES]})

    items: list[MediaFaceOut]
    waiting: list[WaitingMarkOut]
    next: None = None

    @classmethod
    def from_found(cls, media_id: str, found: MediaFaces) -> MediaFacesOut:
        items = [
            {**row["face"], "media_id": media_id, "victim_id": row["victim_id"],
             "marked_by": row["mark"] and row["mark"]["by"], "marked_at": row["mark"] and row["mark"]["at"]}
            for row in found.faces
        ]  # fmt: skip
        waiting = [{name: row[name] for name in WaitingMarkOut.model_fields} for row in found.waiting]
        return cls.model_validate({"items": items, "waiting": waiting})


class LabelIn(WireIn):
    """What a face is; null takes the label back. `also`: other faces of the case, at the same `label_version`."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.LABEL]})

    label: Label | None
    reason: Stated
    also: list[Digest] = Field(default_factory=list[str], max_length=FACES_AT_ONCE - 1)


class PastLabelOut(WireOut):
    """Who labelled a face, and why; of somebody of another district only role and district."""

    act_id: str
    by: str
    at: str
    label: Label | None
    reason: str | None
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
