"""Stored faces that were embedded once more: kept beside what they have, and compared where they had nothing."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from streams.gallery import rows
from streams.gallery.state import Face
from streams.records import FacesEmbedded

if TYPE_CHECKING:
    from streams.gallery.plan import Plan


def embedded_again(plan: Plan, offset: int, record: FacesEmbedded) -> None:
    """Stages the embeddings of those of the faces that stand; an erased one is passed over, whatever the model.

    Under the register's model a face that had no vector is compared now: it came after the last look before a switch.
    """
    ours = record.model_id == plan.model_id
    rows.check_vectors(record, plan.staged.dimensions if ours else None)
    gained: defaultdict[str, list[Face]] = defaultdict(list)
    for again in record.faces:
        stored = plan.staged.face(again.face_id)
        if stored is None:
            continue
        plan.changes.embeddings.append(rows.embedding(again, record.model_id))
        if not ours:
            continue
        plan.changes.judged.append(rows.judged(again.face_id, record.model_id))
        if stored.vector is None and again.too_poor_because is None:
            gained[stored.media_id].append(rows.with_vector(stored, again, plan.scorer))
        elif stored.vector is None:
            plan.staged.put_face(rows.with_vector(stored, again, plan.scorer))
    for media_id, faces in gained.items():
        media = plan.staged.one_media(media_id)
        if media is None:
            continue
        plan.staged.lift(media)
        for face in faces:
            plan.staged.put_face(face)
        plan.compare.faces(plan.staged.put_media(media), offset, only={face.face_id for face in faces})
