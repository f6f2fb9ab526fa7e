"""Cases as people see them, and why two of them are linked."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from api.deps import AfterDigest, CaseAccess, CaseId, Limit
from api.errors import LOOKING, problems
from api.routes.answers import ToComeOut
from api.wire import PageOut, WireOut, example, fields_of
from graph.actions.read import cases, paths
from graph.actions.read.cases import CaseFacts, CountedMedia
from graph.actions.read.outcomes import Completeness, Outcome, Waiting, read_completeness
from graph.actions.read.paths import CasePath, Step
from graph.domain.case_view import Case, CaseMedia, LinkedCase, VisibleCase
from graph.paging import Page

router = APIRouter(tags=["cases"])

_CASE = """"case_id": $CASE, "source": "north", "status": "open", "version": 3, $NORTH, "review_by": "2027-11-01\""""
_MEDIA = """
    "media_id": $MEDIA, "kind": "picture", "content_type": "image/jpeg", "width": 1600, "height": 1200,
    "frames": 1, "frames_examined": 1, "partial_percent": null,
    "captured_at": "2026-08-02T17:20:11+02:00", "ai_generated": null, "scope": "register", "exhibits": ["A-12"],
    "urgency": "routine", "submitted_at": 1795165964000, "other_case_ids": []"""


class CaseOut(fields_of(Case)):
    pass


class MediaOut(fields_of(CaseMedia)):
    frames: int = Field(description="pages or pictures in the file")
    frames_examined: int = Field(description="how many of them were examined: look at the others yourself")
    partial_percent: int | None = Field(
        description="about how much of a damaged picture could be decoded; null: all of it"
    )
    captured_at: str | None = Field(description="by the latest event that says it, else by the camera (EXIF)")
    ai_generated: bool | None = Field(description="by the latest event that says it; null: no event does")
    submitted_at: int | None = Field(description="milliseconds since 1970, UTC")


class LinkedCaseOut(fields_of(LinkedCase)):
    """Another case that links (by state) or shared media lead to; without an id: cases that the caller may not see."""


class CaseGraphOut(fields_of(VisibleCase)):
    """A case as nodes and edges."""

    model_config = example(f"""
        {{"case": {{{_CASE}}}, "media": [{{{_MEDIA}}}],
          "faces": [{{"face_id": $FACE, "media_id": $MEDIA, "ordinal": 0, "box": [412, 96, 88, 117], "page": 1,
                      "quality": 0.8, "quality_because": "The face is hard to compare: it is blurred.",
                      "too_poor_because": null, "label": null}}],
          "links": [$LINK],
          "cases": [{{"case_id": null, $SOUTH, "links": {{"candidate": 1}}, "shared_media": 0}}]}}
    """)


class CaseFactsOut(CaseOut, fields_of(CaseFacts)):
    """A case and how much there is in it; `links` counts by state, leads left out."""

    model_config = example(
        f'{{{_CASE}, "media": 214, "faces": 96, "too_poor": 11, "links": {{"candidate": 7, "approved": 1}}}}'
    )


class CaseMediaOut(MediaOut, fields_of(CountedMedia)):
    """A media of a case; `other_case_ids` lists only cases that the caller may read."""


class CaseMediaPage(PageOut[CaseMediaOut]):
    """`next` is the `after` of the next page, null on the last one."""

    model_config = example(f'{{"items": [{{{_MEDIA}, "faces": 1, "too_poor": 0}}], "next": $MEDIA}}')


class WaitingOut(fields_of(Waiting)):
    code: str = Field(description="why the events could not be processed; operators know each of them")
    since: int | None = Field(description="the oldest submission, milliseconds since 1970, UTC")


class CompletenessOut(fields_of(Completeness)):
    """How much of a case was compared, and what only a person can look at.

    `media` counts each by what became of it: compared, all its faces too poor, no face, or of scope `none`. `in_part`
    counts those of which not everything was examined, `faces` and `too_poor_faces` the faces, `quarantined` the events
    that could not be processed.
    """

    model_config = example("""
        {"media": {"compared": 180, "too_poor": 9, "no_face": 24, "not_compared": 1}, "in_part": 2, "faces": 96,
         "too_poor_faces": 11, "coming": {"events": 3, "seconds": 2, "as_of": "2026-11-20T10:05:00+00:00"},
         "quarantined": [{"code": "unreadable_file", "events": 1, "since": 1795165964000}]}
    """)

    media: dict[Outcome, int]
    coming: ToComeOut
    quarantined: list[WaitingOut]


# The converter lets a local id hold a slash (sent as %2F), so longer paths must be declared before shorter ones.
@router.get("/cases/{case_id:path}/graph", response_model=CaseGraphOut, responses=problems("not_found", *LOOKING))
async def case_graph(
    case_id: CaseId,
    access: CaseAccess,
    leads: Annotated[bool, Query(description="also the leads: similar, but below the threshold")] = False,
) -> VisibleCase:
    """The case's media, faces and links as nodes and edges, and the other cases that they lead to."""
    return await cases.read_case(access, case_id, leads=leads)


@router.get("/cases/{case_id:path}/media", response_model=CaseMediaPage, responses=problems("not_found", *LOOKING))
async def media_of_case(
    case_id: CaseId, access: CaseAccess, limit: Limit = 50, after: AfterDigest = ""
) -> Page[CountedMedia]:
    """The case's media by id, page by page."""
    return await cases.read_media_of_case(access, case_id, after=after, limit=limit)


@router.get(
    "/cases/{case_id:path}/completeness", response_model=CompletenessOut, responses=problems("not_found", *LOOKING)
)
async def completeness_of_case(case_id: CaseId, access: CaseAccess) -> Completeness:
    """What became of the case's media, and what is still to come."""
    return await read_completeness(access, case_id)


@router.get("/cases/{case_id:path}", response_model=CaseFactsOut, responses=problems("not_found", *LOOKING))
async def case(case_id: CaseId, access: CaseAccess) -> CaseFacts:
    """One case: its district, state and review date, and how much there is in it."""
    return await cases.read_case_facts(access, case_id)


class StepOut(fields_of(Step)):
    """One edge of a path: a media `in_case`, a face `seen_in` a media, or a `link` of two faces; never a score."""


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
    access: CaseAccess,
    candidates: Annotated[bool, Query(description="also links that nobody has decided")] = False,
) -> CasePath:
    """The shortest way from one case to the other over shared media and links that people confirmed."""
    return await paths.read_path(access, from_case, to_case, candidates=candidates)
