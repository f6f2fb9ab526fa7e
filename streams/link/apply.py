"""Applies records of the gallery log: each goes to the handler of its kind. No I/O."""

from collections.abc import Callable, Mapping, Sequence

from graph.domain.comparison import InScope
from graph.domain.errors import Unprocessable
from streams.gallery.state import Gallery
from streams.link import cases, decisions, labels, marks, media, reembeddings, reexaminations
from streams.link.batch import Batch, MembershipKey
from streams.link.erasures import erase
from streams.link.memberships import StoredMembership
from streams.link.stored_media import StoredMedia
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
    MediaReexamined,
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
    stored: Mapping[str, StoredMedia] | None = None,
) -> Batch:
    """The batch of these records, each with its offset, up to the first one that removes anything.

    Removals are computed against committed state, so no later record may be in the batch.
    """
    first = records[0][0] if records else -1
    batch = Batch(gallery, model_id, offset=first, memberships=memberships, stored=stored, progress=progress)
    new = [(face, scope) for _, record in records for face, scope in _new_faces(batch, record)]
    batch.score_all([face for face, _ in new])
    batch.compare.prefetch([(face.face_id, batch.scored(face), scope) for face, scope in new])
    for offset, record in records:
        batch.changes.last = offset
        _apply(batch, record)
        # Also unchanged means of the victims decided on: the gallery may have been loaded after the decision.
        decided = decisions.victims(record) if isinstance(record, VictimsAssigned) else ()
        batch.compare.means(batch.staged.means.grown(decided))
        batch.applied += 1
        if batch.scope_reduced or batch.changes.removed_faces or batch.changes.removed_media:
            break
    batch.changes.groups = batch.staged.groups.rows()
    return batch


def _apply(batch: Batch, record: GalleryRecord) -> None:
    batch.staged.begin_record()
    try:
        _handle(batch, record)
    except Unprocessable as reason:
        if isinstance(record, SearchAsked):
            batch.answers.refuse(record.search_id, reason.message)
        elif not isinstance(record, Decided | Migrated):  # these are always processable
            batch.quarantine(record.origin, reason)
    origin: SourceEvent | None = getattr(record, "origin", None)
    batch.answers.extend(origin.submitted_at if origin is not None else None)


def _handle(batch: Batch, record: GalleryRecord) -> None:
    match record:
        case MediaEmbedded():
            media.submit(batch, record)
        case MediaReexamined():
            reexaminations.complete(batch, record)
        case MarkEmbedded():
            marks.add(batch, record)
        case CaseRecord():
            cases.change(batch, record)
        case VictimRecord():
            cases.register_victim(batch, record)
        case ErasureRecord():
            erase(batch, record)
        case SearchAsked():
            batch.answers.answer_stored(record)
        case SearchEnded():
            batch.answers.end(record.search_id, "asker")
        case VictimsAssigned():
            decisions.assign_victims(batch, record)
        case PairsJudged():
            batch.compare.grouping.regroup(record.pairs, cannot_link=record.apart)
        case LabelChanged():
            labels.relabel(batch, record)
        case FacesEmbedded():
            reembeddings.add(batch, record)
        case ModelSwitched():
            raise TypeError("a switch of the model is a batch of its own")


def _new_faces(batch: Batch, record: GalleryRecord) -> list[tuple[EmbeddedFace, InScope]]:
    """The faces to compare of a media that is not known yet, each with the scope that it will have."""
    if not isinstance(record, MediaEmbedded) or record.model_id != batch.model_id:
        return []
    if batch.staged.dimensions is None or batch.staged.media.get(record.media_id) is not None:
        return []
    scope = batch.staged.scope_by_memberships(media.first_seen(record))
    try:
        batch.check_vectors(record)
        return [(face, scope) for face in record.faces if face.too_poor_because is None]
    except Unprocessable:
        return []  # reported when the record itself is applied
