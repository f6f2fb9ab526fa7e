"""Pictures of faces, their surroundings, faces that are as similar, and pictures that show a person more than once."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.responses import RedirectResponse, Response

from api.deps import AfterDigest, Id, ServicesDep
from api.pages.access import Labeller, Reader, SessionDep, under_claim
from api.pages.forms import Back, BackField
from api.pages.page import PageDep, safe_back
from api.pages.pairs import last_pair
from graph.actions.access import Access
from graph.actions.decide.repeated_person import Statement, do_statement, read_statements
from graph.actions.read.crop_views import read_crop_views
from graph.actions.read.faces import read_context, read_crop, read_similar
from graph.actions.read.links import read_links_by_id
from graph.actions.read.sheet_faces import SheetFace, read_chosen_faces
from graph.actions.sessions import allow_wider_view
from graph.domain import ids
from graph.domain.errors import NotFound
from graph.domain.link import AWAITS_VERDICT
from graph.domain.people import Permission, may
from graph.domain.repeated_person import RepeatedPerson

router = APIRouter()

ClaimId = Annotated[str, Query(max_length=100)]
NOT_STORED = {"Cache-Control": "no-store, private"}
SIMILAR_A_PAGE = 50


@router.get("/faces/{face_id}/crop", name="crop")
async def crop(
    face_id: Id, access: Reader, services: ServicesDep, claim: ClaimId = "", leads: bool = False
) -> Response:
    """The face's crop; `claim` names the claimed item under which it is looked at."""
    seen = await under_claim(access, claim)
    data = await read_crop(seen, services.files, face_id, leads=leads)
    return Response(data, media_type="image/jpeg", headers=NOT_STORED)


@router.get("/faces/{face_id}/context", name="context")
async def context(face_id: Id, access: Reader, services: ServicesDep, session: SessionDep, page: PageDep) -> Response:
    """The face with its surroundings, for the reason that the person stated within the last hour; else the page that
    asks for one."""
    face = await _own_face(access, face_id)
    view = session.wider_view(face.case_ids[0], services.now())
    if view is None:
        return page.see("wider", face_id=face_id)
    data = await read_context(replace(access, purpose=view.reason), services.files, face_id)
    return Response(data, media_type="image/jpeg", headers=NOT_STORED)


@router.get("/faces/{face_id}/similar", name="similar")
async def similar(
    face_id: Id,
    access: Reader,
    session: SessionDep,
    page: PageDep,
    claim: ClaimId = "",
    after: AfterDigest = "",
    back: Back = "",
) -> Response:
    """The faces as similar as those proposed for one face, which were not proposed, each with its link."""
    seen = await under_claim(access, claim)
    found = await read_similar(seen, face_id, after=after, limit=SIMILAR_A_PAGE)
    of_face = {face.face_id: ids.link_id(*ids.ordered(face_id, face.face_id)) for face in found.items}
    links = await read_links_by_id(access, [*of_face.values()])
    return page(
        "similar.html",
        found=found,
        views=await read_crop_views(access, of_face),
        links={face: links[link_id] for face, link_id in of_face.items() if link_id in links},
        open_states=AWAITS_VERDICT,
        may_judge=may(access.person, Permission.JUDGE, [access.person.district]),
        last=await last_pair(access, [face_id], session.began_at),
        face_id=face_id,
        claim=claim,
        after=after,
        back=safe_back(back),
    )


@router.get("/faces/{face_id}/wider", name="wider")
async def wider(
    face_id: Id, access: Reader, services: ServicesDep, session: SessionDep, page: PageDep, back: Back = ""
) -> Response:
    """The face with its surroundings, after a reason stated once a case and hour."""
    face = await _own_face(access, face_id)
    view = session.wider_view(face.case_ids[0], services.now())
    return page("wider.html", face=face, view=view, back=safe_back(back))


@router.post("/faces/{face_id}/wider", name="allow_wider")
async def allow_wider(
    face_id: Id,
    access: Reader,
    services: ServicesDep,
    session: SessionDep,
    page: PageDep,
    reason: Annotated[str, Form(max_length=2000)],
    back: BackField = "",
) -> Response:
    """Stores the reason, for this case and an hour."""
    face = await _own_face(access, face_id)
    await allow_wider_view(services.store, session, face.case_ids[0], reason, services.now())
    return page.see("wider", {"next": back}, face_id=face_id)


@router.get("/media/{media_id}/repeated-person", name="repeated")
async def repeated(media_id: Id, access: Reader, page: PageDep, back: Back = "") -> Response:
    """Whether people stated that a picture shows the same person more than once."""
    found = await read_statements(access, media_id)
    return page("repeated.html", found=found, kinds=list(RepeatedPerson), back=safe_back(back))


@router.post("/media/{media_id}/repeated-person", name="state_repeated")
async def state_repeated(
    media_id: Id,
    access: Labeller,
    version: Annotated[int, Form(ge=0)],
    reason: Annotated[str, Form(max_length=2000)],
    kind: Annotated[RepeatedPerson | None, Form()] = None,
    back: BackField = "",
) -> Response:
    """States it, or without a kind takes the statement back."""
    await do_statement(access, Statement(media_id, version, kind, reason.strip()))
    return RedirectResponse(safe_back(back), 303)


async def _own_face(access: Access, face_id: str) -> SheetFace:
    """The face, which is in a case of the person's district."""
    face = (await read_chosen_faces(access, [face_id]))[face_id]
    if not face.case_ids:
        raise NotFound("there is no such face", code="face_unknown")
    return face
