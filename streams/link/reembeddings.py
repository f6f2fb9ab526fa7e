"""Stored faces embedded once more: their embeddings are stored, and faces that had no vector are compared."""

from collections import defaultdict

from streams.gallery.entities import Face
from streams.link.batch import Batch
from streams.records.gallery import FacesEmbedded


def add(batch: Batch, record: FacesEmbedded) -> None:
    """Stages the embeddings of those of the faces that are in the register; erased ones are skipped.

    Under the register's model a face without a vector gets this one and is compared: it arrived after the last check
    before a switch.
    """
    batch.check_vectors(record)
    gained: defaultdict[str, list[Face]] = defaultdict(list)
    for again in record.faces:
        stored = batch.staged.faces.get(again.face_id)
        if stored is None:
            continue
        batch.put_embedding(again, record.model_id)
        if record.model_id != batch.model_id:
            continue
        batch.put_grade(again.face_id, record.model_id)
        if stored.vector is None and again.too_poor_because is None:
            gained[stored.media_id].append(batch.with_vector(stored, again))
        elif stored.vector is None:
            batch.staged.put_face(batch.with_vector(stored, again))
    for media_id, faces in gained.items():
        media = batch.staged.media.get(media_id)
        if media is None:
            continue
        batch.staged.uncount(media)
        for face in faces:
            batch.staged.put_face(face)
        batch.compare.media(batch.staged.put_media(media), only={face.face_id for face in faces})
