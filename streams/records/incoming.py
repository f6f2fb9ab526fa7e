"""Events of case systems, and pictures that people upload, as they arrive.

Unknown fields are ignored, so that a newer case system is understood; no field that decides how far a face may be
compared has a default.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator

from graph.domain.comparison import Scope
from graph.domain.erasure import ErasureCode
from graph.domain.ids import is_case_id, is_name

CE_MEDIA = "redthread.media.submitted.v1"
CE_CASE = "redthread.cases.changed.v1"
CE_VICTIM = "redthread.victims.changed.v1"
CE_ERASURE = "redthread.erasures.requested.v1"
CE_PROBE = "redthread.probes.submitted.v1"
CONTENT_TYPE_MAX = 255
CE_MARK = "redthread.marks.submitted.v1"
CE_REEXAMINATION = "redthread.reexaminations.submitted.v1"

Purpose = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$", to_lower=True)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=300)]
ContentType = Annotated[str, AfterValidator(lambda text: text[:CONTENT_TYPE_MAX])]
"""As the sender guessed it. It decides nothing: a longer one than any that is registered is cut off, not refused."""
Version = Annotated[int, Field(ge=1, le=2**53)]
"""Up to the largest integer that every JSON reader represents exactly; Neo4j accepts 64 bits."""
Box = Annotated[list[int], Field(min_length=4, max_length=4)]


class Incoming(BaseModel):
    """Base of events from outside: strict types, unknown fields ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class InCase(Incoming):
    case_id: str
    district: str

    @field_validator("case_id")
    @classmethod
    def _case_id(cls, value: str) -> str:
        if not is_case_id(value):
            raise ValueError("a case id reads <source>:<local id>")
        return value

    @field_validator("district")
    @classmethod
    def _district(cls, value: str) -> str:
        if not is_name(value):
            raise ValueError("a district is lower case letters, digits and hyphens")
        return value


class DeclaredVictim(Incoming):
    """The victim that a case system declares a picture to show, and the person who declared it."""

    victim_id: Reference
    declared_by: Reference
    box: Box | None = None


class MediaSubmitted(InCase):
    """A picture or video of a case. `purpose`, `legal_basis` and `scope` have no default on purpose."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    purpose: Purpose
    legal_basis: Purpose
    scope: Scope
    sha256: Sha256 | None = None
    content_type: ContentType | None = None
    exhibit: Reference | None = None
    captured_at: datetime | None = None
    source_ref: Reference | None = None
    urgency: Literal["routine", "urgent", "danger_now"] = "routine"
    ai_generated: bool | None = None
    victim: DeclaredVictim | None = None


class SearchProbe(MediaSubmitted):
    """A search's uploaded picture: embedded like media, and answered when link has its faces.

    `turn` is by how many degrees clockwise the person turned it; the file itself is unchanged. Records of earlier
    releases have none: their turned pictures have a note after the file's last byte.
    """

    search_id: Reference
    within: Reference
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    keep_asking: bool = False
    until: int | None = None
    turn: Literal[0, 90, 180, 270] = 0


class MarkSubmitted(Incoming):
    """A face that a person marked in a stored media; person and time are with the act in the graph.

    `marked_on` are the memberships of the media at that time, case id to the Kafka milliseconds of its submission: once
    all of them are erased, so is the mark.
    """

    act_id: Reference
    media_id: Sha256
    url: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    content_type: str | None
    box: Box
    ordinal: int
    marked_on: Annotated[dict[str, int], Field(min_length=1)]


class MediaToReexamine(Incoming):
    """A stored media that the embed workers examine again with their detector."""

    media_id: Sha256
    url: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    content_type: str | None


class CaseChanged(InCase):
    status: Literal["open", "closed"]
    version: Version
    contact: Annotated[str, StringConstraints(max_length=200)] | None = None
    review_by: datetime | None = None


class VictimChanged(Incoming):
    """A registered victim: an id and a label that names no person."""

    victim_id: Reference
    label: Reference
    version: Version = 1


class ErasureRequested(Incoming):
    """The media, face or case to erase. `code` is the reason as a code; events of an older release have none."""

    subject: Annotated[dict[Literal["media_id", "case_id", "face_id"], Reference], Field(min_length=1, max_length=1)]
    reason: Reference
    code: ErasureCode | None = None
