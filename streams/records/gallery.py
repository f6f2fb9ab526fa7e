"""Records of the gallery log, which link applies in one total order."""

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

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SourceEvent(Record):
    """The case system's record behind a gallery record, whole, so that it can be quarantined and replayed.

    `event` is the first record's place `topic/partition/offset`, the same through all replays; `key` and `value` are
    base64; `submitted_at` is in Kafka milliseconds. `checks_case_id`: a case that it creates has an id that cannot be
    taken for another's; records of older releases may have created others.
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
    checks_case_id: bool = False


class EmbeddedFace(Record):
    """One face: `vector` is base64 of little-endian float32, unit length; boxes are pixels after EXIF rotation.

    `landmarks` and `detection_score` are None where a person marked it and the detector finds none: it was aligned by
    its box alone. `crop_region` is what the display crop shows: left, top and side in the picture, beyond whose edges
    it may reach. It and `context_view` are None in records of older releases.
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
    crop_region: Annotated[list[int], Field(min_length=3, max_length=3)] | None = None
    aligned_crop: str
    context_view: str | None = None
    page: int = 1


class ExaminedMedia(Record):
    """A decoded media with all its faces under one detector and one model.

    `captured_at` is the camera's own date (ISO 8601, often without a zone); older records have none. `frames` pages are
    in the file, the first `frames_examined` were examined. `partial_percent` is about how much of the picture could be
    decoded, None where all of it was.
    """

    media_id: Sha256
    content_type: str
    width: int
    height: int
    frames: int
    frames_examined: int = 1
    partial_percent: int | None = None
    detector_id: str
    model_id: str
    captured_at: str | None = None
    faces: list[EmbeddedFace]
    origin: SourceEvent


class MediaEmbedded(ExaminedMedia):
    """A media that a case system or a person submitted."""

    submitted: MediaSubmitted
    search: SearchProbe | None = None


class MediaReexamined(ExaminedMedia):
    """A stored media that a newer detector has examined again, because an operator asked for it."""


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

    Within one case it is a standing search, and with `keep_asking` in the register too: later faces are compared with
    it, unless they were submitted after `until` (Kafka milliseconds).
    """

    search_id: str
    case_id: str
    within: str
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    faces: Annotated[list[Sha256], Field(min_length=1, max_length=100)]
    keep_asking: bool = False
    until: int | None = None


class SearchEnded(Record):
    """A person ended a standing search; the act is in the graph."""

    search_id: str


class VictimsAssigned(Record):
    """The victims of faces after people's decisions; null: none any more."""

    faces: Annotated[dict[Sha256, str | None], Field(min_length=1)]


class PairsJudged(Record):
    """Pairs of faces that people dismissed (`apart`: a cannot-link), or no longer dismiss."""

    pairs: Annotated[list[tuple[Sha256, Sha256]], Field(min_length=1)]
    apart: bool


class LabelChanged(Record):
    """A person's label of faces, None where it was withdrawn; `taken_back` are faces that were hidden before."""

    act_id: str
    faces: Annotated[list[Sha256], Field(min_length=1, max_length=FACES_AT_ONCE)]
    label: Label | None
    taken_back: list[Sha256] = Field(default_factory=list[str])


class ReembeddedFace(Record):
    """A stored face reembedded by a model; `vector` as in EmbeddedFace, the quality under that model."""

    face_id: Sha256
    vector: str
    norm: float
    quality: float
    too_poor_because: str | None


class FacesEmbedded(Record):
    """Stored faces reembedded by one model, in addition to their vectors of another."""

    model_id: Reference
    faces: Annotated[list[ReembeddedFace], Field(min_length=1, max_length=500)]


class ModelSwitched(Record):
    """From this record on the register holds the vectors of this model, under this calibration, and all its faces are
    recompared. Records of an older release have no `calibration`: link uses the one in its settings."""

    model_id: Reference
    calibration: str | None = None


Decided = VictimsAssigned | PairsJudged | LabelChanged | SearchEnded
"""Consequences of a person's act, which is in the graph before its record is in the log."""
Migrated = FacesEmbedded | ModelSwitched
"""Records of a change of the model; they have no source event."""
GalleryRecord = (
    MediaEmbedded
    | MediaReexamined
    | MarkEmbedded
    | CaseRecord
    | VictimRecord
    | ErasureRecord
    | SearchAsked
    | Decided
    | Migrated
)

TYPES: dict[str, type[GalleryRecord]] = {
    "redthread.gallery.media.v1": MediaEmbedded,
    "redthread.gallery.reexamined.v1": MediaReexamined,
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
