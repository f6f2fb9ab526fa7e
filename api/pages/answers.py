"""The answer of a search: the sheet, what only a person can look at, and marks in its picture."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Query
from starlette.responses import Response

from api.deps import AfterDigest, Id, ServicesDep
from api.pages.access import Marker, Reader, SearchEnder, Searcher, SessionDep
from api.pages.page import PageDep
from api.pages.pairs import last_pair
from api.pages.review_items import poorest
from api.pages.search import A_PAGE, question_of
from graph.actions.access import Access
from graph.actions.decide.mark import do_mark
from graph.actions.read.answers import Answer, FoundFace, read_search
from graph.actions.read.crop_views import read_crop_views
from graph.actions.read.links import read_links_by_id
from graph.actions.read.media import MediaFaces, read_faces
from graph.actions.read.search import ask_in_register, do_end
from graph.actions.read.searches import Filters, read_searches, read_unjudged
from graph.actions.read.sheet_faces import SheetFace, read_sheet_faces
from graph.domain import ids
from graph.domain.errors import Invalid, NotFound
from graph.domain.link import AWAITS_VERDICT
from graph.domain.people import Permission, may
from graph.domain.visibility import VisibleLink

router = APIRouter()

FOUND_A_PAGE: Final = 60
UNJUDGED_A_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Result:
    """A face of an answer with its facts, and the link to the face that was asked for, if there is one."""

    found: FoundFace
    face: SheetFace
    link: VisibleLink | None

    @property
    def is_asked_for(self) -> bool:
        """Whether it is the very face that was asked for: its picture is in the material that was searched."""
        return self.found.face_id == self.found.probe_face_id

    @property
    def waits(self) -> bool:
        """Whether a person may judge the pair now."""
        is_pair = not self.found.erased and not self.is_asked_for
        return is_pair and (self.link is None or self.link.state in AWAITS_VERDICT)


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
        "numbers": {face.face_id: number for number, face in enumerate(picture.items if picture else found.faces, 1)},
        "may_mark": may(access.person, Permission.MARK, [access.person.district]),
        "may_judge": may(access.person, Permission.JUDGE, [access.person.district]),
        "last": await last_pair(access, (face.face_id for face in found.faces), session.began_at),
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


async def _parts(access: Access, found: Answer) -> list[Part]:
    """The faces of this page by the time at which they came."""
    faces = await read_sheet_faces(access, [item.face_id for item in found.items]) if found.items else {}
    pairs = {
        (item.part, item.rank): ids.link_id(*ids.ordered(item.probe_face_id, item.face_id))
        for item in found.items
        if item.probe_face_id not in (None, item.face_id) and not item.erased
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
async def unjudged(
    search_id: Id,
    access: Reader,
    page: PageDep,
    after: AfterDigest = "",
    probe: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """What the machine could not compare: a person has to look, and may judge each face beside the `probe`."""
    found = await read_unjudged(access, search_id, after=after, limit=UNJUDGED_A_PAGE)
    probes = await _probes(access, search_id)
    names = [*(face.face_id for media in found.items for face in media.faces), *(face.face_id for face in probes)]
    return page(
        "search/unjudged.html",
        search_id=search_id,
        found=found,
        probes=probes,
        probe=next((face.face_id for face in probes if face.face_id == probe), probes[0].face_id if probes else ""),
        views=await read_crop_views(access, names),
        after=after,
    )


async def _probes(access: Access, search_id: str) -> list[SheetFace]:
    """The faces to judge others beside, the best picture first: of one person the best, of an uploaded picture all."""
    if not may(access.person, Permission.JUDGE, [access.person.district]):
        return []
    asked = await read_search(access, search_id, limit=1)
    faces = await read_sheet_faces(access, [face.face_id for face in asked.faces]) if asked.faces else {}
    probes = sorted((face for face in faces.values() if not face.is_erased), key=poorest, reverse=True)
    return probes if asked.picture else probes[:1]


@router.post("/search/{search_id}/end", name="end_search")
async def end(search_id: Id, access: SearchEnder, page: PageDep) -> Response:
    """Nothing more is added to the answer, which stays."""
    await do_end(access, search_id)
    return page.see("answer", search_id=search_id)


@router.post("/search/{search_id}/register", name="ask_in_register")
async def ask_wider(search_id: Id, access: Searcher, services: ServicesDep, page: PageDep) -> Response:
    """Asks the same in the whole register."""
    return page.see("answer", search_id=await ask_in_register(access, services.files, search_id))


@router.post("/search/{search_id}/marks", name="mark_in_search")
async def mark(search_id: Id, access: Marker, page: PageDep, box: Annotated[list[int], Form(max_length=4)]) -> Response:
    """Marks a face that the detector missed in the picture of the search: `box` is left, top, width and height."""
    found = await read_search(access, search_id, limit=1)
    if found.picture is None or len(box) != 4:
        raise Invalid("box: left, top, width and height in the picture of a search")
    await do_mark(access, found.picture, box)
    return page.go_on(page.path("answer", search_id=search_id))
