"""What stands in the records: the case systems' events as they come, and ours in the gallery log.

Incoming events ignore unknown fields, so that a newer case system is understood; nothing has a default that decides
how far a face may be compared.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from graph.domain.comparison import Scope
from graph.domain.errors import Unprocessable
from graph.domain.ids import is_case_id, is_name
from graph.domain.label import FACES_AT_ONCE, Label

CE_MEDIA = "redthread.media.submitted.v1"
CE_CASE = "redthread.cases.changed.v1"
CE_VICTIM = "redthread.victims.changed.v1"
CE_ERASURE = "redthread.erasures.requested.v1"
CE_PROBE = "redthread.probes.submitted.v1"
CE_MARK = "redthread.marks.submitted.v1"

Purpose = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$", to_lower=True)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Version = Annotated[int, Field(ge=1, le=2**53)]
"""Up to the largest whole number that every JSON reader holds exactly; Neo4j takes none above 64 bits."""
Event = TypeVar("Event", bound=BaseModel)
Box = Annotated[list[int], Field(min_length=4, max_length=4)]


class Incoming(BaseModel):
    """Base of what comes from outside: strict types, unknown fields ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


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
    """The victim that a case system says a picture shows, and who said so."""

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
    content_type: Annotated[str, StringConstraints(max_length=100)] | None = None
    exhibit: Reference | None = None
    captured_at: datetime | None = None
    source_ref: Reference | None = None
    urgency: Literal["routine", "urgent", "danger_now"] = "routine"
    ai_generated: bool | None = None
    victim: DeclaredVictim | None = None


class SearchProbe(MediaSubmitted):
    """A search's uploaded picture: rides through embed and is answered where its faces are stored.

    `turn` is how many degrees clockwise the asker turned it to show its faces; the file itself is as it came. Records
    of earlier releases have none: their turned pictures bring it in a note behind the file's last byte.
    """

    search_id: Reference
    within: Reference
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    keep_asking: bool = False
    until: int | None = None
    turn: Literal[0, 90, 180, 270] = 0


class MarkSubmitted(Incoming):
    """A face that a person marked in a stored media; who and when stands with the act in the graph.

    `marked_on` are the memberships that the media had then, case id to the Kafka milliseconds of its submission: when
    all of them were erased since, so was what was marked.
    """

    act_id: Reference
    media_id: Sha256
    url: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    content_type: str | None
    box: Box
    ordinal: int
    marked_on: Annotated[dict[str, int], Field(min_length=1)]


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
    """What must be forgotten: one media, face or case."""

    subject: Annotated[dict[Literal["media_id", "case_id", "face_id"], Reference], Field(min_length=1, max_length=1)]
    reason: Reference


# --- the gallery log ---------------------------------------------------------------------------------------------


class Record(BaseModel):
    """Base of our own records: nothing unknown, nothing mutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceEvent(Record):
    """The record of a case system that a gallery record came from, whole, so that it can be quarantined and replayed.

    `event` is the first record's place `topic/partition/offset`, the same through all replays; `key` and `value` are
    base64; `submitted_at` is in Kafka milliseconds.
    """

    event: str
    topic: str
    partition: int
    offset: int
    submitted_at: int
    attempts: int = 1
    source: str
    ce_id: str = ""
    key: str | None = None
    value: str | None = None
    headers: list[tuple[str, str | None]] = Field(default_factory=list[tuple[str, str | None]])


class EmbeddedFace(Record):
    """One face: `vector` is base64 of little-endian float32, unit length; boxes are pixels after EXIF rotation.

    `landmarks` and `detection_score` are None where a person marked it and the detector sees none there: then it was
    aligned by its box alone.
    """

    face_id: Sha256
    ordinal: int
    box: Box
    landmarks: Annotated[list[float], Field(min_length=10, max_length=10)] | None
    detection_score: float | None
    quality: float
    quality_because: str | None = None
    too_poor_because: str | None = None
    vector: str
    norm: float
    display_crop: str
    aligned_crop: str


class MediaEmbedded(Record):
    """A decoded media with all its faces under one detector and one model.

    `captured_at` is the camera's own date (ISO 8601, often without a zone); older records have none.
    """

    media_id: Sha256
    content_type: str
    width: int
    height: int
    frames: int
    detector_id: str
    model_id: str
    captured_at: str | None = None
    faces: list[EmbeddedFace]
    submitted: MediaSubmitted
    search: SearchProbe | None = None
    origin: SourceEvent


class MarkEmbedded(Record):
    """A marked face under one model, to be added to its media."""

    media_id: Sha256
    model_id: str
    face: EmbeddedFace
    mark: MarkSubmitted
    origin: SourceEvent

    @property
    def faces(self) -> list[EmbeddedFace]:
        return [self.face]


class CaseRecord(Record):
    changed: CaseChanged
    origin: SourceEvent


class VictimRecord(Record):
    changed: VictimChanged
    origin: SourceEvent


class ErasureRecord(Record):
    """`erasure_id` names the request of a person, and `sources` whose cases it concerns; a case system's has none."""

    erasure: ErasureRequested
    origin: SourceEvent
    erasure_id: str | None = None
    sources: list[str] = Field(default_factory=list[str])


