"""Pictures and videos: uploads, one media with its memberships, its faces, and faces that people mark in it."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field, StringConstraints

from api.deps import CASE_ID_MAX, CaseAccess, Id, Marker, ServicesDep, Uploader
from api.errors import ACTING, BODY, FILES, LOOKING, problems
from api.upload import check_media, checked, form_body, read_form
from api.wire import CaseIdIn, Moment, OwnPurpose, Stated, WireIn, WireOut, example, fields_of
from graph.actions.decide import mark
from graph.actions.decide.upload import Submission, Urgency, do_upload
from graph.actions.read.media import (
    ErasedBefore,
    MediaFace,
    MediaFaces,
    MediaFacts,
    Membership,
    PendingMedia,
    WaitingMark,
    read_faces,
    read_media,
)
from graph.actions.read.search import Picture
from graph.domain.comparison import Scope
from graph.domain.errors import Invalid
from graph.domain.repeated_person import RepeatedPerson

router = APIRouter(tags=["media"])

Reference = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


class UploadIn(WireIn):
    """The fields of an upload beside its `file`. `scope` has no default: it says how far the faces are compared."""

    model_config = example("""
        {"case_id": $CASE, "purpose": "victim identification", "legal_basis": "StPO 98c", "scope": "register",
         "urgency": "routine", "exhibit": "A-12", "captured_at": null, "source_ref": "4711"}
    """)

    case_id: CaseIdIn = Field(
        max_length=CASE_ID_MAX, description="the case that the file belongs to, `<source>:<local id>`"
    )
    purpose: OwnPurpose
    legal_basis: Stated
    scope: Scope = Field(description="`register`: with all cases, `case`: within this one, `none`: not compared")
    urgency: Urgency = "routine"
    exhibit: Reference | None = None
    captured_at: Moment | None = None
    source_ref: Reference | None = Field(default=None, description="echoed in the notice of the case system")


class UploadedOut(WireOut):
    """The file is stored and its event is on the way; what became of it stands at `Location`.

    `quarantined`: it could not be processed, and an operator can see why.
    """

    model_config = example('{"media_id": $MEDIA, "status": "submitted"}')

    media_id: str
    status: Literal["submitted", "quarantined"] = "submitted"


class MembershipOut(fields_of(Membership)):
    """That a media belongs to a case; of one in another district only the district and the duty contact."""

    submitted_at: int | None = Field(description="milliseconds since 1970, UTC")


class ErasedBeforeOut(fields_of(ErasedBefore)):
    """The latest erasure of a media or face that is in the register again."""

    subject: str = Field(description="`media:<id>` or `face:<id>`")
    requested_at: int = Field(description="milliseconds since 1970, UTC")


class MediaFactsOut(fields_of(MediaFacts)):
    """One picture or video, named by the SHA-256 of its bytes."""

    model_config = example("""
        {"media_id": $MEDIA, "kind": "picture", "content_type": "image/jpeg", "width": 1600, "height": 1200,
         "frames": 40, "frames_examined": 3, "partial_percent": null, "duration_ms": null, "captured_at": null,
         "ai_generated": false, "repeated_person": null, "first_submitted_at": 1795165964000, "faces": 1,
         "too_poor": 0,
         "erased_before": [{"subject": "media:b5d4", "requested_at": 1795165964000, "code": "period_over"}],
         "memberships": [
            {"case_id": $CASE, $NORTH, "scope": "register", "purpose": "victim identification",
             "legal_basis": "StPO 98c", "exhibits": ["A-12"], "urgency": "routine", "submitted_at": 1795165964000},
            {"case_id": null, "district": "south", "contact": null, "scope": null, "purpose": null,
             "legal_basis": null, "exhibits": null, "urgency": null, "submitted_at": null}]}
    """)

    frames: int | None = Field(description="pages or pictures in the file")
    frames_examined: int = Field(description="how many of them were examined: look at the others yourself")
    partial_percent: int | None = Field(
        description="about how much of a damaged picture could be decoded; null: all of it"
    )
    ai_generated: bool | None = Field(description="by the latest event that says it; null: no event does")
    repeated_person: RepeatedPerson | None = Field(
        description="why the picture shows the same person more than once, as a person stated; null: nobody did"
    )
    first_submitted_at: int | None = Field(description="milliseconds since 1970, UTC")


def _form_schema() -> dict[str, Any]:
    schema = UploadIn.model_json_schema()
    scope: dict[str, Any] = schema.pop("$defs")["Scope"]
    schema["properties"]["scope"] = {**schema["properties"]["scope"], **scope}
    schema["properties"]["scope"].pop("$ref", None)
    return schema


_LOCATION = {"Location": {"description": "where the media will be", "schema": {"type": "string"}}}


@router.post(
    "/media",
    status_code=202,
    openapi_extra={"requestBody": {"required": True, "content": form_body(_form_schema())}},
    responses={
        202: {"headers": _LOCATION},
        **problems("forbidden", "case_unknown", "empty_file", "unsupported_content_type", *BODY, *FILES, *ACTING),
    },
)
async def upload(request: Request, response: Response, services: ServicesDep, access: Uploader) -> UploadedOut:
    """Brings a picture into a case: stored, then processed like any case system's; Location has it once it is."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        raise Invalid("upload as multipart/form-data", code="unsupported_content_type")
    form = await read_form(request, services.space)
    submission = Submission(**dict(checked(UploadIn, form.fields)))
    check_media(form.data)
    picture = Picture(form.data, form.content_type)
    media_id = await do_upload(replace(access, at=services.now()), services.files, submission, picture)
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
async def one_media(media_id: Id, access: CaseAccess) -> MediaFacts | Response:
    """One media with its memberships; of a case in another district only the district and the duty contact."""
    found = await read_media(access, media_id)
    if isinstance(found, PendingMedia):
        return JSONResponse(UploadedOut.model_validate(found).model_dump(), 202)
    return found


