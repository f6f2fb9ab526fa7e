"""Faces that a media record or a mark brings, added to the register or completed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from graph.domain.errors import OtherModel
from streams.gallery.entities import Face, Media
from streams.link.batch import Batch
from streams.records.gallery import EmbeddedFace, MarkEmbedded, MediaEmbedded


def check(batch: Batch, record: MediaEmbedded | MarkEmbedded, known: Media | None) -> None:
    """Raises Unprocessable for malformed vectors, OtherModel if a record of another model would add a face.

    Other records of another model are accepted: their embeddings are stored and not compared.
    """
    batch.check_vectors(record)
    if record.model_id == batch.model_id:
        return
    new = [face.face_id for face in record.faces if known is None or face.face_id not in known.faces]
    if known is not None and isinstance(record, MediaEmbedded):
        last = max(known.last_submitted_at, record.origin.submitted_at)
        new = [face_id for face_id in new if _may_add(batch, record, face_id, last)]
    if new:
        raise OtherModel(
            f"it was embedded with {record.model_id}, and the register holds {batch.model_id}: it is tried again until "
            "the embed workers run with that one",
            host=f"model {batch.model_id}",
        )


def complete(batch: Batch, record: MediaEmbedded | MarkEmbedded, media: Media) -> tuple[Media, bool]:
    """A known media with the faces and vectors that it lacked, and whether these must be compared now.

    Added are faces erased before the media's last submission, faces that a search found by turning the picture, and the
    current model's vectors of stored faces without one. Embeddings of another model are stored for a later switch.
    """
    ordinals = {face.face_id: face.ordinal for face in record.faces}
    last_submitted_at, gained = media.last_submitted_at, False
    for face in record.faces:
        stored = batch.staged.faces.get(face.face_id) if face.face_id in media.faces else None
        if stored is None:
            if not _may_add(batch, record, face.face_id, last_submitted_at):
                continue
            known = sorted((*media.faces, face.face_id), key=lambda name: ordinals.get(name, len(ordinals)))
            media = replace(media, faces=tuple(known))
        elif record.model_id != batch.model_id:
            batch.put_embedding(face, record.model_id)
            continue
        elif stored.vector is not None:
            continue
        elif face.too_poor_because is not None:
            _write(batch, record, face, stored)
            continue
        if not gained:
            batch.staged.uncount(media)
        put(batch, record, face, stored)
        gained = True
    return media, gained


def put(batch: Batch, record: MediaEmbedded | MarkEmbedded, face: EmbeddedFace, stored: Face | None = None) -> None:
    """Stages a new face, or the vector of a stored one, whose label, victim and mark stay; writes its embedding."""
    stored = stored or Face(face.face_id, record.media_id, None)
    batch.staged.put_face(batch.with_vector(stored, face))
    _write(batch, record, face, stored)


def _may_add(batch: Batch, record: MediaEmbedded | MarkEmbedded, face_id: str, last_submitted_at: int) -> bool:
    """Whether this face may be added to a known media.

    An erased face only if the media was submitted since. Any other only from a search whose asker turned the picture:
    earlier records of the media did not detect faces that way.
    """
    erased_at = batch.staged.erased_at(f"face:{face_id}")
    if erased_at >= 0:
        return erased_at < last_submitted_at
    return isinstance(record, MediaEmbedded) and record.search is not None and record.search.turn != 0


def _write(batch: Batch, record: MediaEmbedded | MarkEmbedded, face: EmbeddedFace, stored: Face) -> None:
    fields: dict[str, Any] = {**face.model_dump(exclude={"face_id", "vector", "norm"}), "stub": None}
    if (marked_on := stored.marked_on) is not None:
        fields |= {"marked_on": [*marked_on], "marked_since": [*marked_on.values()]}
    batch.changes.faces.append({"face_id": face.face_id, "media_id": record.media_id, "face": fields})
    batch.put_embedding(face, record.model_id)
