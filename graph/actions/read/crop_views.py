"""Reads where the eyes and the picture's edges are in crops, so that pages show crops eye to eye."""

from collections.abc import Iterable

from graph.actions.access import Access
from graph.domain.crop_view import CropView, region_of
from graph.store.queries import faces as queries
from graph.store.session import Row


async def read_crop_views(access: Access, face_ids: Iterable[str | None]) -> dict[str, CropView]:
    """The views of these faces' crops; absent are faces whose landmarks or edges are not known.

    Not in the audit: the caller was shown these faces, and a crop shows the same.
    """
    faces = sorted({face for face in face_ids if face is not None})
    rows = await access.store.read(lambda tx: tx.listed(queries.CROP_VIEWS, faces=faces)) if faces else []
    found = {row["face_id"]: crop_view(row) for row in rows}
    return {face: view for face, view in found.items() if view is not None}


def crop_view(row: Row) -> CropView | None:
    """The view of a crop by the facts of its face and its picture."""
    if row["box"] is None or row["page"] != 1:
        return None
    size = row["width"], row["height"]
    region = row["crop_region"] or region_of(row["box"], *size)
    return CropView.of(region, row["landmarks"], *size)
