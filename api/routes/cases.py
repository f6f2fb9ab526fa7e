"""Cases as people see them."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from api.deps import CaseAccess, CaseId, ServicesDep
from api.errors import LOOKING, problems
from api.wire import FaceOut, LinkOut, WireOut, example
from graph.actions.read import cases
from graph.actions.read.cases import CaseFacts, CountedMedia
from graph.actions.read.page import Page
from graph.domain.case_view import VisibleCase
from graph.domain.link import State

router = APIRouter(tags=["cases"])

_CASE = """"case_id": $CASE, "source": "north", "status": "open", "version": 3, $NORTH, "review_by": "2027-11-01\""""
_MEDIA = """
    "media_id": $MEDIA, "kind": "picture", "content_type": "image/jpeg", "width": 1600, "height": 1200,
    "frames": 1, "frames_examined": 1, "partial_percent": null,
    "captured_at": "2026-08-02T17:20:11+02:00", "ai_generated": null, "scope": "register", "exhibits": ["A-12"],
    "urgency": "routine", "submitted_at": 1795165964000, "other_case_ids": []"""


class CaseOut(WireOut):
    case_id: str
    source: str | None
    district: str | None
    status: str | None
    version: int | None
    contact: str | None
    review_by: str | None


class MediaOut(WireOut):
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
    captured_at: str | None = Field(description="by the latest event that says it, else by the camera (EXIF)")
    ai_generated: bool | None = Field(description="by the latest event that says it; null: no event does")
    scope: str | None
    exhibits: list[str]
    urgency: str | None
    submitted_at: int | None = Field(description="milliseconds since 1970, UTC")
    other_case_ids: list[str]


class LinkedCaseOut(WireOut):
    """Another case that links (by state) or shared media lead to; without an id: cases that the caller may not see."""

    case_id: str | None
    district: str | None
    contact: str | None
    links: dict[State, int]
    shared_media: int


class CaseGraphOut(WireOut):
    """A case as nodes and edges."""

    model_config = example(f"""
        {{"case": {{{_CASE}}}, "media": [{{{_MEDIA}}}],
          "faces": [{{"face_id": $FACE, "media_id": $MEDIA, "ordinal": 0, "box": [412, 96, 88, 117], "page": 1,
                      "quality": 0.8, "quality_because": "The face is hard to compare: it is blurred.",
                      "too_poor_because": null, "label": null}}],
          "links": [$LINK],
          "cases": [{{"case_id": null, $SOUTH, "links": {{"candidate": 1}}, "shared_media": 0}}]}}
    """)

    case: CaseOut
    media: list[MediaOut]
    faces: list[FaceOut]
    links: list[LinkOut]
    cases: list[LinkedCaseOut]


class CaseFactsOut(CaseOut):
    """A case and how much there is in it; `links` counts by state, leads left out."""

    model_config = example(
        f'{{{_CASE}, "media": 214, "faces": 96, "too_poor": 11, "links": {{"candidate": 7, "approved": 1}}}}'
    )

    media: int
    faces: int
    too_poor: int
    links: dict[State, int]


class CaseMediaOut(MediaOut):
    """A media of a case; `other_case_ids` lists only cases that the caller may read."""

    faces: int
    too_poor: int


class CaseMediaPage(WireOut):
    """`next` is the `after` of the next page, null on the last one."""

    model_config = example(f'{{"items": [{{{_MEDIA}, "faces": 1, "too_poor": 0}}], "next": $MEDIA}}')

    items: list[CaseMediaOut]
    next: str | None


# The converter lets a local id hold a slash (sent as %2F), so longer paths must be declared before shorter ones.
@router.get("/cases/{case_id:path}/graph", response_model=CaseGraphOut, responses=problems("not_found", *LOOKING))
async def case_graph(
    case_id: CaseId,
    services: ServicesDep,
    access: CaseAccess,
    leads: Annotated[bool, Query(description="also the leads: similar, but below the threshold")] = False,
) -> VisibleCase:
    """The case's media, faces and links as nodes and edges, and the other cases that they lead to."""
    return await cases.read_case(services.store, services.access_log, case_id, leads=leads, access=access)


@router.get("/cases/{case_id:path}/media", response_model=CaseMediaPage, responses=problems("not_found", *LOOKING))
async def media_of_case(
    case_id: CaseId,
    services: ServicesDep,
    access: CaseAccess,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(max_length=64, description="`next` of the page before")] = "",
) -> Page[CountedMedia]:
    """The case's media by id, page by page."""
    return await cases.read_media_of_case(
        services.store, services.access_log, case_id, after=after, limit=limit, access=access
    )


@router.get("/cases/{case_id:path}", response_model=CaseFactsOut, responses=problems("not_found", *LOOKING))
async def case(case_id: CaseId, services: ServicesDep, access: CaseAccess) -> CaseFacts:
    """One case: its district, state and review date, and how much there is in it."""
    return await cases.read_case_facts(services.store, services.access_log, case_id, access=access)
