"""Reads what a contact sheet says below each face; the access is in the audit before the answer leaves."""

from collections.abc import Sequence
from dataclasses import dataclass

from graph.actions.access import Access
from graph.actions.read.crop_views import crop_view
from graph.domain.audit_actions import AuditAction
from graph.domain.capture_time import Dates
from graph.domain.crop_view import CropView
from graph.domain.errors import NotFound
from graph.domain.people import Permission, Person, may
from graph.domain.visibility import may_see_case, may_see_face
from graph.store.queries import faces as queries
from graph.store.queries import read as read_queries
from graph.store.session import Row


@dataclass(frozen=True, slots=True)
class SheetFace:
    """A face on a contact sheet.

    Of a face in another district only id, district and contact are given, of an erased one no case. `taken` is the
    capture date (ISO 8601).
    """

    face_id: str
    district: str | None = None
    contact: str | None = None
    is_masked: bool = True
    is_erased: bool = False
    case_ids: tuple[str, ...] = ()
    media_id: str | None = None
    media_kind: str | None = None
    repeated_person: str | None = None
    taken: str | None = None
    quality: float | None = None
    quality_because: str | None = None
    label: str | None = None
    label_version: int = 0
    more_similar: int | None = None
    has_context: bool = False
    view: CropView | None = None
    """Where the eyes are in the crop; also of a masked face, whose crop shows them anyway."""


async def read_chosen_faces(access: Access, face_ids: Sequence[str]) -> dict[str, SheetFace]:
    """As `read_sheet_faces`, for ids that come from outside: NotFound unless the person may see each of them."""
    if not face_ids:
        return {}
    rows = await access.store.read(lambda tx: tx.rows(read_queries.FACES, faces=list(face_ids), leads=False))
    if not set(face_ids) <= {row["face_id"] for row in rows if may_see_face(access.person, row)}:
        raise NotFound("there is no such face", code="face_unknown")
    return await read_sheet_faces(access, face_ids)


async def read_sheet_faces(access: Access, face_ids: Sequence[str]) -> dict[str, SheetFace]:
    """The faces by id, as far as the person may know them; the ids are from a read that checked that they may."""
    rows = await access.store.read(lambda tx: tx.rows(queries.SHEET_FACES, faces=list(face_ids)))
    await access.record(AuditAction.MEDIA_FACES_SEEN, "faces", shown=sorted(face_ids))
    found = {row["face_id"]: _sheet_face(row, access.person) for row in rows}
    return {face_id: found.get(face_id, SheetFace(face_id)) for face_id in face_ids}


def _sheet_face(row: Row, viewer: Person) -> SheetFace:
    cases: list[Row] = row["cases"]
    own = [case for case in cases if may_see_case(viewer, case)]
    place = (own or cases or [{"district": None, "contact": None}])[0]
    is_erased = bool(row["stub"]) or not row["has_crop"]
    view = crop_view(row)
    if not own:
        return SheetFace(row["face_id"], place["district"], place["contact"], is_erased=is_erased, view=view)
    return SheetFace(
        face_id=row["face_id"],
        district=place["district"],
        contact=place["contact"],
        is_masked=False,
        is_erased=is_erased,
        case_ids=() if row["stub"] else tuple(case["case_id"] for case in own),
        media_id=row["media_id"],
        media_kind=row["media_kind"],
        repeated_person=row["repeated_person"],
        taken=Dates.of(row["dates"]).known_to(lambda district: may(viewer, Permission.SEE, [district])),
        quality=row["quality"],
        quality_because=row["quality_because"],
        label=row["label"],
        label_version=row["label_version"],
        more_similar=row["more_similar"],
        has_context=row["has_context"],
        view=view,
    )
