"""The faces that a media record brings: staged, completed, and their crops kept or given up."""

from __future__ import annotations

from dataclasses import replace

from graph.domain.errors import OtherModel
from streams.gallery.entities import Face, Media
from streams.link import rows
from streams.link.batch import Batch
from streams.records.gallery import EmbeddedFace, MarkEmbedded, MediaEmbedded


def check(batch: Batch, record: MediaEmbedded | MarkEmbedded, known: Media | None) -> None:
    """Refuses vectors that can't be, and a record of another model that would bring a face.

    Unprocessable, OtherModel. What such a record says of faces that stand is taken: nothing of it is compared.
    """
    if record.model_id == batch.model_id:
        rows.check_vectors(record, batch.staged.dimensions)
        return
    rows.check_vectors(record, None)
    new = [face.face_id for face in record.faces if known is None or face.face_id not in known.faces]
    if known is not None and isinstance(record, MediaEmbedded):
        last = max(known.last_submitted_at, record.origin.submitted_at)
        new = [face_id for face_id in new if _completes(batch, record, face_id, last)]
    if new:
        raise OtherModel(
            f"it was embedded with {record.model_id}, and the register holds {batch.model_id}: it is tried again until "
            "the embed workers run with that one",
            host=f"model {batch.model_id}",
        )


def new_media(batch: Batch, record: MediaEmbedded) -> Media:
    """A media with all its faces but those that an erasure later than the record keeps away."""
    batch.changes.media.append(rows.media(record))
    face_ids: list[str] = []
    for face in sorted(record.faces, key=lambda face: face.ordinal):
        if record.origin.submitted_at <= batch.staged.erased_at(f"face:{face.face_id}"):
            continue
        face_ids.append(face.face_id)
        put_face(batch, record, face)
    return Media(record.media_id, faces=tuple(face_ids))


def complete(batch: Batch, record: MediaEmbedded | MarkEmbedded, media: Media) -> tuple[Media, bool]:
    """A known media with what it lacked and this record brings, and whether that is to be compared now.

    That is a face that was erased before the media's last submission, one that a search found by turning the picture,
    or the current model's vector of a face that stands there without one. Vectors of another model are kept beside;
    they are compared after a switch.
    """
    ordinals = {face.face_id: face.ordinal for face in record.faces}
    last_submitted_at, gained = media.last_submitted_at, False
    for face in record.faces:
        stored = batch.staged.faces.get(face.face_id) if face.face_id in media.faces else None
        if stored is None:
            if not _completes(batch, record, face.face_id, last_submitted_at):
                continue
            known = sorted((*media.faces, face.face_id), key=lambda name: ordinals.get(name, len(ordinals)))
            media = replace(media, faces=tuple(known))
        elif record.model_id != batch.model_id:
            batch.changes.embeddings.append(rows.embedding(face, record.model_id))
            continue
        elif stored.vector is not None:
            continue
        elif face.too_poor_because is not None:
            _write_face(batch, record, face, stored)
            continue
        if not gained:
            batch.staged.uncount(media)
        put_face(batch, record, face, stored)
        gained = True
    return media, gained


def _completes(batch: Batch, record: MediaEmbedded | MarkEmbedded, face_id: str, last_submitted_at: int) -> bool:
    """Whether a known media takes in this face that it lacks.

    An erased one only where an event put the media into a case since. Of the others those of a search whose asker
    turned the picture: earlier records of the media did not look at it so.
    """
    erased_at = batch.staged.erased_at(f"face:{face_id}")
    if erased_at >= 0:
        return erased_at < last_submitted_at
    return isinstance(record, MediaEmbedded) and record.search is not None and record.search.turn != 0


def drop_files(batch: Batch, record: MediaEmbedded, media: Media | None) -> None:
    """Embed has stored crops of all faces it found: those of faces that are not kept must go again."""
    if media is None:
        batch.changes.removed_files.append(record.media_id)
    else:
        left = (face.face_id for face in record.faces if face.face_id not in media.faces)
        batch.changes.removed_files += [f"{record.media_id}/{face_id}" for face_id in left]


def reissue_after_erasure(batch: Batch, record: MediaEmbedded, media: Media, known: Media | None) -> None:
    """Has the event of what came back after an erasure embedded once more where its crops are gone.

    Embed stores crops before link sees the record: those of the new submission may have gone with the erasure.
    Only who deletes them knows, so the relay looks. The second record changes nothing here: all is known then.
    """
    new = [face for face in record.faces if face.face_id in media.faces]
    subjects = [f"media:{record.media_id}", f"case:{record.submitted.case_id}"]
    if known is not None:
        new = [face for face in new if face.face_id not in known.faces]
    subjects += [f"face:{face.face_id}" for face in new]
    if new and batch.staged.erased_at(*subjects) >= 0:
        crops = [crop for face in new for crop in (face.display_crop, face.aligned_crop)]
        batch.changes.replays.append({**record.origin.model_dump(), "unless_stored": crops})


def put_face(
    batch: Batch, record: MediaEmbedded | MarkEmbedded, face: EmbeddedFace, stored: Face | None = None
) -> None:
    """Stages a face, or the vector of one that stands already, which keeps what people said of it."""
    told = stored or Face(face.face_id, record.media_id, None)
    batch.staged.put_face(rows.with_vector(told, face, batch.scored(face)))
    _write_face(batch, record, face, told)


def _write_face(batch: Batch, record: MediaEmbedded | MarkEmbedded, face: EmbeddedFace, told: Face) -> None:
    batch.changes.faces.append(rows.face(record.media_id, face, told.marked_on))
    batch.changes.embeddings.append(rows.embedding(face, record.model_id))
