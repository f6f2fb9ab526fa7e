"""What a person's label means for the gallery: *unrelated* and *suspect* faces leave comparison and searches."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from graph.domain.comparison import HIDDEN_LABELS
from graph.domain.label import Label
from streams.gallery.state import Face
from streams.records import LabelChanged

if TYPE_CHECKING:
    from streams.gallery.plan import Plan


def relabel(plan: Plan, offset: int, record: LabelChanged) -> None:
    """Stages the label; takes undecided links of hidden faces back, compares those that are no longer hidden anew.

    `taken_back` says so and not what memory holds: link may have loaded the gallery after the label was said and
    before it read this record, and would see no change then. Faces that are gone meanwhile are passed over.
    """
    by_media: dict[str, list[Face]] = {}
    for face in filter(None, map(plan.staged.face, dict.fromkeys(record.faces))):
        by_media.setdefault(face.media_id, []).append(face)
    for media_id, faces in by_media.items():
        media = plan.staged.one_media(media_id)
        if media is None:
            continue
        named = {face.face_id for face in faces}
        # Counted without these faces first: how many are compared depends on their labels.
        plan.staged.put_media(replace(media, faces=tuple(known for known in media.faces if known not in named)))
        for face in faces:
            plan.staged.put_face(replace(face, label=record.label))
            if face.face_id in record.taken_back:
                plan.staged.faces_before[face.face_id] = replace(face, label=Label.SUSPECT)
        media = plan.staged.put_media(media)
        if record.label in HIDDEN_LABELS:
            plan.compare.narrow([media])
        elif back := named.intersection(record.taken_back):
            plan.compare.faces(media, offset, only=back)
