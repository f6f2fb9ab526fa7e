"""A victim: all its faces, when and where they were taken, what people decided, what is missing, who it is."""

from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Final

from fastapi import APIRouter, Form
from starlette.responses import Response

from api.deps import AfterDigest, VictimId
from api.pages.access import Identifier, Reader
from api.pages.forms import Ids
from api.pages.page import PageDep
from graph.actions.decide.identify import do_identification
from graph.actions.identification import REFERENCE_LIMIT, Proposal
from graph.actions.read.crop_views import read_crop_views
from graph.actions.read.victim import Moved, VictimCase, VictimFace
from graph.actions.read.victim_page import VictimPage, read_links_of_victim, read_victim_page
from graph.domain.identification import Basis
from graph.domain.link import TEXT_LIMIT, State
from graph.domain.people import Permission, may

router = APIRouter()

LEADS_A_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class ShownFace:
    """A face of a victim with its cases, and its picture's date as the reader may know it."""

    face: VictimFace
    cases: tuple[VictimCase, ...]
    taken: str | None
    quality_because: str | None
    frame_ms: int | None
    is_own: bool
    """Whether it lies in the reader's district, so that its picture may be opened."""

    @property
    def is_masked(self) -> bool:
        return self.face.bases is None


@dataclass(frozen=True, slots=True)
class Year:
    """The faces of one year, and how many years without a picture lie before it."""

    year: str
    gap: int
    faces: tuple[ShownFace, ...]


def shown_faces(found: VictimPage, district: str | None) -> list[ShownFace]:
    """Every face once, the poorest picture first: an order that discloses no score."""
    cases: dict[str, list[VictimCase]] = {}
    faces: dict[str, VictimFace] = {}
    for case in found.victim.cases:
        for face in case.faces:
            faces[face.face_id] = face
            cases.setdefault(face.face_id, []).append(case)
    shown: list[ShownFace] = []
    for face_id, face in faces.items():
        picture = found.pictures.get(face_id)
        of_picture = (picture.captured_at, picture.quality_because, picture.frame_ms) if picture else (None, None, None)
        is_own = any(case.district == district for case in cases[face_id])
        shown.append(ShownFace(face, tuple(cases[face_id]), *of_picture, is_own))
    return sorted(shown, key=lambda each: (each.face.quality or -1.0, each.face.face_id))


def years(faces: list[ShownFace]) -> list[Year]:
    """The dated faces by year, oldest first."""
    dated = sorted((each for each in faces if each.taken), key=lambda each: (each.taken or "", each.face.face_id))
    found: list[Year] = []
    for year, of_year in groupby(dated, key=lambda each: (each.taken or "")[:4]):
        gap = int(year) - int(found[-1].year) - 1 if found else 0
        found.append(Year(year, gap, tuple(of_year)))
    return found


@router.get("/victims/{victim_id:path}/leads", name="victim_leads")
async def leads(victim_id: VictimId, access: Reader, page: PageDep, after: AfterDigest = "") -> Response:
    """Faces below the threshold that may show the victim, and candidates that wait."""
    states = (State.LEAD, State.CANDIDATE, State.UNSURE, State.RETURNED)
    found = await read_links_of_victim(access, victim_id, states, after=after, limit=LEADS_A_PAGE)
    views = await read_crop_views(access, (side.face_id for link in found.items for side in (link.a, link.b)))
    return page("victim_leads.html", victim_id=victim_id, found=found, views=views, after=after)


@router.post("/victims/{victim_id:path}/identifications", name="propose_identification")
async def propose(
    victim_id: VictimId,
    access: Identifier,
    page: PageDep,
    person_ref: Annotated[str, Form(max_length=2 * REFERENCE_LIMIT)],
    basis: Annotated[Basis, Form()],
    reason: Annotated[str, Form(max_length=TEXT_LIMIT)],
    face: Annotated[Ids, Form(max_length=3000)],
) -> Response:
    """Proposes who the victim is; it has no effect until a second person approves it."""
    await do_identification(access, victim_id, Proposal(person_ref, basis, reason, tuple(face)))
    return page.see("victim", victim_id=victim_id)


@router.get("/victims/{victim_id:path}", name="victim")
async def victim(victim_id: VictimId, access: Reader, page: PageDep) -> Response:
    """The victim, or the page of the victim that a former id leads to."""
    found = await read_victim_page(access, victim_id)
    if isinstance(found, Moved):
        return page.see("victim", victim_id=found.victim_id)
    faces = shown_faces(found, access.person.district)
    return page(
        "victim.html",
        found=found,
        victim=found.victim,
        views=await read_crop_views(access, found.victim.face_ids),
        faces=faces,
        years=years(faces),
        undated=sum(each.taken is None for each in faces),
        may_identify=may(access.person, Permission.IDENTIFY, [case.district for case in found.victim.cases]),
        blocked=any(link.elsewhere for link in found.missing),
        bases=list(Basis),
    )