Pixel = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
"""A place or a length in a picture; far above the largest that is decoded."""
_MARK_ID = '"face_id": "d3f1b86a4c2e0d9f7a5c3b1e9f7d5b3c1a8f6e4d2c0b9a7f5e3d1c8b6a4f2e0d", "box": [820, 310, 64, 80]'
_WAITING = f"""{{{_MARK_ID}, "marked_by": "anna@north", "marked_at": "2026-11-20T10:03:05+00:00", "status": "waiting",
                 "reason": null}}"""


class MarkIn(WireIn):
    """Where the face is: `[x, y, w, h]`, whole pixels of the upright picture, inside it and 16 or more each way."""

    model_config = example('{"box": [820, 310, 64, 80]}')

    box: list[Pixel] = Field(min_length=4, max_length=4)


class WaitingMarkOut(fields_of(WaitingMark)):
    """A marked face on its way into the register; one in quarantine has a `reason` and can be replayed."""

    model_config = example(_WAITING)


class MarkedOut(WireOut):
    """The mark is stored and on its way; the face stands among the `items` at `Location` once it is compared."""

    model_config = example(f'{{{_MARK_ID}, "media_id": $MEDIA, "status": "waiting"}}')

    face_id: str
    media_id: str
    box: list[int]
    status: Literal["waiting"] = "waiting"


class MediaFaceOut(fields_of(MediaFace)):
    """A face; `label_version` is what a label names in `If-Match`, the times are those of a video."""

    landmarks_seen: bool = Field(
        description="false: a person marked it and no eyes, nose and mouth were found in the box; it is aligned by the "
        "box alone, and its scores say little"
    )
    marked_by: str | None = Field(description="who marked it, where the detector had missed it")


class MediaFacesOut(fields_of(MediaFaces)):
    """All faces of one media, and those that people marked and that are not in the register yet; `next` is null."""

    model_config = example(f"""
        {{"items": [{{"face_id": $FACE, "media_id": $MEDIA, "ordinal": 0, "box": [412, 96, 88, 117], "page": 1,
                      "quality": 0.8, "quality_because": "The face is hard to compare: it is blurred.",
                      "too_poor_because": null, "label": "victim", "label_version": 1, "landmarks_seen": true,
                      "marked_by": null, "marked_at": null, "victim_id": "v-3c1a8f6e4d2c0b9a7f5e3d1c8b6a4f2e",
                      "start_ms": null, "end_ms": null, "frame_ms": null}}],
          "waiting": [{_WAITING}], "next": null}}
    """)

    next: None = None


@router.get("/media/{media_id}/faces", response_model=MediaFacesOut, responses=problems("not_found", *LOOKING))
async def faces_of_media(media_id: Id, access: CaseAccess) -> MediaFaces:
    """The faces of one media, with what people said of them; what was marked in it and waits stands beside them."""
    return await read_faces(access, media_id)


_FACES_LOCATION = {"Location": {"description": "the media's faces, this one too", "schema": {"type": "string"}}}


@router.post(
    "/media/{media_id}/faces",
    status_code=202,
    responses={202: {"headers": _FACES_LOCATION}, **problems("not_found", "forbidden", "face_exists", *BODY, *ACTING)},
)
async def mark_face(media_id: Id, body: MarkIn, access: Marker, response: Response) -> MarkedOut:
    """Marks a face that the detector missed: it is embedded and compared like any other, and shown at Location."""
    face_id = await mark.do_mark(access, media_id, body.box)
    response.headers["Location"] = f"/media/{media_id}/faces"
    return MarkedOut(face_id=face_id, media_id=media_id, box=body.box)
