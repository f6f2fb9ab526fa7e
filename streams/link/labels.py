"""People's labels of faces: those in HIDDEN_LABELS are hidden from comparison and searches."""

from dataclasses import replace

from graph.domain.comparison import HIDDEN_LABELS
from graph.domain.label import Label
from streams.gallery.entities import Face
from streams.link.batch import Batch
from streams.link.scope_reduction import reduce_scope
from streams.records.gallery import LabelChanged


def relabel(batch: Batch, record: LabelChanged) -> None:
    """Stages the label; removes undecided links of faces that it hides, and compares faces that are no longer hidden.

    The record's `taken_back` names the latter. Memory cannot tell: link may have loaded the gallery after the label
    changed and before it read this record. Faces that were removed meanwhile are skipped.
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
        elif shown := named.intersection(record.taken_back):
            batch.compare.media(media, only=shown)
