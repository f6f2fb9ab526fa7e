"""Faces as people see them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api import clock
from api.etag import ETAG, Version, etag
from api.identity import Labeller, Looking, StatedPurpose
from api.limits import Id
from api.problems import ACTING, BODY, FILES, LOOKING, problems
from api.services import Use
from api.wire import SimilarFacesOut
from api.wire_read import LabelIn, LabelsOut
from graph.actions.decide import label
from graph.actions.decide.label import Labelling
from graph.actions.read import links, similar

router = APIRouter(tags=["faces"])


@router.get(
    "/faces/{face_id}/crop",
    response_class=Response,
    responses={
        200: {"description": "the face", "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}},
        **problems("not_found", "file_gone", *FILES, *LOOKING),
    },
)
async def face_crop(
    face_id: Id,
    use: Use,
    access: Looking,
    leads: Annotated[bool, Query(description="also a face of another district that only a lead leads to")] = False,
) -> Response:
    """The face cut out of its picture, as JPEG: of the own district, or the other side of a link or search answer."""
    crop = await links.read_crop(use.store, use.files, use.access_log, face_id, leads=leads, access=access)
    return Response(crop, media_type="image/jpeg", headers={"Cache-Control": "no-store, private"})


@router.get("/faces/{face_id}/similar", responses=problems("not_found", *LOOKING))
async def similar_faces(
    face_id: Id,
    use: Use,
    access: Looking,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(max_length=64, description="`next` of the page before")] = "",
) -> SimilarFacesOut:
    """The faces as similar as those proposed for this one, which were not proposed: at most 13 are."""
    found = await similar.read_similar(use.store, use.access_log, face_id, after=after, limit=limit, access=access)
    return SimilarFacesOut.from_found(found)


@router.get("/faces/{face_id}/labels", responses={200: {"headers": ETAG}, **problems("not_found", *LOOKING)})
async def face_labels(face_id: Id, use: Use, access: Looking, response: Response) -> LabelsOut:
    """What people said that the face is; its version is the ETag that the next label names."""
    row = await label.read_labels(use.store, use.access_log, face_id, access=access)
    response.headers["ETag"] = etag(row["label_version"])
    return LabelsOut.from_row(row)


@router.post(
    "/faces/{face_id}/labels",
    status_code=201,
    responses={
        201: {"headers": ETAG},
        **problems(
            "forbidden", "face_unknown", "stale_version", "malformed_version", "version_missing", *BODY, *ACTING
        ),
    },
)
async def label_face(
    face_id: Id, body: LabelIn, use: Use, actor: Labeller, purpose: StatedPurpose, version: Version, response: Response
) -> LabelsOut:
    """Says what a face is; *unrelated* and *suspect* faces are compared with nothing and found by no search."""
    said = Labelling(face_id, version, body.label, body.reason, tuple(body.also))
    row = await label.do_label(use.store, said, actor=actor, now=clock.now(), purpose=purpose)
    response.headers["ETag"] = etag(row["label_version"])
    return LabelsOut.from_row(row)
