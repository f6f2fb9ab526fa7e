"""Stored media that a newer detector has examined again: faces that it adds are compared, and sources are notified."""

from graph.actions.notices import Notice
from graph.domain import ids
from streams.gallery.entities import Media
from streams.link import faces
from streams.link.batch import Batch, event_of
from streams.link.media import completed, drop_files, examined
from streams.link.media_notices import picture_facts
from streams.link.stored_media import Detector
from streams.records.gallery import MediaReexamined


def complete(batch: Batch, record: MediaReexamined) -> None:
    """Stages what the record adds to its media; a replay, and a media that was erased meanwhile, changes nothing.

    Raises Unprocessable or OtherModel as `faces.check`, before anything is staged.
    """
    known = batch.staged.media.get(record.media_id)
    if known is None:
        drop_files(batch, record, None)
        batch.changes.processed.append(event_of(record.origin))
        return
    found, record, detector = examined(batch, record)
    faces.check(batch, record, known, detector)
    batch.changes.processed.append(event_of(record.origin))
    media, gained = completed(batch, found, record, known, detector)
    drop_files(batch, record, media)
    if gained:
        media = batch.staged.put_media(media)
        batch.compare.media(media)
    new = [name for name in media.faces if name not in known.faces]
    left_out = sum(face.face_id not in media.faces for face in record.faces)
    if detector is Detector.NEWER and (gained or left_out or record.frames > 1 or record.partial_percent is not None):
        _notify(batch, record, media, new, left_out)


def _notify(batch: Batch, record: MediaReexamined, media: Media, new: list[str], left_out: int) -> None:
    """Stages a notice for each source with the media in a case; the graph sends the same one only once."""
    for source in sorted({ids.source_of(case_id) for case_id in media.memberships}):
        body: dict[str, object] = {
            "media_id": media.media_id,
            "case_ids": sorted(case_id for case_id in media.memberships if ids.source_of(case_id) == source),
            "faces": len(media.faces),
            "too_poor": sum(face.vector is None for face in batch.staged.faces_of(media)),
            "new_faces": new,
            **picture_facts(record),
        }
        if left_out:
            body["faces_left_out"] = left_out
        batch.changes.notices.append(Notice(f"media:{media.media_id}@{source}", source, "reexamined", body))
