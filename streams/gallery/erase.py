"""What an erasure takes out of the gallery and the graph."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from graph.domain import ids
from graph.domain.errors import Unprocessable
from streams.gallery.mark import is_erased, marked
from streams.gallery.state import Media
from streams.records import ErasureRecord

if TYPE_CHECKING:
    from streams.gallery.plan import Plan


def erase(plan: Plan, record: ErasureRecord) -> None:
    """Stages the erasure of a media, a case or a face, and that it stays erased for all older events.

    Unprocessable where the subject is no id, or belongs to another source.
    """
    ((kind, subject),) = record.erasure.subject.items()
    if record.erasure_id is None:  # a person's was checked where it was asked for
        _check(plan, kind, subject, record.origin.source)
    name = f"{kind.removesuffix('_id')}:{subject}"
    requested_at = record.origin.submitted_at
    plan.staged.erasures[name] = max(requested_at, plan.staged.erased_at(name))
    plan.changes.erasures.append({"subject": name, "requested_at": requested_at, "erasure_id": record.erasure_id})
    if kind == "face_id":
        _erase_face(plan, subject, requested_at)
    elif kind == "media_id":
        # Crops can lie there without a media in the graph: of an event that waits in quarantine.
        plan.changes.gone_files.append(subject)
        media = plan.staged.one_media(subject)
        if media is not None:
            older = [case for case, member in media.memberships.items() if member.submitted_at <= requested_at]
            _leave(plan, media, older)
    else:
        plan.answers.end_with_case(subject, "erased")
        for media in plan.media_of_case(subject):
            _leave(plan, media, [subject] if media.memberships[subject].submitted_at <= requested_at else [])
    plan.take_back_erased()
    plan.tell(record.origin, "erased", {kind: subject, "requested_at": requested_at}, sources=record.sources)


def _check(plan: Plan, kind: str, subject: str, source: str) -> None:
    if kind == "case_id":
        cases = {subject}
    elif not ids.is_digest(subject):
        raise Unprocessable(f"subject: a {kind} has 64 hex digits", code="invalid_event")
    else:
        face = plan.staged.face(subject) if kind == "face_id" else None
        media = plan.staged.one_media(face.media_id if face else subject)
        cases = set(media.memberships) if media else set[str]()
    if any(ids.source_of(case_id) != source for case_id in cases):
        raise Unprocessable(
            f"source {source} may erase what is in its own cases only; of another source's, that source",
            code="other_source",
        )


def _leave(plan: Plan, media: Media, cases: list[str]) -> None:
    """Ends memberships; a media without any is erased with its faces, their vectors and its stored files.

    From one that stays goes what stood on the memberships that ended, these or older ones of the same cases.
    """
    plan.changes.gone_memberships += [ids.membership_id(media.media_id, case_id) for case_id in cases]
    left = {case_id: member for case_id, member in media.memberships.items() if case_id not in cases}
    if left:
        rest = replace(media, memberships=left)
        # What was erased and came back with a membership that ends now goes with it.
        older = [face for face in media.faces if plan.staged.erased_at(f"face:{face}") >= rest.last_submitted_at]
        older += [face.face_id for face in marked(plan.staged, media) if is_erased(plan.staged, face)]
        plan.compare.narrow([_without_faces(plan, rest, older)])
        return
    plan.changes.gone_faces += media.faces
    plan.changes.gone_media.append(media.media_id)
    plan.changes.gone_files.append(media.media_id)
    # The media's files stay where it has come back by then, and what was marked in it does not come back with it.
    plan.changes.gone_files += [f"{media.media_id}/{face.face_id}" for face in marked(plan.staged, media)]
    plan.staged.forget_media(media)


def _erase_face(plan: Plan, face_id: str, requested_at: int) -> None:
    face = plan.staged.face(face_id)
    media = plan.staged.one_media(face.media_id) if face else None
    if face is None or media is None:
        return
    if face.marked_on is not None or media.last_submitted_at <= requested_at:  # else submitted again since
        _without_faces(plan, media, [face_id])


def _without_faces(plan: Plan, media: Media, face_ids: list[str]) -> Media:
    """Stages the media without these of its faces, which are erased with their stored files."""
    plan.changes.gone_faces += face_ids
    plan.changes.gone_files += [f"{media.media_id}/{face_id}" for face_id in face_ids]
    left = plan.staged.put_media(replace(media, faces=tuple(face for face in media.faces if face not in face_ids)))
    for face_id in face_ids:
        plan.staged.forget_face(face_id)
    return left
