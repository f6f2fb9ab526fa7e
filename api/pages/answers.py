"""The answer of a search: the sheet, what only a person can look at, marks in its picture, and one pair to judge."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.deps import AfterDigest, Id, ServicesDep
from api.pages.access import Judge, Marker, Reader, Reopener, SearchEnder, SessionDep
from api.pages.forms import Words
from api.pages.page import PageDep
from api.pages.search import A_PAGE, question_of
from api.pages.texts import TAKEN_BACK_IN_SEARCH
from api.wire import Digest
from graph.actions.access import Access
from graph.actions.decide.decision import Judgement, Seen
from graph.actions.decide.mark import do_mark
from graph.actions.decide.pair import do_link, preview_pair
from graph.actions.decide.verdicts import do_reopening, do_verdict
from graph.actions.read.answers import Answer, FoundFace, read_search
from graph.actions.read.crop_views import read_crop_views
from graph.actions.read.last_act import read_last_act
from graph.actions.read.links import read_links_by_id
from graph.actions.read.media import MediaFaces, read_faces
from graph.actions.read.pairs import check_pair, read_pair
from graph.actions.read.search import do_end
from graph.actions.read.searches import Filters, read_searches, read_unjudged
from graph.actions.read.sheet_faces import SheetFace, read_sheet_faces
from graph.domain import ids
from graph.domain.errors import Invalid, NotFound
from graph.domain.link import AWAITS_VERDICT, TEXT_LIMIT, Decision
from graph.domain.people import Permission, may
from graph.domain.visibility import VisibleLink

router = APIRouter()

FOUND_A_PAGE: Final = 60
UNJUDGED_A_PAGE: Final = 50
OTHERS_MAX: Final = 60
"""Further faces of two victims that a pair shows."""
FEATURES: Final = ("ears", "eyes", "nose", "mouth", "face_shape", "hair", "marks", "context", "quality")


@dataclass(frozen=True, slots=True)
class Result:
    """A face of an answer with its facts, and the link to the face that was asked for, if there is one."""

    found: FoundFace
    face: SheetFace
    link: VisibleLink | None

    @property
    def waits(self) -> bool:
        """Whether a person may judge the pair now."""
        return not self.found.erased and (self.link is None or self.link.state in AWAITS_VERDICT)


@dataclass(frozen=True, slots=True)
class Part:
    """What came at one time: those above the threshold, then the others, each with the poorest picture first."""

    at: str | None
    is_first: bool
    results: tuple[Result, ...]


@router.get("/search/{search_id}", name="answer")
async def answer(
    search_id: Id,
    access: Reader,
    session: SessionDep,
    page: PageDep,
    after: Annotated[str, Query(max_length=25)] = "",
) -> Response:
    """The answer as it is now; to a script the part that changes."""
    found = await read_search(access, search_id, after=after, limit=FOUND_A_PAGE)
    picture = await _picture(access, found)
    values: dict[str, Any] = {
        "answer": found,
        "parts": await _parts(access, found),
        "picture": picture,
        "views": await read_crop_views(access, (face.face_id for face in (picture.items if picture else found.faces))),
        "may_mark": may(access.person, Permission.MARK, [access.person.district]),
        "may_judge": may(access.person, Permission.JUDGE, [access.person.district]),
        "last": await _last(access, found, session.began_at),
        "after": after,
    }
    if page.is_part:
        return page("search/answer.html", **values)
    asked = await read_searches(access, Filters(), after="", limit=A_PAGE)
    known = [] if found.picture else [probe.face_id for probe in found.faces]
    faces = list((await read_sheet_faces(access, known)).values()) if known else []
    form: dict[str, Any] = {
        "case_id": found.case_id,
        "victim": found.victim_id or "",
        "where": "register" if found.within == "register" else "case",
        "in_case": found.within.removeprefix("case:") if found.within != "register" else "",
        "legal_basis": found.legal_basis,
        "purpose": found.purpose,
        "keep_asking": found.keep_asking,
    }
    return page("search.html", **question_of(access, asked, faces, form), **values)


async def _last(access: Access, found: Answer, since: str) -> VisibleLink | None:
    """The pair that the person judged last, if one of its faces is one that this search asked for."""
    act = await read_last_act(access, "verdict", since)
    if act is None or act.is_undone or len(act.link_ids) != 1:
        return None
    link = (await read_links_by_id(access, act.link_ids)).get(act.link_ids[0])
    asked = {face.face_id for face in found.faces}
    return link if link and {link.a.face_id, link.b.face_id} & asked else None


async def _parts(access: Access, found: Answer) -> list[Part]:
    """The faces of this page by the time at which they came."""
    faces = await read_sheet_faces(access, [item.face_id for item in found.items]) if found.items else {}
    pairs = {
        (item.part, item.rank): ids.link_id(*ids.ordered(item.probe_face_id, item.face_id))
        for item in found.items
        if item.probe_face_id is not None and not item.erased
    }
    links = await read_links_by_id(access, list(pairs.values())) if pairs else {}

    def result(item: FoundFace) -> Result:
        return Result(item, faces[item.face_id], links.get(pairs.get((item.part, item.rank), "")))

    return [
        Part(part.at, number == 0, tuple(sorted(map(result, part.items), key=_poorest_first)))
        for number, part in enumerate(found.parts)
        if part.items
    ]


def _poorest_first(result: Result) -> tuple[bool, float, str]:
    """Sort key: similar ones first, each with the poorest picture first; the order discloses no rank."""
    quality = result.face.quality
    return not result.found.above, -1.0 if quality is None else quality, result.found.face_id


async def _picture(access: Access, found: Answer) -> MediaFaces | None:
    """The faces of the uploaded picture, with those that people marked in it; None where it cannot be seen."""
    if found.picture is None or found.status in {"asked", "quarantined"}:
        return None
    try:
        return await read_faces(access, found.picture)
    except NotFound:  # the person asked for another district's case, or the picture was erased
        return None


@router.get("/search/{search_id}/unjudged", name="unjudged")
async def unjudged(search_id: Id, access: Reader, page: PageDep, after: AfterDigest = "") -> Response:
    """What the machine could not compare: a person has to look."""
    found = await read_unjudged(access, search_id, after=after, limit=UNJUDGED_A_PAGE)
    views = await read_crop_views(access, (face.face_id for media in found.items for face in media.faces))
    return page("search/unjudged.html", search_id=search_id, found=found, views=views, after=after)


@router.post("/search/{search_id}/end", name="end_search")
async def end(search_id: Id, access: SearchEnder, page: PageDep) -> Response:
    """Nothing more is added to the answer, which stays."""
    await do_end(access, search_id)
    return page.see("answer", search_id=search_id)


@router.post("/search/{search_id}/marks", name="mark_in_search")
async def mark(search_id: Id, access: Marker, page: PageDep, box: Annotated[list[int], Form(max_length=4)]) -> Response:
    """Marks a face that the detector missed in the picture of the search: `box` is left, top, width and height."""
    found = await read_search(access, search_id, limit=1)
    if found.picture is None or len(box) != 4:
        raise Invalid("box: left, top, width and height in the picture of a search")
    await do_mark(access, found.picture, box)
    return page.see("answer", search_id=search_id)


@router.get("/search/{search_id}/pairs/{face_id}", name="pair")
async def pair(search_id: Id, face_id: Id, access: Judge, page: PageDep, probe: Digest) -> Response:
    """A face that was asked for beside one that was found, to be judged without the machine's score."""
    found = await read_pair(access, search_id, (probe, face_id))
    shown = await read_sheet_faces(access, [*found.faces, *found.others[:OTHERS_MAX]])
    return page(
        "search/pair.html",
        search_id=search_id,
        pair=found,
        asked=shown[probe],
        found=shown[face_id],
        others=[shown[face] for face in found.others[:OTHERS_MAX]],
        waits=found.link is None or found.link.state in AWAITS_VERDICT,
        may_mark=may(access.person, Permission.LABEL, [access.person.district]),
        features=FEATURES,
    )


