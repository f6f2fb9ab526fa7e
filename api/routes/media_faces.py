"""The faces of a media, and faces that people mark in it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from api.deps import ActPurpose, CaseAccess, Id, Marker, ServicesDep
from api.errors import ACTING, BODY, LOOKING, problems
from api.wire import FaceOut, WireIn, WireOut, example
from graph.actions.decide import mark
from graph.actions.read.media import MediaFaces, read_faces

router = APIRouter(tags=["media"])

Pixel = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
"""A place or a length in a picture; far above the largest that is decoded."""
_MARK_ID = '"face_id": "d3f1b86a4c2e0d9f7a5c3b1e9f7d5b3c1a8f6e4d2c0b9a7f5e3d1c8b6a4f2e0d", "box": [820, 310, 64, 80]'
_WAITING = f"""{{{_MARK_ID}, "marked_by": "anna@north", "marked_at": "2026-11-20T10:03:05+00:00", "status": "waiting",
                 "reason": null}}"""


class MarkIn(WireIn):
    """Where the face is: `[x, y, w, h]`, whole pixels of the upright picture, inside it and 16 or more each way."""

    model_config = example('{"box": [820, 310, 64, 80]}')

    box: list[Pixel] = Field(min_length=4, max_length=4)


class WaitingMarkOut(WireOut):
    """A marked face on its way into the register; one in quarantine has a `reason` and can be replayed."""

    model_config = example(_WAITING)

    face_id: str
    box: list[int]
    marked_by: str
    marked_at: str
    status: Literal["waiting", "quarantined"]
    reason: str | None


class MarkedOut(WireOut):
    """The mark is stored and on its way; the face stands among the `items` at `Location` once it is compared."""

    model_config = example(f'{{{_MARK_ID}, "media_id": $MEDIA, "status": "waiting"}}')

    face_id: str
    media_id: str
    box: list[int]
    status: Literal["waiting"] = "waiting"


class MediaFaceOut(FaceOut):
    """A face; `label_version` is what a label names in `If-Match`, the times are those of a video."""

    label_version: int
    landmarks_seen: bool = Field(
        description="false: a person marked it and no eyes, nose and mouth were found in the box; it is aligned by the "
        "box alone, and its scores say little"
    )
    marked_by: str | None = Field(description="who marked it, where the detector had missed it")
    marked_at: str | None
    victim_id: str | None
    start_ms: int | None
    end_ms: int | None
    frame_ms: int | None


class MediaFacesOut(WireOut):
    """All faces of one media, and those that people marked and that are not in the register yet; `next` is null."""

    model_config = example(f"""
        {{"items": [{{"face_id": $FACE, "media_id": $MEDIA, "ordinal": 0, "box": [412, 96, 88, 117], "page": 1,
                      "quality": 0.8, "quality_because": "The face is hard to compare: it is blurred.",
                      "too_poor_because": null, "label": "victim", "label_version": 1, "landmarks_seen": true,
                      "marked_by": null, "marked_at": null, "victim_id": "v-3c1a8f6e4d2c0b9a7f5e3d1c8b6a4f2e",
                      "start_ms": null, "end_ms": null, "frame_ms": null}}],
          "waiting": [{_WAITING}], "next": null}}
    """)

    items: list[MediaFaceOut]
    waiting: list[WaitingMarkOut]
    next: None = None


@router.get("/media/{media_id}/faces", response_model=MediaFacesOut, responses=problems("not_found", *LOOKING))
async def faces_of_media(media_id: Id, services: ServicesDep, access: CaseAccess) -> MediaFaces:
    """The faces of one media, with what people said of them; what was marked in it and waits stands beside them."""
    return await read_faces(services.store, services.access_log, media_id, access=access)


_LOCATION = {"Location": {"description": "the media's faces, this one too", "schema": {"type": "string"}}}


@router.post(
    "/media/{media_id}/faces",
    status_code=202,
    responses={202: {"headers": _LOCATION}, **problems("not_found", "forbidden", "face_exists", *BODY, *ACTING)},
)
async def mark_face(
    media_id: Id, body: MarkIn, services: ServicesDep, actor: Marker, purpose: ActPurpose, response: Response
) -> MarkedOut:
    """Marks a face that the detector missed: it is embedded and compared like any other, and shown at Location."""
    face_id = await mark.do_mark(services.store, media_id, body.box, actor=actor, now=services.now(), purpose=purpose)
    response.headers["Location"] = f"/media/{media_id}/faces"
    return MarkedOut(face_id=face_id, media_id=media_id, box=body.box)
