"""The answer of a search as it grows, and what a search could not compare."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from api.deps import AfterDigest, CaseAccess, Id, Limit
from api.errors import LOOKING, problems
from api.routes.searches import FACTS_EXAMPLE, SearchFactsOut
from api.wire import GapOut, PageOut, example, fields_of
from graph.actions.read.answers import Answer, AnswerPart, Coming, FoundFace, FoundPerson, Probe, read_search
from graph.actions.read.searches import PoorFace, Unjudged, read_unjudged
from graph.paging import Page

router = APIRouter(tags=["searches"])

_FOUND = """
    {"offset": 88213, "rank": 1, "face_id": $OTHER_FACE, "media_id": null, "case_ids": [], "box": null, "above": true,
     "probe_face_id": $FACE, $SOUTH, "erased": false, "victim_id": null, "group_id": null, "gap": null}"""


class FoundOut(fields_of(FoundFace, without=("part", "identified"))):
    """A face that a search returned: a rank, and whether it lies above the register's threshold; no score.

    `offset` names the part that it came with. Of a face that the caller may not see only id, district and contact are
    told; of one that was erased since its id.
    """

    gap: GapOut | None = Field(description="to the picture of `probe_face_id`")


class ProbeOut(fields_of(Probe)):
    """A face that is searched for; of an uploaded picture with several, ask again with the `face_id` of one."""


class PersonOut(fields_of(FoundPerson)):
    """Faces of this page that show one person as far as is known: a victim, a group of one case, or a face alone."""

    kind: Literal["victim", "group", "face"]
    face_ids: list[str] = Field(description="the most similar first")


class PartOut(fields_of(AnswerPart)):
    """What was answered at one record of the gallery log; `items` are those of this page, `found` counts all."""


class ToComeOut(fields_of(Coming, without=("quarantined",))):
    """Events that are known to be on their way, at most: of a case its source's; `seconds` null: nobody can tell."""


class SearchOut(SearchFactsOut, fields_of(Answer)):
    """A search and a page of its answer, in the order of parts and ranks; while `status` is `asked` there is none.

    `compared`, `too_poor` and `no_face` (media) are those of all parts, `quarantined` counts events of the named case.
    """

    model_config = example(f"""
        {{{FACTS_EXAMPLE}, "reason": null, "limit": 20, "legal_basis": "StPO 98c", "compared": 1204, "too_poor": 31,
          "headline":
            "leads to an unknown face in 1204 compared, 31 could not be judged; similar is not the same person",
          "no_face": 77, "quarantined": 0,
          "to_come": {{"events": 0, "seconds": 0, "as_of": "2026-11-20T10:05:00+00:00"}},
          "gallery_offset": 88213, "gallery_size": 91544, "picture": null,
          "faces": [{{"face_id": $FACE, "media_id": $MEDIA, "box": [412, 96, 88, 117], "quality": 0.8,
                      "too_poor_because": null}}],
          "people": [{{"kind": "face", "id": $OTHER_FACE, "identified": false, "face_ids": [$OTHER_FACE]}}],
          "parts": [{{"offset": 88213, "at": "2026-11-20T10:05:01+00:00", "compared": 1204, "too_poor": 31,
                      "no_face": 77, "found": 1, "items": [{_FOUND}]}}],
          "items": [{_FOUND}], "next": null}}
    """)

    picture: str | None = Field(description="the media id of the uploaded picture")
    faces: list[ProbeOut] = Field(description="the faces that are searched for")


class UnjudgedFaceOut(fields_of(PoorFace)):
    pass


class UnjudgedOut(fields_of(Unjudged)):
    """A media that the machine could not judge whole.

    Its `faces` are too poor to compare, no face was found, only `frames_examined` of its `frames` pages were examined,
    or only about `partial_percent` of a damaged picture could be decoded.
    """


class UnjudgedPage(PageOut[UnjudgedOut]):
    """A page may be short, or empty: go on with `next` until it is null."""

    model_config = example("""
        {"items": [
            {"media_id": $MEDIA, "case_ids": [$CASE], "faces": [
                {"face_id": $FACE, "box": [412, 96, 21, 27], "page": 1, "quality": 0.1,
                 "too_poor_because": "the eyes are 9 pixels apart, 24 are needed"}],
             "frames": 1, "frames_examined": 1, "partial_percent": null},
            {"media_id": $OTHER_MEDIA, "case_ids": [$CASE], "faces": [], "frames": 40, "frames_examined": 3,
             "partial_percent": null}],
         "next": null}
    """)


@router.get("/searches/{search_id}", response_model=SearchOut, responses=problems("not_found", *LOOKING))
async def answer(
    search_id: Id,
    access: CaseAccess,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: Annotated[str, Query(max_length=25, description="`next` of the page before")] = "",
) -> Answer:
    """The search and, once link has answered, the faces by part and rank, as they were found then.

    An empty answer says what it was compared with. Of one case it holds all that is similar, page by page.
    """
    return await read_search(access, search_id, after=after, limit=limit)


@router.get("/searches/{search_id}/unjudged", response_model=UnjudgedPage, responses=problems("not_found", *LOOKING))
async def unjudged(search_id: Id, access: CaseAccess, limit: Limit = 50, after: AfterDigest = "") -> Page[Unjudged]:
    """Look yourself: what in the search's reach the machine could not judge, by media id, as far as you may see it.

    Media with faces that are too poor to compare, media in which no face was found, and media of which not all pages or
    not the whole picture could be examined.
    """
    return await read_unjudged(access, search_id, after=after, limit=limit)
