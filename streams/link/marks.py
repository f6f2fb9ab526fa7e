"""Faces that people mark: added to their media, compared, and erased with the memberships they were marked on."""

from dataclasses import replace

from graph.actions.notices import Notice
from graph.domain import ids
from graph.domain.errors import Unprocessable
from streams.gallery.entities import Face, Media
from streams.gallery.state import Staged
from streams.link import faces
from streams.link.batch import Batch, event_of
from streams.link.stored_media import StoredFace
from streams.records.gallery import MarkEmbedded


def marked_faces(staged: Staged, media: Media) -> list[Face]:
    """The faces of the media that people marked."""
    return [face for face in staged.faces_of(media) if face.marked_on is not None]


def is_erased(staged: Staged, face: Face) -> bool:
    """Whether a marked face is erased: by itself, or with all memberships that it was marked on.

    A later submission of the media does not bring it back: the picture does not contain the mark, and the face's id is
    that of one act.
    """
    if face.marked_on is None:
        return False
    whole = staged.erased_at(f"media:{face.media_id}")
    ended = (max(whole, staged.erased_at(f"case:{case_id}")) >= at for case_id, at in face.marked_on.items())
    return staged.erased_at(f"face:{face.face_id}") >= 0 or all(ended)


def add(batch: Batch, record: MarkEmbedded) -> None:
    """Stages a marked face and compares it; a replay changes nothing.

    Raises Unprocessable if its media is not in the register: after a restore, older records may have to follow first.
    """
    face = Face(record.face.face_id, record.media_id, None, marked_on=record.mark.marked_on)
    media = batch.staged.media.get(record.media_id)
    known = media is not None and face.face_id in media.faces
    erased = not known and is_erased(batch.staged, face)
    if not erased:
        faces.check(batch, record, media)  # before anything is staged
    if media is None and not erased:
        raise Unprocessable("the media of the marked face is not in the register (yet)", code="media_unknown")
    batch.changes.processed.append(event_of(record.origin))
    batch.changes.marks.append({"act_id": record.mark.act_id, "face_id": face.face_id})
    if media is None or erased:
        batch.changes.removed_files.append(f"{record.media_id}/{face.face_id}")
        return
    if known:
        media, gained = faces.complete(batch, record, media)
    else:
        batch.staged.uncount(media)
        faces.put(batch, record, record.face, face)
        if (stored := batch.stored.get(media.media_id)) is not None:
            batch.stored[media.media_id] = stored.with_faces({face.face_id: StoredFace.of(record.face)})
        media, gained = replace(media, faces=(*media.faces, face.face_id)), True
    if gained:
        media = batch.staged.put_media(media)
        batch.compare.media(media, only={face.face_id})
    _notify(batch, record, media)


def _notify(batch: Batch, record: MarkEmbedded, media: Media) -> None:
    """Stages a notice for each source with the media in a case; the graph sends the same one only once."""
    face = record.face
    for source in sorted({ids.source_of(case_id) for case_id in media.memberships}):
        body: dict[str, object] = {
            "face_id": face.face_id,
            "media_id": media.media_id,
            "case_ids": sorted(case_id for case_id in media.memberships if ids.source_of(case_id) == source),
            "box": list(face.box),
            "too_poor": face.too_poor_because is not None,
            "standing": "assessed",
        }
        batch.changes.notices.append(Notice(f"face:{face.face_id}@{source}", source, "face_marked", body))
