"""A media event, embedded: its media, membership and faces are staged and compared, and its source is notified."""

from collections.abc import Mapping
from dataclasses import replace

from graph.domain.comparison import InScope
from graph.files import crop_name
from streams.gallery.entities import Media
from streams.link import faces
from streams.link.batch import Batch
from streams.link.declared_victims import declare
from streams.link.media_notices import notify
from streams.link.memberships import StoredMembership, possible_date
from streams.link.scope_reduction import reduce_scope
from streams.link.stored_media import Detector, Examined, StoredFace, StoredMedia, with_stored_ids
from streams.records.gallery import ExaminedMedia, MediaEmbedded


def submit(batch: Batch, record: MediaEmbedded) -> None:
    """Stages the event's media and compares what is new. Whatever was erased since the submission is dropped."""
    event, origin = record.submitted, record.origin
    case = batch.case_of(event.case_id, event.district, origin)
    known = batch.staged.media.get(record.media_id)
    if _is_erased(batch, record):
        drop_files(batch, record, known)
        if record.search is not None:
            batch.answers.refuse(record.search.search_id, "the picture or its case was erased meanwhile")
        batch.notify(origin, "erased", {"media_id": record.media_id, "case_id": event.case_id})
        return
    found, record, detector = examined(batch, record)
    faces.check(batch, record, known, detector)  # before anything is staged
    if batch.staged.cases.get(case.case_id) is None:
        batch.put_case(case)
    before = known.scope if known else None
    media = known or _new_media(batch, record)
    media, joined, repeated = _with_membership(batch, media, record)
    gained = False
    if known is not None:
        media, gained = completed(batch, found, record, media, detector)
    drop_files(batch, record, media)
    if known is None or joined or gained:
        media = batch.staged.put_media(media)
    _replay_if_crops_are_lost(batch, record, media, known)
    if known is None or gained or _is_wider(before, media.scope):
        batch.compare.media(media)
    if _is_wider(media.scope, before):
        reduce_scope(batch, [media])
    if event.victim is not None:
        declare(batch, record, media)
    if record.search is not None:
        batch.answers.answer_upload(record.search, media)
    notify(batch, record, media, repeated=repeated and not gained)


def examined(batch: Batch, record: Examined) -> tuple[Examined, Examined, Detector]:
    """The record as it came and with the ids of stored faces, and what its detector is to the media's."""
    stored = batch.stored.get(record.media_id)
    if stored is None and batch.staged.media.get(record.media_id) is not None:
        return record, record, Detector.SAME  # it names no other faces than those that are stored
    stored = stored or StoredMedia(record.detector_id)
    return record, with_stored_ids(record, stored, batch.staged), stored.detector_of(record)


def completed(
    batch: Batch, found: ExaminedMedia, record: ExaminedMedia, media: Media, detector: Detector
) -> tuple[Media, bool]:
    """The known media with the faces and vectors that it lacked, and whether these must be compared now.

    A newer detector's facts of the picture replace the stored ones.
    """
    media, gained = faces.complete(batch, record, media, detector)
    if record.media_id not in batch.stored:
        return media, gained
    faces.update_places(batch, found, record, media, detector)
    if detector is Detector.NEWER:
        known = batch.stored[media.media_id].examined_by(record)
        batch.stored[media.media_id] = known
        row = {"media_id": media.media_id, "former_detectors": list(known.former), "not_reexamined": None}
        row["captured_at"] = possible_date(record.captured_at, media.last_submitted_at)[0]
        batch.changes.updated_media.append({**row, **facts(record)})
    return media, gained


def facts(record: ExaminedMedia) -> dict[str, object]:
    """What a media record says of the picture itself."""
    return {
        "content_type": record.content_type,
        "width": record.width,
        "height": record.height,
        "frames": record.frames,
        "frames_examined": record.frames_examined,
        "partial_percent": record.partial_percent,
        "detector_id": record.detector_id,
    }


