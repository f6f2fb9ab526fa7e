"""Faces that a media record or a mark brings, added to the register or completed."""

from dataclasses import replace
from typing import Any, Final

from graph.domain.erasure import STAYS_AWAY
from graph.domain.errors import OtherModel
from graph.domain.ids import face_id
from streams.gallery.entities import Face, Media
from streams.link.batch import Batch
from streams.link.stored_media import Detector, StoredFace
from streams.records.gallery import EmbeddedFace, ExaminedMedia, MarkEmbedded, MediaEmbedded

RANKS: Final = 200
"""Ranks of which an erased face's id is computed: no picture in the evaluation has as many faces."""
_PLACE: Final = (
    "box",
    "landmarks",
    "detection_score",
    "page",
    "display_crop",
    "crop_region",
    "aligned_crop",
    "context_view",
)
"""What a stored face takes from a newer detector."""


def check(
    batch: Batch, record: ExaminedMedia | MarkEmbedded, known: Media | None, detector: Detector = Detector.SAME
) -> None:
    """Raises Unprocessable for malformed vectors, OtherModel if a record of another model would add a face.

    Other records of another model are accepted: their embeddings are stored and not compared.
    """
    batch.check_vectors(record)
    if record.model_id == batch.model_id:
        return
    new = [face.face_id for face in record.faces if known is None or face.face_id not in known.faces]
    if known is not None and isinstance(record, ExaminedMedia):
        last = known.last_submitted_at
        if isinstance(record, MediaEmbedded):
            last = max(last, record.origin.submitted_at)
        adds_new = _adds_new(batch, record, detector, last)
        new = [name for name in new if _may_add(batch, name, last, adds_new=adds_new)]
    if new:
        raise OtherModel(
            f"it was embedded with {record.model_id}, and the register holds {batch.model_id}: it is tried again until "
            "the embed workers run with that one",
            host=f"model {batch.model_id}",
        )


def complete(
    batch: Batch, record: ExaminedMedia | MarkEmbedded, media: Media, detector: Detector = Detector.SAME
) -> tuple[Media, bool]:
    """A known media with the faces and vectors that it lacked, and whether these must be compared now.

    Added are faces erased before the media's last submission, faces that a search found by turning the picture, those
    of a newer detector, and the current model's vectors of stored faces without one. Embeddings of another model are
    stored for a later switch. A newer detector's crops replace the stored ones, and its vector that of a face that was
    too poor; an older one's record changes nothing of a stored face.
    """
    ordinals = {face.face_id: face.ordinal for face in record.faces}
    if (known := batch.stored.get(media.media_id)) is not None:
        ordinals |= {name: face.ordinal for name, face in known.faces.items()}
    last_submitted_at, gained = media.last_submitted_at, False
    adds_new = _adds_new(batch, record, detector, last_submitted_at)
    for face in record.faces:
        stored = batch.staged.faces.get(face.face_id) if face.face_id in media.faces else None
        if stored is None:
            if not _may_add(batch, face.face_id, last_submitted_at, adds_new=adds_new):
                continue
            names = sorted((*media.faces, face.face_id), key=lambda name: ordinals.get(name, len(ordinals)))
            media = replace(media, faces=tuple(names))
        elif record.model_id != batch.model_id:
            batch.put_embedding(face, record.model_id)
            continue
        elif stored.vector is not None or detector is Detector.OLDER:
            continue
        elif face.too_poor_because is not None:
            if detector is Detector.SAME:
                _write(batch, record, face, stored)
            continue
        if not gained:
            batch.staged.uncount(media)
        put(batch, record, face, stored, supersedes=stored is not None and detector is Detector.NEWER)
        gained = True
    return media, gained


def put(
    batch: Batch,
    record: ExaminedMedia | MarkEmbedded,
    face: EmbeddedFace,
    stored: Face | None = None,
    *,
    supersedes: bool = False,
) -> None:
    """Stages a new face, or the vector of a stored one, whose label, victim and mark stay; writes its embedding."""
    stored = stored or Face(face.face_id, record.media_id, None)
    batch.staged.put_face(batch.with_vector(stored, face))
    _write(batch, record, face, stored, supersedes=supersedes)


