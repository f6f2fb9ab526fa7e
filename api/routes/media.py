"""Pictures and videos as people see them."""

from __future__ import annotations

from fastapi import APIRouter

from api.identity import Looking
from api.problems import LOOKING, problems
from api.services import Use
from api.wire_read import MediaFacesOut, MediaFactsOut
from graph.actions import media

router = APIRouter(tags=["media"])


@router.get("/media/{media_id}", responses=problems("not_found", *LOOKING))
async def one_media(media_id: str, use: Use, look: Looking) -> MediaFactsOut:
    """One media with its memberships; of a case in another district only the district and the duty contact."""
    return MediaFactsOut.from_row(await media.read_media(use.store, use.views, media_id, look=look))


@router.get("/media/{media_id}/faces", responses=problems("not_found", *LOOKING))
async def faces_of_media(media_id: str, use: Use, look: Looking) -> MediaFacesOut:
    """The faces of one media, with what people said of them."""
    rows = await media.read_faces(use.store, use.views, media_id, look=look)
    return MediaFacesOut.from_rows(media_id, rows)