def first_seen(record: MediaEmbedded) -> Media:
    """The media as this event alone makes it, without its faces."""
    return Media(record.media_id, {record.submitted.case_id: StoredMembership.of(record).in_memory})


def _is_erased(batch: Batch, record: MediaEmbedded) -> bool:
    subjects = (f"media:{record.media_id}", f"case:{record.submitted.case_id}")
    return record.origin.submitted_at <= batch.staged.erased_at(*subjects)


def _new_media(batch: Batch, record: MediaEmbedded) -> Media:
    """A media with all its faces, but those erased after the submission."""
    submitted_at = record.origin.submitted_at
    batch.changes.media.append(
        {
            "media_id": record.media_id,
            "kind": "picture",
            **facts(record),
            "url": record.submitted.url,
            "captured_at": possible_date(record.captured_at, submitted_at)[0],
            "first_submitted_at": submitted_at,
        }
    )
    new = sorted(record.faces, key=lambda face: face.ordinal)
    new = [face for face in new if faces.may_return(batch, face.face_id, submitted_at)]
    for face in new:
        faces.put(batch, record, face)
    stored_faces = {face.face_id: StoredFace.of(face) for face in new}
    stored = StoredMedia(record.detector_id, faces=stored_faces, size=(record.width, record.height))
    batch.stored[record.media_id] = stored
    return Media(record.media_id, faces=tuple(face.face_id for face in new))


def _with_membership(batch: Batch, media: Media, record: MediaEmbedded) -> tuple[Media, bool, bool]:
    """The media with the event's membership, whether that changed it, and whether the event states nothing new."""
    case_id = record.submitted.case_id
    key = media.media_id, case_id
    # After a batch was written in part and refused, memory may hold a membership that the graph lost: write it again.
    old = batch.memberships.get(key) if case_id in media.memberships else None
    if old is not None and record.search is not None:
        return media, False, True
    new = StoredMembership.of(record) if old is None else old.merged(StoredMembership.of(record))
    if new == old:
        return media, False, True
    batch.memberships[key] = new
    batch.changes.memberships.append(new.row(*key))
    joined = replace(media, memberships={**media.memberships, case_id: new.in_memory})
    return joined, True, old is not None and old.states_same(new)


def drop_files(batch: Batch, record: ExaminedMedia, media: Media | None) -> None:
    """Stages the deletion of crops that embed stored and no face in the register refers to."""
    if media is None:
        batch.changes.removed_files.append(record.media_id)
        return
    known = batch.stored.get(record.media_id)
    stored: Mapping[str, StoredFace] = known.faces if known is not None else {}
    used = {stored[name].crop if name in stored else name for name in media.faces}
    crops = dict.fromkeys(crop_name(face.display_crop) for face in record.faces)
    batch.changes.removed_files += [f"{record.media_id}/{name}" for name in crops if name not in used]


def _replay_if_crops_are_lost(batch: Batch, record: MediaEmbedded, media: Media, known: Media | None) -> None:
    """Stages a replay of the event if new crops may have been deleted: an erasure did, or a record that left faces out.

    Embed stores crops before link reads the record. Only the relay knows what is stored: it replays unless all crops
    are. The second record changes nothing.
    """
    new = [face for face in record.faces if face.face_id in media.faces]
    subjects = [f"media:{record.media_id}", f"case:{record.submitted.case_id}"]
    if known is not None:
        new = [face for face in new if face.face_id not in known.faces]
    subjects += [f"face:{face.face_id}" for face in new]
    if new and (known is not None or batch.staged.erased_at(*subjects) >= 0):
        named = [crop for face in new for crop in (face.display_crop, face.aligned_crop, face.context_view)]
        crops = [crop for crop in named if crop is not None]
        batch.changes.replays.append({**record.origin.model_dump(), "unless_stored": crops})


def _is_wider(before: InScope | None, after: InScope | None) -> bool:
    """Whether `after` allows comparisons that `before` does not."""
    if before is None or after is None:
        return False
    return (after.register and not before.register) or bool(after.cases - before.cases)