def update_places(batch: Batch, found: ExaminedMedia, record: ExaminedMedia, media: Media, detector: Detector) -> None:
    """Stages the ids by which the record's detector `found` stored faces, and a newer one's places and crops of them.

    `record` has the same faces under their stored ids. A face that a person marked, and a newer detector found, no
    longer depends on its mark: the picture has it.
    """
    known = batch.stored[media.media_id]
    names = {face.display_crop: face.face_id for face in found.faces}
    changed: dict[str, StoredFace] = {}
    for face in record.faces:
        if face.face_id not in media.faces:
            continue
        name, before = names[face.display_crop], known.faces.get(face.face_id)
        if before is None:  # new with this record
            changed[face.face_id] = StoredFace.of(face)
            continue
        is_alias = name != face.face_id and name not in before.seen_as
        after = replace(before, seen_as=(*before.seen_as, name)) if is_alias else before
        row: dict[str, Any] = {"seen_as": list(after.seen_as)} if is_alias else {}
        if detector is Detector.NEWER:
            after = StoredFace.of(face, after.seen_as)
            row |= face.model_dump(include=set(_PLACE))
            row |= _without_mark(batch, face.face_id)
            if before.crop != after.crop:
                batch.changes.removed_files.append(f"{media.media_id}/{before.crop}")
        if row:
            batch.changes.updated_faces.append({"face_id": face.face_id, "face": row})
            changed[face.face_id] = after
    batch.stored[media.media_id] = known.with_faces(changed)


def _without_mark(batch: Batch, name: str) -> dict[str, None]:
    stored = batch.staged.faces.get(name)
    if stored is None or stored.marked_on is None:
        return {}
    batch.staged.put_face(replace(stored, marked_on=None))
    return {"marked_on": None, "marked_since": None}


def may_return(batch: Batch, name: str, last_submitted_at: int) -> bool:
    """Whether a face of this id may be in a media submitted then: if it was erased, only if the media was submitted
    since, and never if it was erased because it is no face, or somebody unrelated."""
    erased = batch.staged.erasures.get(f"face:{name}")
    return erased is None or (erased.requested_at < last_submitted_at and erased.code not in STAYS_AWAY)


def _may_add(batch: Batch, name: str, last_submitted_at: int, *, adds_new: bool) -> bool:
    """Whether this face may be added to a known media: one that was erased and may return, or a new one."""
    is_new = batch.staged.erasures.get(f"face:{name}") is None
    return adds_new if is_new else may_return(batch, name, last_submitted_at)


def _adds_new(batch: Batch, record: ExaminedMedia | MarkEmbedded, detector: Detector, last_submitted_at: int) -> bool:
    """Whether the record may add faces to its media that it never had.

    From a search whose asker turned the picture, because earlier records of the media did not detect faces that way;
    and from a detector that is no older one, unless a face may be one that was erased since the media was last
    submitted: no box of an erased face is kept, so nobody can tell the two apart. After a later submission a face that
    stays away may return under the id of a detector that had not found it: a missed child would be worse.
    """
    if isinstance(record, MediaEmbedded) and record.search is not None and record.search.turn != 0:
        return True
    known = batch.stored.get(record.media_id)
    if isinstance(record, MarkEmbedded) or detector is Detector.OLDER or known is None:
        return False
    ids = [face_id(record.media_id, name, rank) for name in known.detectors for rank in range(RANKS)]
    erased_at = batch.staged.erased_at(*(f"face:{name}" for name in ids))
    return max(erased_at, known.face_erased_at) < last_submitted_at


def _write(
    batch: Batch, record: ExaminedMedia | MarkEmbedded, face: EmbeddedFace, stored: Face, *, supersedes: bool = False
) -> None:
    fields: dict[str, Any] = {**face.model_dump(exclude={"face_id", "vector", "norm"}), "stub": None}
    if (marked_on := stored.marked_on) is not None:
        fields |= {"marked_on": [*marked_on], "marked_since": [*marked_on.values()]}
    batch.changes.faces.append({"face_id": face.face_id, "media_id": record.media_id, "face": fields})
    batch.put_embedding(face, record.model_id, supersedes=supersedes)
