"""Reads one media and its faces; every access is in the audit before its answer leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from graph.actions.access import Access
from graph.actions.known import KnownVictims
from graph.domain.audit_actions import AuditAction
from graph.domain.case_view import CaseFace, media_statements
from graph.domain.erasure import ErasureCode
from graph.domain.errors import NotFound
from graph.domain.people import Maker, Permission, Person, check_may, display_name_on_face, may
from graph.domain.visibility import may_see_case
from graph.store.queries import faces as face_queries
from graph.store.queries import media as queries
from graph.store.session import Row, Tx


@dataclass(frozen=True, slots=True)
class Membership:
    """That a media belongs to a case; in another district only `district` and `contact` are not None."""

    case_id: str | None
    district: str | None
    contact: str | None
    scope: Literal["register", "case", "none"] | None = None
    purpose: str | None = None
    legal_basis: str | None = None
    exhibits: list[str] | None = None
    urgency: str | None = None
    submitted_at: int | None = None


@dataclass(frozen=True, slots=True)
class ErasedBefore:
    """The latest erasure of a media, or of one of its faces, that was submitted again since; in milliseconds.

    Only of what lay in a case that the viewer may see.
    """

    subject: str
    requested_at: int
    code: ErasureCode | None


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """One media with counts of its faces and its memberships; times in milliseconds, `submitted_at` since 1970, UTC."""

    media_id: str
    kind: str | None
    content_type: str | None
    width: int | None
    height: int | None
    frames: int | None
    frames_examined: int
    partial_percent: int | None
    duration_ms: int | None
    captured_at: str | None
    ai_generated: bool | None
    repeated_person: str | None
    first_submitted_at: int | None
    faces: int
    too_poor: int
    erased_before: tuple[ErasedBefore, ...]
    memberships: tuple[Membership, ...]


@dataclass(frozen=True, slots=True)
class PendingMedia:
    """An uploaded media that is not in the graph yet, or cannot be processed and is in quarantine."""

    media_id: str
    status: Literal["submitted", "quarantined"]


@dataclass(frozen=True, slots=True)
class MediaFace(CaseFace):
    """A face of a media with its label's version and victim; times in milliseconds of a video, None in a picture."""

    label_version: int
    landmarks_seen: bool
    marked_by: str | None
    marked_at: str | None
    victim_id: str | None
    start_ms: int | None
    end_ms: int | None
    frame_ms: int | None


@dataclass(frozen=True, slots=True)
class WaitingMark:
    """A face that a person marked and link has not taken into the register yet."""

    face_id: str
    box: list[int]
    marked_by: str
    marked_at: str
    status: Literal["waiting", "quarantined"]
    reason: str | None


@dataclass(frozen=True, slots=True)
class MediaFaces:
    """The faces of one media in their order, and its waiting marks."""

    items: tuple[MediaFace, ...]
    waiting: tuple[WaitingMark, ...]


async def read_media(access: Access, media_id: str) -> MediaFacts | PendingMedia:
    """The media with its memberships, those in other districts masked.

    PendingMedia if it lies in no case of the person's district yet, but was uploaded into one.
    """
    viewer = access.person

    async def work(tx: Tx) -> tuple[Row | None, list[Row]]:
        row = await tx.one(queries.MEDIA, media_id=media_id)
        if row is not None and may(viewer, Permission.SEE, [item["district"] for item in row["memberships"]]):
            return row, []
        return None, await tx.rows(queries.UPLOADS, media_id=media_id)

    row, uploads = await access.store.read(work)
    own = [upload["status"] for upload in uploads if may_see_case(viewer, upload)]
    if row is None and not own:
        raise NotFound("there is no such media")
    await access.record(AuditAction.MEDIA_SEEN, media_id)
    if row is None:
        return PendingMedia(media_id, "submitted" if "submitted" in own else "quarantined")
    return MediaFacts(
        **row["media"],
        **media_statements(row["dates"], viewer),
        faces=row["faces"],
        too_poor=row["too_poor"],
        erased_before=tuple(
            ErasedBefore(item["subject"], item["requested_at"], item["code"] and ErasureCode(item["code"]))
            for item in row["erased_before"]
            if may(viewer, Permission.SEE, item["districts"])
        ),
        memberships=_memberships(row["memberships"], viewer),
    )


def _memberships(rows: Sequence[Row], viewer: Person) -> tuple[Membership, ...]:
    """The viewer's own memberships by case, then the other districts that have the media, whatever number of cases."""
    own = [Membership(**row) for row in rows if may_see_case(viewer, row)]
    places = {(row["district"], row["contact"]) for row in rows if not may_see_case(viewer, row)}
    ordered = sorted(places, key=lambda place: (place[0] or "", place[1] or ""))
    return (*own, *(Membership(None, district, contact) for district, contact in ordered))


async def read_faces(access: Access, media_id: str) -> MediaFaces:
    """The faces of a media, and the faces marked in it that are not in the register yet."""
    viewer = access.person

    async def work(tx: Tx) -> MediaFaces:
        districts = [row["district"] for row in await tx.rows(queries.DISTRICTS_OF_MEDIA, media_id=media_id)]
        check_may(viewer, Permission.SEE, districts)
        marks = await tx.one(face_queries.WAITING, media_id=media_id)
        rows = await tx.rows(queries.FACES_OF_MEDIA, media_id=media_id)
        victims = {row["face"]["face_id"]: row["victim_id"] for row in rows if row["victim_id"] is not None}
        names = await KnownVictims(tx, viewer).names(victims)

        def marker(act: Row, name: str) -> str:
            return display_name_on_face(viewer, Maker(act[name], act["role"], act["district"]), districts)

        faces = tuple(
            MediaFace(
                **row["face"],
                media_id=media_id,
                victim_id=names[face_id].victim_id if (face_id := row["face"]["face_id"]) in names else None,
                marked_by=marker(row["mark"], "by") if row["mark"] else None,
                marked_at=row["mark"]["at"] if row["mark"] else None,
            )
            for row in rows
        )
        waiting = tuple(
            WaitingMark(
                row["face_id"], row["box"], marker(row, "marked_by"), row["marked_at"], row["status"], row["reason"]
            )
            for row in (marks["waiting"] if marks else ())
        )
        return MediaFaces(faces, waiting)

    found = await access.store.read(work)
    shown = [*(face.face_id for face in found.items), *(mark.face_id for mark in found.waiting)]
    await access.record(AuditAction.MEDIA_FACES_SEEN, media_id, shown=shown)
    return found