class SeenPair(BaseModel):
    """A pair as it was shown: `version` is that of its link, None where there is none yet; `face` are those shown."""

    probe: Digest
    version: int | None = Field(default=None, ge=0)
    face: Annotated[list[Digest], Words, Field(max_length=OTHERS_MAX + 2)]


class PairForm(SeenPair):
    """A verdict on a pair."""

    decision: Decision
    reason: list[str] = Field(default_factory=list[str], max_length=20)
    text: str = Field(default="", max_length=TEXT_LIMIT)


@router.post("/search/{search_id}/pairs/{face_id}", name="judge_pair")
async def judge_pair(
    search_id: Id,
    face_id: Id,
    access: Judge,
    services: ServicesDep,
    page: PageDep,
    form: Annotated[PairForm, Form()],
) -> Response:
    """Stores the verdict; faces that nobody has linked are linked by it. A script is told which page comes next."""
    faces, reasons = (form.probe, face_id), tuple(filter(None, form.reason))
    await check_pair(access, search_id, faces)
    if form.version is None:
        if form.decision is not Decision.CONFIRMED:
            raise Invalid("nobody proposed this pair: only `same person` can be said of it")
        await do_link(access, faces, reasons, form.text, shown=tuple(form.face))
    else:
        link_id, shown = ids.link_id(*ids.ordered(*faces)), tuple(form.face)
        shown = shown if form.decision is Decision.CONFIRMED else None
        await do_verdict(access, Judgement(link_id, form.version, form.decision, reasons, form.text, shown))
    if page.is_part:
        return Response(status_code=204, headers={"Redthread-Next": page.path("answer", search_id=search_id)})
    return page.see("answer", search_id=search_id)


@router.post("/search/{search_id}/pairs/{face_id}/preview", name="preview_pair")
async def preview(
    search_id: Id, face_id: Id, access: Judge, page: PageDep, form: Annotated[SeenPair, Form()]
) -> Response:
    """What *same person* would change, or why it would be refused."""
    await check_pair(access, search_id, (form.probe, face_id))
    done = await preview_pair(access, (form.probe, face_id), form.version, tuple(form.face))
    return page("review/consequence.html", done=done)


@router.post("/search/{search_id}/undone", name="undo_pair")
async def undo(
    search_id: Id,
    access: Reopener,
    services: ServicesDep,
    page: PageDep,
    link: Annotated[str, Form(max_length=100)],
    version: Annotated[int, Form(ge=0)],
) -> Response:
    """Takes the verdict back."""
    await do_reopening(access, Seen(link, version), TAKEN_BACK_IN_SEARCH)
    return page.see("answer", search_id=search_id)
