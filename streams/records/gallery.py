"""Records of the gallery log: what link applies, in one total order."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from graph.domain.label import FACES_AT_ONCE, Label
from streams.records.incoming import (
    Box,
    CaseChanged,
    ErasureRequested,
    MarkSubmitted,
    MediaSubmitted,
    Reference,
    SearchProbe,
    Sha256,
    VictimChanged,
)


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
