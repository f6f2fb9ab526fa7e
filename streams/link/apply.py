"""What records of the gallery log mean: each goes to the handler of its kind. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from graph.domain.comparison import InScope
from graph.domain.errors import Unprocessable
from streams.gallery.state import Gallery
from streams.link import cases, labels, marks, media, reembeddings, rows
from streams.link.batch import Batch, MembershipKey
from streams.link.erasures import erase
from streams.link.memberships import StoredMembership
from streams.records.gallery import (
    CaseRecord,
    Decided,
    EmbeddedFace,
    ErasureRecord,
    FacesEmbedded,
    GalleryRecord,
    LabelChanged,
    MarkEmbedded,
    MediaEmbedded,
    Migrated,
    ModelSwitched,
    PairsJudged,
    SearchAsked,
    SearchEnded,
    SourceEvent,
    VictimRecord,
    VictimsAssigned,
)


def batch_of(
    gallery: Gallery,
    model_id: str,
    records: Sequence[tuple[int, GalleryRecord]],
    progress: Callable[[], None] = lambda: None,
    memberships: Mapping[MembershipKey, StoredMembership] | None = None,
) -> Batch:
    """The batch of these records, each with its offset, as far as the first one that takes something away.

    What goes is taken from what stands in the graph at that record, not at the end of a longer batch.
    """
    batch = Batch(gallery, model_id, memberships=memberships, progress=progress)
    if records:
        batch.changes.first = batch.changes.last = records[0][0]
    new = [(face, scope) for _, record in records for face, scope in _new_faces(batch, record)]
    batch.score_all([face for face, _ in new])
    batch.compare.look_ahead([(face.face_id, batch.scored(face), scope) for face, scope in new])
    for offset, record in records:
        _apply(batch, offset, record)
        # Said again by who decided: memory may have been loaded from the graph after the decision.
        decided = record.faces.values() if isinstance(record, VictimsAssigned) else ()
        batch.compare.victims(batch.staged.means.grown({victim for victim in decided if victim is not None}))
        batch.applied += 1
        batch.changes.last = offset
        if batch.scope_reduced or batch.changes.removed_faces or batch.changes.removed_media:
            break
    batch.changes.groups = batch.staged.groups.rows()
    rows.forget_vectors()
    return batch


def _apply(batch: Batch, offset: int, record: GalleryRecord) -> None:
    batch.staged.begin_record()
    try:
        match record:
            case MediaEmbedded():
                media.submitted(batch, offset, record)
            case MarkEmbedded():
                marks.mark(batch, offset, record)
            case CaseRecord():
                cases.change(batch, offset, record)
            case VictimRecord():
                cases.register_victim(batch, record)
            case ErasureRecord():
                erase(batch, record)
            case SearchAsked():
                batch.answers.answer_known(record, offset)
            case SearchEnded():
                batch.answers.end(record.search_id, "asker")
            case VictimsAssigned():
                _assign(batch, record)
            case PairsJudged():
                batch.compare.judged(record.pairs, offset, apart=record.apart)
            case LabelChanged():
                labels.relabel(batch, offset, record)
            case FacesEmbedded():
                reembeddings.embedded_again(batch, offset, record)
            case ModelSwitched():
                raise TypeError("a switch of the model is a batch of its own")
    except Unprocessable as reason:
        if isinstance(record, SearchAsked):
            batch.answers.refuse(record.search_id, reason.message)
        elif not isinstance(record, Decided | Migrated):  # which nothing can make unprocessable
            batch.changes.quarantined.append(rows.quarantined(record.origin, reason))
    origin: SourceEvent | None = getattr(record, "origin", None)
    batch.answers.append(offset, origin.submitted_at if origin is not None else None)


def _assign(batch: Batch, record: VictimsAssigned) -> None:
    """What people decided stands in the graph already: from here on it counts for the caps."""
    for face_id, victim_id in record.faces.items():
        if (face := batch.staged.faces.get(face_id)) is not None:
            batch.staged.put_face(replace(face, assigned=victim_id))


def _new_faces(batch: Batch, record: GalleryRecord) -> list[tuple[EmbeddedFace, InScope]]:
    """The faces to compare of a media that is not known yet, each with the scope that it will have."""
    if not isinstance(record, MediaEmbedded) or record.model_id != batch.model_id:
        return []
    if batch.staged.dimensions is None or batch.staged.media.get(record.media_id) is not None:
        return []
    scope = batch.staged.scope_by_memberships(media.first_seen(record))
    try:
        rows.check_vectors(record, batch.staged.dimensions)
        return [(face, scope) for face in record.faces if face.too_poor_because is None]
    except Unprocessable:
        return []  # reported when the record itself is applied
