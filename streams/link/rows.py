"""The rows of the graph for parts of a gallery record; pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

import numpy as np

from graph.actions.events import Event
from graph.domain import ids
from graph.domain.box import SAME_FACE_IOU, iou
from graph.domain.capture_time import why_implausible
from graph.domain.comparison import TOO_POOR_BELOW
from graph.domain.errors import OtherModel, Unprocessable
from streams.gallery.entities import Face
from streams.gallery.matrix import Vectors
from streams.link.memberships import StoredMembership
from streams.records.gallery import (
    EmbeddedFace,
    FacesEmbedded,
    MarkEmbedded,
    MediaEmbedded,
    ReembeddedFace,
    SourceEvent,
)


def vector(face: EmbeddedFace | ReembeddedFace) -> Vectors:
    """The unit vector, (d,) float32; Unprocessable where the bytes are no unit vector."""
    return _decoded(face.vector)


@lru_cache(maxsize=1024)  # a face is decoded once, for each of the places that read its vector
def _decoded(text: str) -> Vectors:
    try:
        values = np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32)
    except ValueError as error:
        raise Unprocessable("an embedding can't be read", code="bad_embedding") from error
    if values.ndim != 1 or not np.isfinite(values).all() or abs(float(np.linalg.norm(values)) - 1) > 1e-3:
        raise Unprocessable("an embedding is not a unit vector", code="bad_embedding")
    values.flags.writeable = False
    return values


def forget_vectors() -> None:
    """Drops the vectors that were decoded: at the end of a batch, since one of them may be erased."""
    _decoded.cache_clear()


def with_vector(stored: Face, face: EmbeddedFace | ReembeddedFace, scored: Vectors) -> Face:
    """The stored face with the scored vector of an embedding, to compare by it or, of a poor one, to ask by it."""
    leads_only = face.quality < TOO_POOR_BELOW
    if face.too_poor_because is None:
        return replace(stored, vector=scored, poor=None, leads_only=leads_only)
    return replace(stored, vector=None, poor=scored, leads_only=leads_only)


def check_vectors(record: MediaEmbedded | MarkEmbedded | FacesEmbedded, dimensions: int | None) -> None:
    """Refuses a record with a vector that `vector` refuses, or one of other than these dimensions (None: any, but all
    of them the same)."""
    for found in record.faces:
        length = len(vector(found))
        dimensions = dimensions or length
        if length != dimensions:
            raise Unprocessable("an embedding has other dimensions than its model's", code="bad_embedding")


def media(record: MediaEmbedded) -> dict[str, Any]:
    return {
        "media_id": record.media_id,
        "kind": "picture",
        "content_type": record.content_type,
        "width": record.width,
        "height": record.height,
        "frames": record.frames,
        "detector_id": record.detector_id,
        "url": record.submitted.url,
        "captured_at": _believed(record.captured_at, record.origin.submitted_at)[0],
        "first_submitted_at": record.origin.submitted_at,
    }


def told_date(record: MediaEmbedded) -> str | None:
    """When the event says that the picture was taken (ISO 8601); None where it does not, or what can't be believed."""
    return _believed(_told(record), record.origin.submitted_at)[0]


def _told(record: MediaEmbedded) -> str | None:
    return None if record.submitted.captured_at is None else record.submitted.captured_at.isoformat()


def _believed(date: str | None, submitted_at: int) -> tuple[str | None, str | None]:
    """The date where it can be one, and why it can't."""
    odd = why_implausible(date, submitted_at) if date is not None else None
    return (None if odd else date), odd


def face(media_id: str, found: EmbeddedFace, marked_on: Mapping[str, int] | None) -> dict[str, Any]:
    kept = {"ordinal", "box", "landmarks", "detection_score", "quality", "quality_because", "too_poor_because",
            "display_crop", "aligned_crop"}  # fmt: skip
    facts: dict[str, Any] = {**found.model_dump(include=kept), "stub": None}
    if marked_on is not None:
        facts |= {"marked_on": [*marked_on], "marked_since": [*marked_on.values()]}
    return {"face_id": found.face_id, "media_id": media_id, "face": facts}


def embedding(found: EmbeddedFace | ReembeddedFace, model_id: str) -> dict[str, Any]:
    return {
        "embedding_id": ids.embedding_id(found.face_id, model_id),
        "face_id": found.face_id,
        "model_id": model_id,
        "vector": vector(found).astype("<f4").tobytes(),
        "norm": found.norm,
        "quality": found.quality,
        "too_poor_because": found.too_poor_because,
    }


def judged(face_id: str, model_id: str) -> dict[str, Any]:
    """That the face's quality is now what its embedding under this model says."""
    return {"face_id": face_id, "embedding_id": ids.embedding_id(face_id, model_id)}


def membership(media_id: str, case_id: str, member: StoredMembership) -> dict[str, Any]:
    row = {**asdict(member), "scope": member.scope.value, "exhibits": list(member.exhibits)}
    return {**row, "membership_id": ids.membership_id(media_id, case_id), "media_id": media_id, "case_id": case_id}


def declared_face(record: MediaEmbedded, box: list[int] | None) -> str | None:
    """The face that a declared victim means: the one in the box, or the only one; None where that is unclear."""
    if box is None:
        return record.faces[0].face_id if len(record.faces) == 1 else None
    best = max(record.faces, key=lambda found: iou(found.box, box), default=None)
    return best.face_id if best is not None and iou(best.box, box) >= SAME_FACE_IOU else None


def event(origin: SourceEvent) -> Event:
    """The event as the graph names it."""
    return Event.of(origin.event, origin.ce_id, origin.submitted_at)


def reference(origin: SourceEvent) -> dict[str, object]:
    """How a notice names the event it is about: its first place in Kafka and the id that its sender gave it."""
    return {"event": origin.event, "ce_id": origin.ce_id or None}


def outcome(record: MediaEmbedded, kept_faces: int, marked: Sequence[Face], *, compared: bool) -> dict[str, object]:
    """What a media event came to: `result` is faces_found, too_poor or no_face, with the counts behind it.

    Faces that people `marked` in the media count as those that the record brings.
    """
    found = len(record.faces) + len(marked)
    too_poor = sum(face.too_poor_because is not None for face in record.faces)
    too_poor += sum(face.vector is None for face in marked)
    result = "no_face" if not found else "too_poor" if too_poor == found else "faces_found"
    body: dict[str, object] = {
        "result": result,
        "media_id": record.media_id,
        "case_id": record.submitted.case_id,
        "source_ref": record.submitted.source_ref,
        "faces": kept_faces,
        "too_poor": too_poor,
        "compared": compared and kept_faces > too_poor,
    }
    odd = [_believed(date, record.origin.submitted_at)[1] for date in (_told(record), record.captured_at)]
    if any(odd):
        body["captured_at_ignored"] = "; ".join(filter(None, odd))
    if record.frames > 1:
        body["frames"] = record.frames
        body["frames_examined"] = 1
    return body


def quarantined(origin: SourceEvent, reason: Unprocessable) -> dict[str, Any]:
    """The quarantine record of a poison gallery record: its source event, to be replayed through embed."""
    waits = {"host": reason.host} if isinstance(reason, OtherModel) else {}
    return {**origin.model_dump(), "code": reason.code, "reason": reason.message, "stage": "link", **waits}
