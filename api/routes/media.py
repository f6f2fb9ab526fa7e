"""Pictures and videos as people see them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api import clock
from api.identity import Looking, Marker, StatedPurpose, Uploader
from api.limits import Id
from api.problems import ACTING, BODY, FILES, LOOKING, problems
from api.services import Use
from api.upload import check_media, checked, read_form
from api.wire_marks import MarkedOut, MarkIn
from api.wire_read import MediaFacesOut, MediaFactsOut, UploadedOut, UploadIn
from graph.actions.decide import mark
from graph.actions.decide.upload import do_upload
from graph.actions.read import media
from graph.actions.read.search import Picture
from graph.domain.errors import Invalid

router = APIRouter(tags=["media"])


def _form_schema() -> dict[str, Any]:
    schema = UploadIn.model_json_schema()
    scope: dict[str, Any] = schema.pop("$defs")["Scope"]
    schema["properties"]["scope"] = {**schema["properties"]["scope"], **scope}
    schema["properties"]["scope"].pop("$ref", None)
    schema["properties"] = {"file": {"type": "string", "format": "binary"}, **schema["properties"]}
    schema["required"] = ["file", *schema["required"]]
    return schema


_LOCATION = {"Location": {"description": "where the media will be", "schema": {"type": "string"}}}
_BODY = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _form_schema()}}}}


@router.post(
    "/media",
    status_code=202,
    openapi_extra=_BODY,
    responses={
        202: {"headers": _LOCATION},
        **problems("forbidden", "case_unknown", "empty_file", "unsupported_content_type", *BODY, *FILES, *ACTING),
    },
)
async def upload(request: Request, response: Response, use: Use, actor: Uploader) -> UploadedOut:
    """Brings a picture into a case: stored, then processed like any case system's; Location has it once it is."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        raise Invalid("upload as multipart/form-data", code="unsupported_content_type")
    form = await read_form(request, use.space)
    said = checked(UploadIn, form.fields).submission()
    check_media(form.data)
    picture = Picture(form.data, form.content_type)
    media_id = await do_upload(use.store, use.files, said, picture, actor=actor, now=clock.now())
    response.headers["Location"] = f"/media/{media_id}"
    return UploadedOut(media_id=media_id)


@router.get(
    "/media/{media_id}",
    response_model=MediaFactsOut,
    responses={
        202: {"model": UploadedOut, "description": "Uploaded into a case of yours, and on its way"},
        **problems("not_found", *LOOKING),
    },
)
async def one_media(media_id: Id, use: Use, access: Looking) -> MediaFactsOut | Response:
    """One media with its memberships; of a case in another district only the district and the duty contact."""
    found = await media.read_media(use.store, use.access_log, media_id, access=access)
    if isinstance(found, media.OnItsWay):
        return JSONResponse(UploadedOut(media_id=found.media_id, status=found.status).model_dump(), 202)
    return MediaFactsOut.from_row(found)


@router.get("/media/{media_id}/faces", responses=problems("not_found", *LOOKING))
async def faces_of_media(media_id: Id, use: Use, access: Looking) -> MediaFacesOut:
    """The faces of one media, with what people said of them; what was marked in it and waits stands beside them."""
    found = await media.read_faces(use.store, use.access_log, media_id, access=access)
    return MediaFacesOut.from_found(media_id, found)


@router.post(
    "/media/{media_id}/faces",
    status_code=202,
    responses={
        202: {"headers": {"Location": {**_LOCATION["Location"], "description": "the media's faces, this one too"}}},
        **problems("not_found", "forbidden", "face_exists", *BODY, *ACTING),
    },
)
async def mark_face(
    media_id: Id, body: MarkIn, use: Use, actor: Marker, purpose: StatedPurpose, response: Response
) -> MarkedOut:
    """Marks a face that the detector missed: it is embedded and compared like any other, and shown at Location."""
    face_id = await mark.do_mark(use.store, media_id, body.box, actor=actor, now=clock.now(), purpose=purpose)
    response.headers["Location"] = f"/media/{media_id}/faces"
    return MarkedOut(face_id=face_id, media_id=media_id, box=body.box)
