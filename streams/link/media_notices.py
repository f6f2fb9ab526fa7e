"""Notices of media: what was found in a picture, how much of it was examined, and what had been erased before."""

from streams.gallery.entities import Media
from streams.link.batch import Batch
from streams.link.declared_victims import victim_face
from streams.link.marks import marked_faces
from streams.link.memberships import possible_date
from streams.records.gallery import ExaminedMedia, MediaEmbedded


def notify(batch: Batch, record: MediaEmbedded, media: Media, *, repeated: bool) -> None:
    """Stages the notice; faces that people marked count like the record's."""
    marked = marked_faces(batch.staged, media)
    present = [face for face in record.faces if face.face_id in media.faces]
    found = len(present) + len(marked)
    too_poor = sum(face.too_poor_because is not None for face in present)
    too_poor += sum(face.vector is None for face in marked)
    in_scope = media.scope is not None and bool(media.scope.register or media.scope.cases)
    body: dict[str, object] = {
        "media_id": record.media_id,
        "case_id": record.submitted.case_id,
        "source_ref": record.submitted.source_ref,
        "faces": len(media.faces),
        "too_poor": too_poor,
        "compared": in_scope and len(media.faces) > too_poor,
    }
    result = "no_face" if not found else "too_poor" if too_poor == found else "faces_found"
    if repeated:
        body = {"result": result, **body}
    stated = record.submitted.captured_at
    dates = (stated and stated.isoformat(), record.captured_at)
    impossible = [possible_date(date, record.origin.submitted_at)[1] for date in dates]
    if any(impossible):
        body["captured_at_ignored"] = "; ".join(filter(None, impossible))
    body |= picture_facts(record) | _erasures(batch, record, media)
    if record.submitted.victim is not None and victim_face(batch, record, media) is None:
        body["to_do"] = "the declared victim fits no single face: a person has to choose one"
    batch.notify(record.origin, "duplicate" if repeated else result, body)


def _erasures(batch: Batch, record: MediaEmbedded, media: Media) -> dict[str, object]:
    """What a notice says of earlier erasures in the event's district: of what is in the register again, and of faces
    that stay away."""
    of_faces = [f"face:{face.face_id}" for face in record.faces if face.face_id in media.faces]
    subjects = [f"media:{record.media_id}", f"case:{record.submitted.case_id}", *of_faces]
    away = [f"face:{face.face_id}" for face in record.faces if face.face_id not in media.faces]
    found = {"erased_before": subjects, "stays_erased": away}
    told = {
        name: [
            {"subject": subject, "requested_at": erased.requested_at, "code": erased.code}
            for subject in of
            if (erased := batch.staged.erasures.get(subject)) is not None
            and record.submitted.district in erased.districts
        ]
        for name, of in found.items()
    }
    return {name: erasures for name, erasures in told.items() if erasures}


def picture_facts(record: ExaminedMedia) -> dict[str, object]:
    """What a notice says of the picture where it was not examined whole, or has several pages."""
    found: dict[str, object] = {}
    if record.frames > 1:
        found |= {"frames": record.frames, "frames_examined": record.frames_examined}
    if record.partial_percent is not None:
        found["partial_percent"] = record.partial_percent
    return found
