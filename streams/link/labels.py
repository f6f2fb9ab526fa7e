"""What a person's label means for the gallery: *unrelated* and *suspect* faces leave comparison and searches."""

from __future__ import annotations

from dataclasses import replace

from graph.domain.comparison import HIDDEN_LABELS
from graph.domain.label import Label
from streams.gallery.entities import Face
from streams.link.batch import Batch
from streams.link.scope_reduction import reduce_scope
from streams.records.gallery import LabelChanged


def relabel(batch: Batch, offset: int, record: LabelChanged) -> None:
    """Stages the label; takes undecided links of hidden faces back, compares those that are no longer hidden anew.

    `taken_back` says so and not what memory holds: link may have loaded the gallery after the label was said and
    before it read this record, and would see no change then. Faces that are gone meanwhile are passed over.
    """
    by_media: dict[str, list[Face]] = {}
    for face in filter(None, map(batch.staged.faces.get, dict.fromkeys(record.faces))):
        by_media.setdefault(face.media_id, []).append(face)
    for media_id, faces in by_media.items():
        media = batch.staged.media.get(media_id)
        if media is None:
            continue
        named = {face.face_id for face in faces}
        # Counted without these faces first: how many are compared depends on their labels.
        batch.staged.put_media(replace(media, faces=tuple(known for known in media.faces if known not in named)))
        for face in faces:
            batch.staged.put_face(replace(face, label=record.label))
            if face.face_id in record.taken_back:
                batch.staged.faces_before[face.face_id] = replace(face, label=Label.SUSPECT)
        media = batch.staged.put_media(media)
        if record.label in HIDDEN_LABELS:
            reduce_scope(batch, [media])
        elif back := named.intersection(record.taken_back):
            batch.compare.faces(media, offset, only=back)
