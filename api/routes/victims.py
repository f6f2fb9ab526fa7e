"""Victims as people see them."""

from typing import Literal
from urllib.parse import quote

from fastapi import APIRouter, Response

from api.deps import CaseAccess, VictimId
from api.errors import LOOKING, problems
from api.wire import example, fields_of
from graph.actions.read.victim import (
    Declaration,
    JoiningLink,
    Moved,
    VictimCase,
    VictimFace,
    VisibleVictim,
    read_victim,
)

router = APIRouter(tags=["victims"])


class DeclaredOut(fields_of(Declaration)):
    """That a case system said whom the face shows."""


class HeldByOut(fields_of(JoiningLink)):
    """A link that people confirmed, between this face and another one of the victim."""

    state: Literal["confirmed", "approved"]


class VictimFaceOut(fields_of(VictimFace)):
    """One face of a victim. `bases`: `declared` by a case system, `confirmed` by one person, `approved` by two.

    Of a face in another district only the id is told until approved links join it to one of the caller's.
    """

    bases: list[Literal["declared", "confirmed", "approved"]] | None


class VictimCaseOut(fields_of(VictimCase)):
    """The victim's faces in one case, the weakest first; without `case_id` where the caller may not see the case, or
    where the faces are erased."""


class VictimOut(fields_of(VisibleVictim)):
    """One person: registered by a case system, or formed by confirmed links; `identity` is null until two persons
    have identified the victim. `erased` counts faces of which nothing but an id is left."""

    model_config = example("""
        {"victim_id": "v-3c1a8f6e4d2c0b9a7f5e3d1c8b6a4f2e", "label": null, "registered": false, "identity": null,
         "erased": 0, "cases": [
            {"case_id": $CASE, $NORTH, "faces": [
                {"face_id": $FACE, "media_id": $MEDIA, "box": [412, 96, 88, 117], "quality": 0.8,
                 "too_poor_because": null, "label": "victim", "bases": ["confirmed"], "declared": [],
                 "links": [{"link_id": $LINK_ID, "state": "confirmed"}]}]},
            {"case_id": null, "district": "south", "contact": null, "faces": [
                {"face_id": $OTHER_FACE, "media_id": null, "box": null, "quality": null, "too_poor_because": null,
                 "label": null, "bases": null, "declared": null, "links": null}]}]}
    """)


_MOVED = {
    "description": "the victim that all faces of this former id are in now",
    "headers": {"Location": {"description": "where the victim is", "schema": {"type": "string"}}},
}


# The converter lets an id hold a slash (sent as %2F): a case system names its victims as it likes.
@router.get(
    "/victims/{victim_id:path}",
    response_model=VictimOut,
    responses={308: _MOVED, **problems("not_found", "victim_split", *LOOKING)},
)
async def victim(victim_id: VictimId, access: CaseAccess) -> VisibleVictim | Response:
    """A contact sheet: the victim's faces by case, the weakest first, each with what holds it there."""
    seen = await read_victim(access, victim_id)
    if isinstance(seen, Moved):
        return Response(status_code=308, headers={"Location": f"/victims/{quote(seen.victim_id, safe='')}"})
    return seen