class SearchAsked(Record):
    """A person's search for faces that are already known.

    In one case it stays open, with `keep_asking` in the register too: what the log brings later is compared with its
    faces, but for what was submitted after `until` (Kafka milliseconds).
    """

    search_id: str
    case_id: str
    within: str
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    faces: Annotated[list[Sha256], Field(min_length=1, max_length=100)]
    keep_asking: bool = False
    until: int | None = None


class SearchEnded(Record):
    """That a person ended a search which was open; that person's act stands in the graph."""

    search_id: str


class VictimsAssigned(Record):
    """Whose face is whose after people's decisions; null: nobody's any more."""

    faces: Annotated[dict[Sha256, str | None], Field(min_length=1)]


class PairsJudged(Record):
    """Pairs of faces that people judged to be two people (`apart`), or that they hold to be so no more."""

    pairs: Annotated[list[tuple[Sha256, Sha256]], Field(min_length=1)]
    apart: bool


class LabelChanged(Record):
    """What a person said of faces, None where they took it back; `taken_back` are those that were hidden before."""

    act_id: str
    faces: Annotated[list[Sha256], Field(min_length=1, max_length=FACES_AT_ONCE)]
    label: Label | None
    taken_back: list[Sha256] = Field(default_factory=list[str])


class EmbeddedAgain(Record):
    """A stored face under a model; `vector` as of EmbeddedFace, the quality as that model has it."""

    face_id: Sha256
    vector: str
    norm: float
    quality: float
    too_poor_because: str | None


class FacesEmbedded(Record):
    """Stored faces under one model, beside what they have of another."""

    model_id: Reference
    faces: Annotated[list[EmbeddedAgain], Field(min_length=1, max_length=500)]


class ModelSwitched(Record):
    """From this record on the register holds the vectors of this model, compared by this calibration, and all its faces
    are compared anew. Records of an older release name no `calibration`: theirs is the one that link is set to."""

    model_id: Reference
    calibration: str | None = None


Decided = VictimsAssigned | PairsJudged | LabelChanged | SearchEnded
"""What follows of a person's act, which stands in the graph before its record is in the log."""
Migrated = FacesEmbedded | ModelSwitched
"""What a change of the model brings; no case system's event stands behind it."""
GalleryRecord = (
    MediaEmbedded | MarkEmbedded | CaseRecord | VictimRecord | ErasureRecord | SearchAsked | Decided | Migrated
)

TYPES: dict[str, type[GalleryRecord]] = {
    "redthread.gallery.media.v1": MediaEmbedded,
    "redthread.gallery.mark.v1": MarkEmbedded,
    "redthread.gallery.case.v1": CaseRecord,
    "redthread.gallery.victim.v1": VictimRecord,
    "redthread.gallery.erasure.v1": ErasureRecord,
    "redthread.gallery.search.v1": SearchAsked,
    "redthread.gallery.search-ended.v1": SearchEnded,
    "redthread.gallery.victims.v1": VictimsAssigned,
    "redthread.gallery.pairs.v1": PairsJudged,
    "redthread.gallery.label.v1": LabelChanged,
    "redthread.gallery.faces.v1": FacesEmbedded,
    "redthread.gallery.model.v1": ModelSwitched,
}
TYPE_OF: dict[type[BaseModel], str] = {model: name for name, model in TYPES.items()}


FIELDS = frozenset(
    name
    for model in (SearchProbe, MarkSubmitted, CaseChanged, VictimChanged, ErasureRequested, DeclaredVictim,
                  *TYPES.values())
    for name in model.model_fields
)  # fmt: skip


def complaint(error: ValidationError) -> str:
    """What is wrong and where, in words, without any of the event's values."""
    parts: list[str] = []
    for item in error.errors(include_url=False, include_context=False, include_input=False)[:5]:
        # A place can hold the sender's own keys, and those anything: only names of our fields are repeated.
        where = ".".join(str(step) for step in item["loc"] if isinstance(step, int) or step in FIELDS) or "the event"
        missing = item["type"] == "missing"
        wrong = "is missing, and the event must say it" if missing else f"{item['msg'][0].lower()}{item['msg'][1:]}"
        parts.append(f"{where} {wrong}" if missing else f"{where}: {wrong}")
    return "; ".join(parts)


def to_base64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode("ascii")


def from_base64(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Unprocessable("a field that should be base64 is not", code="unreadable_record") from error


def read_event(model: type[Event], value: bytes | None) -> Event:
    """The event in a record's value; Unprocessable says what is wrong with it."""
    if value is None:
        raise Unprocessable("the record is empty: an event is a JSON object", code="empty_record")
    try:
        return model.model_validate_json(value)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]["type"]
        if first == "json_invalid":
            raise Unprocessable("the record is not JSON", code="not_json") from None
        if first in ("model_type", "model_attributes_type"):
            raise Unprocessable("the record is JSON, but not an object", code="not_an_event") from None
        raise Unprocessable(complaint(error), code="invalid_event") from None
