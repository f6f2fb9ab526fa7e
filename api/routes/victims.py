"""Victims as people see them."""

from typing import Literal
from urllib.parse import quote

from fastapi import APIRouter, Response

from api.deps import CaseAccess, VictimId
from api.errors import LOOKING, problems
from api.routes.identifications import IdentificationOut
from api.wire import WireOut, example, fields_of
from graph.actions.identification import VisibleIdentification
from graph.actions.read.victim import (
    Declaration,
    JoiningLink,
    Moved,
    VictimCase,
    VictimFace,
    VisibleVictim,
    read_victim,
)
from graph.actions.read.victim_page import read_identifications

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


class IdentificationsOut(WireOut):
    """The victim's identifications, the latest first.

    `person_ref` is empty before the approval, but for who proposed it and who may approve it; the reasons are for those
    who gave or decided it.
    """

    model_config = example("""
        {"items": [{"identification_id": "9e7d5b3c1a8f6e4d2c0b9a7f5e3d1c8b", "victim_id": $VICTIM_ID,
          "person_ref": "", "basis": "interview", "reason": "", "state": "proposed", "version": 0,
          "by": "investigator of south", "at": "2026-11-20T11:00:00+00:00", "face_ids": [$FACE], "decided_by": null,
          "decided_at": null, "decision_reason": null}]}
    """)

    items: list[IdentificationOut]


_MOVED = {
    "description": "the victim that all faces of this former id are in now",
    "headers": {"Location": {"description": "where the victim is", "schema": {"type": "string"}}},
}


# The converter lets an id hold a slash (sent as %2F), so longer paths must be declared before shorter ones.
@router.get(
    "/victims/{victim_id:path}/identifications",
    response_model=IdentificationsOut,
    responses={308: _MOVED, **problems("not_found", "victim_split", *LOOKING)},
)
async def identifications(
    victim_id: VictimId, access: CaseAccess
) -> dict[str, tuple[VisibleIdentification, ...]] | Response:
    """Who the victim was held to be: what was proposed, decided and taken back."""
    found = await read_identifications(access, victim_id)
    if isinstance(found, Moved):
        return _moved(found, "/identifications")
    return {"items": found}


@router.get(
    "/victims/{victim_id:path}",
    response_model=VictimOut,
    responses={308: _MOVED, **problems("not_found", "victim_split", *LOOKING)},
)
async def victim(victim_id: VictimId, access: CaseAccess) -> VisibleVictim | Response:
    """A contact sheet: the victim's faces by case, the weakest first, each with what holds it there."""
    seen = await read_victim(access, victim_id)
    return _moved(seen) if isinstance(seen, Moved) else seen


def _moved(to: Moved, part: str = "") -> Response:
    return Response(status_code=308, headers={"Location": f"/victims/{quote(to.victim_id, safe='')}{part}"})
