"""One picture: its faces, what people said of them, and the places for a label and for a face that was missed."""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Query
from starlette.responses import Response

from api.deps import CASE_ID_MAX, Id
from api.pages.access import Labeller, Marker, Reader
from api.pages.page import PageDep
from graph.actions.decide.label import Labelling, do_label
from graph.actions.decide.mark import do_mark
from graph.actions.read.crop_views import read_crop_views
from graph.actions.read.media import PendingMedia, read_faces, read_media
from graph.domain.label import Label
from graph.domain.people import Permission, may

router = APIRouter()

PIXELS_MAX: Final = 1_000_000
Pixel = Annotated[int, Form(ge=0, le=PIXELS_MAX)]
CaseInForm = Annotated[str, Form(max_length=CASE_ID_MAX)]


@router.get("/media/{media_id}", name="picture")
async def picture(
    media_id: Id, access: Reader, page: PageDep, case_id: Annotated[str, Query(max_length=CASE_ID_MAX)] = ""
) -> Response:
    """The facts of the picture and its faces; `case_id` is the case that the reader came from."""
    facts = await read_media(access, media_id)
    if isinstance(facts, PendingMedia):
        return page("picture.html", facts=facts, pending=True, case_id=case_id)
    faces = await read_faces(access, media_id)
    districts = [member.district for member in facts.memberships]
    return page(
        "picture.html",
        facts=facts,
        pending=False,
        faces=faces,
        views=await read_crop_views(access, (face.face_id for face in faces.items)),
        labels=list(Label),
        case_id=case_id,
        may_label=may(access.person, Permission.LABEL, districts),
        may_mark=may(access.person, Permission.MARK, districts),
    )


@router.post("/media/{media_id}/labels", name="label_face")
async def label_face(
    media_id: Id,
    access: Labeller,
    page: PageDep,
    face: Annotated[str, Form(max_length=100)],
    version: Annotated[int, Form(ge=0)],
    reason: Annotated[str, Form(max_length=2000)],
    label: Annotated[Label | None, Form()] = None,
    case_id: CaseInForm = "",
) -> Response:
    """Labels a face of the picture, or without a label removes the one that it has."""
    await do_label(access, Labelling(face, version, label, reason.strip()))
    return page.see("picture", {"case_id": case_id}, media_id=media_id)


@router.post("/media/{media_id}/marks", name="mark_face")
async def mark_face(
    media_id: Id,
    access: Marker,
    page: PageDep,
    x: Pixel,
    y: Pixel,
    width: Pixel,
    height: Pixel,
    case_id: CaseInForm = "",
) -> Response:
    """Marks a face that the detector missed."""
    await do_mark(access, media_id, [x, y, width, height])
    return page.see("picture", {"case_id": case_id}, media_id=media_id)
