"""Victims that a case system declares a picture to show: which of its faces is meant."""

from dataclasses import replace

from graph.domain.box import SAME_FACE_IOU, iou
from streams.gallery.entities import Media
from streams.link.batch import Batch
from streams.link.marks import marked_faces
from streams.records.gallery import MediaEmbedded


def declare(batch: Batch, record: MediaEmbedded, media: Media) -> None:
    victim = record.submitted.victim
    if victim is None or (face_id := victim_face(batch, record, media)) is None or face_id not in media.faces:
        return
    batch.changes.victims.append({"victim_id": victim.victim_id, "label": None, "version": 0})
    batch.changes.depicts.append({"face_id": face_id, "victim_id": victim.victim_id, "declared_by": victim.declared_by})
    if (face := batch.staged.faces.get(face_id)) is not None:
        # The smallest of several declared ones, in whatever order they arrive.
        names = filter(None, (face.declared, victim.victim_id))
        batch.staged.put_face(replace(face, declared=min(names)))


def victim_face(batch: Batch, record: MediaEmbedded, media: Media) -> str | None:
    """The face of the declared victim: the one in its box, else the only one, people's marks included; else None."""
    victim = record.submitted.victim
    if victim is None or (victim.box is None and marked_faces(batch.staged, media)):
        return None
    return declared_face(record, victim.box)


def declared_face(record: MediaEmbedded, box: list[int] | None) -> str | None:
    """The face in the box, or the only face if there is no box; None if that is ambiguous."""
    if box is None:
        return record.faces[0].face_id if len(record.faces) == 1 else None
    best = max(record.faces, key=lambda found: iou(found.box, box), default=None)
    return best.face_id if best is not None and iou(best.box, box) >= SAME_FACE_IOU else None
