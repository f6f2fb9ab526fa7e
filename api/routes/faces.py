"""Faces as people see them: crop, context view, similar faces, labels."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.deps import ETAG, AfterDigest, CaseAccess, Id, Labeller, Limit, ServicesDep, Version, created, etag
from api.errors import ACTING, BODY, FILES, LOOKING, problems
from api.wire import Digest, Stated, WireIn, example, fields_of
from graph.actions.decide import label
from graph.actions.decide.label import FaceLabels, Labelling, PastLabel
from graph.actions.read import faces
from graph.actions.read.faces import SimilarFaces
from graph.domain.label import FACES_AT_ONCE, Label

router = APIRouter(tags=["faces"])
_JPEG: Final = {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}


class SimilarFacesOut(fields_of(SimilarFaces)):
    """Faces as similar as those proposed for one face, and not proposed, by id: an order that tells no score.

    `number` counts all of them when the face was compared, null where nobody did; at most 200 are listed, the smallest
    ids.
    """

    model_config = example('{"number": 12, "items": [$LINK_B], "next": $OTHER_FACE}')


class LabelIn(WireIn):
    """What a face is; null takes the label back. `also`: other faces of the case, at the same `label_version`."""

    model_config = example('{"label": "unrelated", "reason": "a nurse on a poster", "also": [$OTHER_FACE]}')

    label: Label | None
    reason: Stated
    also: tuple[Digest, ...] = Field(default_factory=tuple, max_length=FACES_AT_ONCE - 1)


class PastLabelOut(fields_of(PastLabel)):
    """Who labelled a face, and why; of somebody of another district only role and district."""


class LabelsOut(fields_of(FaceLabels)):
    """A face's label, and as `items` what was said of it before, oldest first; `next` is always null."""

    model_config = example("""
        {"face_id": $FACE, "label": "unrelated", "label_version": 1,
         "items": [{"act_id": "8f6d4c2e0b9a7f5d3c1e8b6a4f2d0c9e", "by": "anna@north",
                    "at": "2026-11-20T10:03:05+00:00", "label": "unrelated", "reason": "a nurse on a poster",
                    "version": 1}],
         "next": null}
    """)

    next: None = None


@router.get(
    "/faces/{face_id}/crop",
    response_class=Response,
    responses={
        200: {"description": "the face", "content": _JPEG},
        **problems("not_found", "file_gone", *FILES, *LOOKING),
    },
)
async def face_crop(
    face_id: Id,
    services: ServicesDep,
    access: CaseAccess,
    leads: Annotated[bool, Query(description="also a face of another district that only a lead leads to")] = False,
) -> Response:
    """The face cut out of its picture, as JPEG: of the own district, or the other side of a link or search answer."""
    return _picture(await faces.read_crop(access, services.files, face_id, leads=leads))


@router.get(
    "/faces/{face_id}/context",
    response_class=Response,
    responses={
        200: {"description": "the face with its surroundings", "content": _JPEG},
        **problems("not_found", "file_gone", "no_context", *FILES, *LOOKING),
    },
)
async def face_context(face_id: Id, services: ServicesDep, access: CaseAccess) -> Response:
    """The face with its surroundings, three times its box, as JPEG: only of a picture in the own district."""
    return _picture(await faces.read_context(access, services.files, face_id))


def _picture(jpeg: bytes) -> Response:
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store, private"})


@router.get("/faces/{face_id}/similar", response_model=SimilarFacesOut, responses=problems("not_found", *LOOKING))
async def similar_faces(face_id: Id, access: CaseAccess, limit: Limit = 50, after: AfterDigest = "") -> SimilarFaces:
    """The faces as similar as those proposed for this one, which were not proposed: at most 13 are."""
    return await faces.read_similar(access, face_id, after=after, limit=limit)


@router.get("/faces/{face_id}/labels", responses={200: {"headers": ETAG}, **problems("not_found", *LOOKING)})
async def face_labels(face_id: Id, access: CaseAccess, response: Response) -> LabelsOut:
    """What people said that the face is; its version is the ETag that the next label names."""
    found = await label.read_labels(access, face_id)
    response.headers["ETag"] = etag(found.label_version)
    return LabelsOut.model_validate(found)


@created(
    router,
    "/faces/{face_id}/labels",
    LabelsOut,
    "forbidden",
    "face_unknown",
    "stale_version",
    "malformed_version",
    "version_missing",
    *BODY,
    *ACTING,
)
async def label_face(face_id: Id, body: LabelIn, access: Labeller, version: Version, response: Response) -> LabelsOut:
    """Says what a face is; *unrelated*, *suspect* and *no face* are compared with nothing and found by no search."""
    labelling = Labelling(face_id, version, body.label, body.reason, body.also)
    found = await label.do_label(access, labelling)
    response.headers["ETag"] = etag(found.label_version)
    return LabelsOut.model_validate(found)
