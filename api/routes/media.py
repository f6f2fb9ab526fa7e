"""Pictures and videos: uploads, and one media with its memberships."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field, StringConstraints

from api.deps import CASE_ID_MAX, CaseAccess, Id, ServicesDep, Uploader
from api.errors import ACTING, BODY, FILES, LOOKING, problems
from api.upload import check_media, checked, form_body, read_form
from api.wire import CaseIdIn, Moment, Stated, WireIn, WireOut, example
from graph.actions.decide.upload import Submission, Urgency, do_upload
from graph.actions.read.media import MediaFacts, PendingMedia, read_media
from graph.actions.read.search import Picture
from graph.domain.comparison import Scope
from graph.domain.erasure import ErasureCode
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
    purpose: Stated
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


class MembershipOut(WireOut):
    """That a media belongs to a case; of one in another district only the district and the duty contact."""

    case_id: str | None
    district: str | None
    contact: str | None
    scope: Literal["register", "case", "none"] | None
    purpose: str | None
    legal_basis: str | None
    exhibits: list[str] | None
    urgency: str | None
    submitted_at: int | None = Field(description="milliseconds since 1970, UTC")


class ErasedBeforeOut(WireOut):
    """The latest erasure of a media or face that is in the register again; `code` is null for one of long ago."""

    subject: str = Field(description="`media:<id>` or `face:<id>`")
    requested_at: int = Field(description="milliseconds since 1970, UTC")
    code: ErasureCode | None


class MediaFactsOut(WireOut):
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

    media_id: str
    kind: str | None
    content_type: str | None
    width: int | None
    height: int | None
    frames: int = Field(description="pages or pictures in the file")
    frames_examined: int = Field(description="how many of them were examined: look at the others yourself")
    partial_percent: int | None = Field(
        description="about how much of a damaged picture could be decoded; null: all of it"
    )
    duration_ms: int | None
    captured_at: str | None
    ai_generated: bool | None = Field(description="by the latest event that says it; null: no event does")
    repeated_person: RepeatedPerson | None = Field(
        description="why the picture shows the same person more than once, as a person stated; null: nobody did"
    )
    first_submitted_at: int | None = Field(description="milliseconds since 1970, UTC")
    faces: int
    too_poor: int
    erased_before: list[ErasedBeforeOut] = Field(
        description="erasures of this media or its faces, which were submitted again since"
    )
    memberships: list[MembershipOut]


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
async def upload(request: Request, response: Response, services: ServicesDep, actor: Uploader) -> UploadedOut:
    """Brings a picture into a case: stored, then processed like any case system's; Location has it once it is."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        raise Invalid("upload as multipart/form-data", code="unsupported_content_type")
    form = await read_form(request, services.space)
    submission = Submission(**dict(checked(UploadIn, form.fields)))
    check_media(form.data)
    picture = Picture(form.data, form.content_type)
    media_id = await do_upload(services.store, services.files, submission, picture, actor=actor, now=services.now())
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
async def one_media(media_id: Id, services: ServicesDep, access: CaseAccess) -> MediaFacts | Response:
    """One media with its memberships; of a case in another district only the district and the duty contact."""
    found = await read_media(services.store, services.access_log, media_id, access=access)
    if isinstance(found, PendingMedia):
        return JSONResponse(UploadedOut.model_validate(found).model_dump(), 202)
    return found
