"""Faces as people see them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.identity import Looking
from api.problems import LOOKING, problems
from api.services import Use
from graph.actions import read

router = APIRouter(tags=["faces"])


@router.get(
    "/faces/{face_id}/crop",
    response_class=Response,
    responses={
        200: {"description": "the face", "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}},
        **problems("not_found", "file_gone", *LOOKING),
    },
)
async def face_crop(
    face_id: str,
    use: Use,
    look: Looking,
    leads: Annotated[bool, Query(description="also a face of another district that only a lead leads to")] = False,
) -> Response:
    """The face cut out of its picture, as JPEG: of the own district, or the other side of a link or search answer."""
    crop = await read.read_crop(use.store, use.files, use.views, face_id, leads=leads, look=look)
    return Response(crop, media_type="image/jpeg", headers={"Cache-Control": "no-store, private"})
