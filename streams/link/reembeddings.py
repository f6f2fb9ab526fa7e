"""Stored faces that were embedded once more: kept beside what they have, and compared where they had nothing."""

from __future__ import annotations

from collections import defaultdict

from streams.gallery.entities import Face
from streams.link import rows
from streams.link.batch import Batch
from streams.records.gallery import FacesEmbedded


def embedded_again(batch: Batch, offset: int, record: FacesEmbedded) -> None:
    """Stages the embeddings of those of the faces that stand; an erased one is passed over, whatever the model.

    Under the register's model a face that had no vector is compared now: it came after the last look before a switch.
    """
    ours = record.model_id == batch.model_id
    rows.check_vectors(record, batch.staged.dimensions if ours else None)
    gained: defaultdict[str, list[Face]] = defaultdict(list)
    for again in record.faces:
        stored = batch.staged.faces.get(again.face_id)
        if stored is None:
            continue
        batch.changes.embeddings.append(rows.embedding(again, record.model_id))
        if not ours:
            continue
        batch.changes.graded.append(rows.judged(again.face_id, record.model_id))
        if stored.vector is None and again.too_poor_because is None:
            gained[stored.media_id].append(rows.with_vector(stored, again, batch.scored(again)))
        elif stored.vector is None:
            batch.staged.put_face(rows.with_vector(stored, again, batch.scored(again)))
    for media_id, faces in gained.items():
        media = batch.staged.media.get(media_id)
        if media is None:
            continue
        batch.staged.uncount(media)
        for face in faces:
            batch.staged.put_face(face)
        batch.compare.faces(batch.staged.put_media(media), offset, only={face.face_id for face in faces})
