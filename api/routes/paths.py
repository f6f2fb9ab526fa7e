"""Why two cases are linked."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from api.deps import CaseAccess, ServicesDep
from api.errors import LOOKING, problems
from api.wire import WireOut, example
from graph.actions.read import paths
from graph.actions.read.paths import CasePath
from graph.domain.link import State

router = APIRouter(tags=["cases"])


class StepOut(WireOut):
    """One edge of a path: a media `in_case`, a face `seen_in` a media, or a `link` of two faces; never a score."""

    kind: Literal["in_case", "seen_in", "link"]
    case_id: str | None
    media_id: str | None
    face_id: str | None
    to_face_id: str | None
    link_id: str | None
    state: State | None
    district: str | None
    contact: str | None


class PathOut(WireOut):
    """Why two cases are linked; not `linked` means: not over at most three links in a row."""

    model_config = example("""
        {"from_case": $CASE, "to_case": $OTHER_CASE, "linked": true, "steps": [
            {"kind": "in_case", "case_id": $CASE, "media_id": $MEDIA, "face_id": null, "to_face_id": null,
             "link_id": null, "state": null, $NORTH},
            {"kind": "seen_in", "case_id": null, "media_id": $MEDIA, "face_id": $FACE, "to_face_id": null,
             "link_id": null, "state": null, $NORTH},
            {"kind": "link", "case_id": null, "media_id": null, "face_id": $FACE, "to_face_id": $OTHER_FACE,
             "link_id": $LINK_ID, "state": "approved", "district": null, "contact": null},
            {"kind": "seen_in", "case_id": null, "media_id": $OTHER_MEDIA, "face_id": $OTHER_FACE,
             "to_face_id": null, "link_id": null, "state": null, "district": "south", "contact": null},
            {"kind": "in_case", "case_id": $OTHER_CASE, "media_id": $OTHER_MEDIA, "face_id": null,
             "to_face_id": null, "link_id": null, "state": null, "district": "south", "contact": null}]}
    """)

    from_case: str
    to_case: str
    linked: bool
    steps: list[StepOut]


@router.get("/paths", response_model=PathOut, responses=problems("not_found", *LOOKING))
async def path(
    from_case: Annotated[str, Query(max_length=200)],
    to_case: Annotated[str, Query(max_length=200)],
    services: ServicesDep,
    access: CaseAccess,
    candidates: Annotated[bool, Query(description="also links that nobody has decided")] = False,
) -> CasePath:
    """The shortest way from one case to the other over shared media and links that people confirmed."""
    return await paths.read_path(
        services.store, services.access_log, from_case, to_case, candidates=candidates, access=access
    )
