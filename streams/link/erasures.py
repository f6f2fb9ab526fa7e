"""Erasures of a media, a case or a face from the gallery and the graph."""

from dataclasses import replace

from graph.domain import ids
from graph.domain.erasure import STAYS_AWAY, Erased, code_of
from graph.domain.errors import Unprocessable
from streams.gallery.entities import Media
from streams.link.batch import Batch
from streams.link.marks import is_erased, marked_faces
from streams.link.scope_reduction import reduce_scope
from streams.records.gallery import ErasureRecord


def erase(batch: Batch, record: ErasureRecord) -> None:
    """Stages an erasure; it stays in effect for everything submitted up to its request.

    Raises Unprocessable if the subject is no id, or belongs to another source.
    """
    ((kind, subject),) = record.erasure.subject.items()
    if record.erasure_id is None:  # a person's request was checked by the API
        _check(batch, kind, subject, record.origin.source)
    name = f"{kind.removesuffix('_id')}:{subject}"
    requested_at = record.origin.submitted_at
    face = batch.staged.faces.get(subject) if kind == "face_id" else None
    code = code_of(record.erasure.code, record.erasure.reason, face.label if face is not None else None)
    erased = Erased(requested_at, code)
    erased = erased._replace(districts=_districts(batch, kind, subject, requested_at))
    _put(batch, name, erased, erasure_id=record.erasure_id)
    if kind == "face_id":
        for other in _ids_by_other_detectors(batch, subject):
            _put(batch, f"face:{other}", erased._replace(face_id=subject))
        _erase_face(batch, subject, erased)
    elif kind == "media_id":
        # The store may hold crops without a media in the graph: those of an event in quarantine.
        batch.changes.removed_files.append(subject)
        media = batch.staged.media.get(subject)
        if media is not None:
            older = [case for case, member in media.memberships.items() if member.submitted_at <= requested_at]
            _end_memberships(batch, media, older)
    else:
        batch.answers.end_with_case(subject, "erased")
        for media in batch.media_of_case(subject):
            older = [subject] if media.memberships[subject].submitted_at <= requested_at else []
            _end_memberships(batch, media, older)
    batch.drop_erased()
    body: dict[str, object] = {kind: subject, "requested_at": requested_at, "code": erased.code}
    batch.notify(record.origin, "erased", body, sources=record.sources)


def _put(batch: Batch, name: str, erased: Erased, *, erasure_id: str | None = None) -> None:
    """Stages the erasure of a subject; of several requests the latest counts, and the districts of all.

    A face that stays away does so whatever a later request says.
    """
    before = batch.staged.erasures.get(name) or Erased(-1)
    districts = tuple(sorted({*before.districts, *erased.districts}))
    latest = erased if erased.requested_at >= before.requested_at else before
    code = before.code if before.code in STAYS_AWAY else latest.code
    latest = latest._replace(code=code, face_id=erased.face_id or before.face_id, districts=districts)
    batch.staged.erasures.put(name, latest)
    batch.changes.erasures.append({"subject": name, **latest._asdict(), "erasure_id": erasure_id})


def _districts(batch: Batch, kind: str, subject: str, requested_at: int) -> tuple[str, ...]:
    """The districts of the cases that the subject lay in when its erasure was requested."""
    cases = [subject] if kind == "case_id" else []
    face = batch.staged.faces.get(subject) if kind == "face_id" else None
    media = batch.staged.media.get(face.media_id if face is not None else subject)
    if media is not None and kind != "case_id":
        cases = [name for name, member in media.memberships.items() if member.submitted_at <= requested_at]
    known = map(batch.staged.cases.get, cases)
    return tuple(sorted({case.district for case in known if case is not None}))


def _ids_by_other_detectors(batch: Batch, face_id: str) -> tuple[str, ...]:
    """The ids by which other detectors found the face: it is erased under these too."""
    face = batch.staged.faces.get(face_id)
    media = batch.stored.get(face.media_id) if face is not None else None
    stored = media.faces.get(face_id) if media is not None else None
    return stored.seen_as if stored is not None else ()


def _check(batch: Batch, kind: str, subject: str, source: str) -> None:
    if kind == "case_id":
        cases = {subject}
    elif not ids.is_digest(subject):
        raise Unprocessable(f"subject: a {kind} has 64 hex digits", code="invalid_event")
    else:
        face = batch.staged.faces.get(subject) if kind == "face_id" else None
        media = batch.staged.media.get(face.media_id if face else subject)
        cases = set(media.memberships) if media else set[str]()
    if any(ids.source_of(case_id) != source for case_id in cases):
        raise Unprocessable(
            f"source {source} may erase what is in its own cases only; of another source's, that source",
            code="other_source",
        )


def _end_memberships(batch: Batch, media: Media, cases: list[str]) -> None:
    """Ends memberships. A media without any is erased with its faces, their vectors and its stored files.

    A media with others loses the faces that depended on the ended ones, or on earlier ones of the same cases.
    """
    batch.changes.removed_memberships += [ids.membership_id(media.media_id, case_id) for case_id in cases]
    left = {case_id: member for case_id, member in media.memberships.items() if case_id not in cases}
    marked = marked_faces(batch.staged, media)
    if left:
        rest = replace(media, memberships=left)
        # A face that was erased, and restored by a membership that ends now, is erased again.
        older = [face for face in media.faces if batch.staged.erased_at(f"face:{face}") >= rest.last_submitted_at]
        older += [face.face_id for face in marked if is_erased(batch.staged, face)]
        reduce_scope(batch, [_without_faces(batch, rest, older)])
        return
    batch.changes.removed_faces += media.faces
    batch.changes.removed_media.append(media.media_id)
    batch.changes.removed_files.append(media.media_id)
    # If the media is submitted again by then, its files stay; its marked faces do not come back, so their files go.
    batch.changes.removed_files += [f"{media.media_id}/{face.face_id}" for face in marked]
    batch.staged.remove_media(media)


def _erase_face(batch: Batch, face_id: str, erased: Erased) -> None:
    """Stages the erasure of a face, but for one in a later submission whose reason lets it come back with that."""
    face = batch.staged.faces.get(face_id)
    media = batch.staged.media.get(face.media_id) if face else None
    if face is None or media is None:
        return
    is_in_later_submission = face.marked_on is None and media.last_submitted_at > erased.requested_at
    if erased.code in STAYS_AWAY or not is_in_later_submission:
        _without_faces(batch, media, [face_id])
        batch.changes.updated_media.append({"media_id": media.media_id, "face_erased_at": erased.requested_at})


def _without_faces(batch: Batch, media: Media, face_ids: list[str]) -> Media:
    """Stages the media without these of its faces, and the deletion of their stored files."""
    batch.changes.removed_faces += face_ids
    batch.changes.removed_files += [f"{media.media_id}/{face_id}" for face_id in face_ids]
    rest = batch.staged.put_media(replace(media, faces=tuple(face for face in media.faces if face not in face_ids)))
    for face_id in face_ids:
        batch.staged.remove_face(face_id)
    return rest
