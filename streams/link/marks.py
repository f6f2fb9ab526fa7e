"""A face that a person marked: added to its media, compared, and gone with what it was marked on."""

from __future__ import annotations

from dataclasses import replace

from graph.actions.notices import Notice
from graph.domain import ids
from graph.domain.errors import Unprocessable
from streams.gallery.entities import Face, Media
from streams.gallery.state import Staged
from streams.link import faces, rows
from streams.link.batch import Batch
from streams.records.gallery import MarkEmbedded


def marked(staged: Staged, media: Media) -> list[Face]:
    """The faces of the media that people marked."""
    known = (staged.faces.get(face_id) for face_id in media.faces)
    return [face for face in known if face is not None and face.marked_on is not None]


def is_erased(staged: Staged, face: Face) -> bool:
    """Whether a marked face must not stand: it was erased itself, or all memberships that it was marked on were.

    Its id is that of one act: nothing but that act's own record could bring it back. A later submission of the media
    is no reason to, because it does not hold the mark.
    """
    if face.marked_on is None:
        return False
    whole = staged.erased_at(f"media:{face.media_id}")
    ended = (max(whole, staged.erased_at(f"case:{case_id}")) >= at for case_id, at in face.marked_on.items())
    return staged.erased_at(f"face:{face.face_id}") >= 0 or all(ended)


def mark(batch: Batch, offset: int, record: MarkEmbedded) -> None:
    """Stages a marked face and compares it; read again it changes nothing.

    Unprocessable where its media is not in the register: an older backup may have to catch up with it first.
    """
    face = Face(record.face.face_id, record.media_id, None, marked_on=record.mark.marked_on)
    media = batch.staged.media.get(record.media_id)
    stands = media is not None and face.face_id in media.faces
    erased = not stands and is_erased(batch.staged, face)
    if not erased:
        faces.check(batch, record, media)  # before anything of it is staged
    if media is None and not erased:
        raise Unprocessable("the media of the marked face is not in the register (yet)", code="media_unknown")
    batch.changes.processed.append(rows.event(record.origin))
    batch.changes.marks.append({"act_id": record.mark.act_id, "face_id": face.face_id})
    if media is None or erased:
        batch.changes.removed_files.append(f"{record.media_id}/{face.face_id}")
        return
    if stands:
        media, gained = faces.complete(batch, record, media)
    else:
        batch.staged.uncount(media)
        faces.put_face(batch, record, record.face, face)
        media, gained = replace(media, faces=(*media.faces, face.face_id)), True
    if gained:
        media = batch.staged.put_media(media)
        batch.compare.faces(media, offset, only={face.face_id})
    _tell(batch, record, media)


def _tell(batch: Batch, record: MarkEmbedded, media: Media) -> None:
    """Stages a notice for each source that has the media in a case; the same is never told twice."""
    face = record.face
    for source in sorted({ids.source_of(case_id) for case_id in media.memberships}):
        own = sorted(case_id for case_id in media.memberships if ids.source_of(case_id) == source)
        body: dict[str, object] = {
            "face_id": face.face_id, "media_id": media.media_id, "case_ids": own, "box": list(face.box),
            "too_poor": face.too_poor_because is not None, "standing": "assessed",
        }  # fmt: skip
        batch.changes.notices.append(Notice(f"face:{face.face_id}@{source}", source, "face_marked", body))
