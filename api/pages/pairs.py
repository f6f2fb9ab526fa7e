"""Two faces that a search or the list of similar faces put side by side, to be judged without the machine's score."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import Response

from api.deps import ID_MAX, Id
from api.pages.access import Judge, Reopener
from api.pages.forms import BACK_MAX, Back, BackField, Words
from api.pages.page import Page, PageDep, safe_back
from api.pages.review import FEATURES
from api.pages.texts import TAKEN_BACK_IN_SEARCH
from api.wire import FACES_MAX, Digest
from graph.actions.access import Access
from graph.actions.decide.decision import Judgement, Seen
from graph.actions.decide.pair import do_link, preview_pair
from graph.actions.decide.verdicts import do_reopening, do_verdict
from graph.actions.read.last_act import read_last_act
from graph.actions.read.links import read_links_by_id
from graph.actions.read.pairs import check_pair, read_pair
from graph.actions.read.sheet_faces import read_sheet_faces
from graph.domain import ids
from graph.domain.errors import Invalid
from graph.domain.link import AWAITS_VERDICT, TEXT_LIMIT, Decision
from graph.domain.people import Permission, may
from graph.domain.visibility import VisibleLink

router = APIRouter()

SearchId = Annotated[str, StringConstraints(max_length=ID_MAX)]
"""Of the search that shows the pair; without one the second face is listed as similar to the first."""


@router.get("/search/{search_id}/pairs/{face_id}", name="pair")
@router.get("/pairs/{face_id}", name="similar_pair")
async def pair(
    face_id: Id, access: Judge, page: PageDep, probe: Digest, search_id: SearchId = "", back: Back = ""
) -> Response:
    """The probe beside the face that was found or listed; `back` is the page that leads here."""
    found = await read_pair(access, search_id, (probe, face_id))
    kind = "pair" if search_id else "similar_pair"
    at = {"face_id": face_id} | ({"search_id": search_id} if search_id else {})
    shown = await read_sheet_faces(access, [*found.faces, *found.others])
    link = found.link
    return page(
        "search/pair.html",
        pair=found,
        asked=shown[probe],
        found=shown[face_id],
        others=[shown[face] for face in found.others],
        waits=link is None or link.state in AWAITS_VERDICT,
        is_own=link is not None and (link.score is not None or link.proposed_by == access.person.actor),
        may_mark=may(access.person, Permission.LABEL, [access.person.district]),
        features=FEATURES,
        judge=page.path(f"judge_{kind}", None, **at),
        preview=page.path(f"preview_{kind}", None, **at),
        back=_back(page, back, search_id),
    )


class SeenPair(BaseModel):
    """A pair as it was shown: `version` is that of its link, None where there is none yet; `face` are those shown."""

    probe: Digest
    version: int | None = Field(default=None, ge=0)
    face: Annotated[list[Digest], Words, Field(max_length=FACES_MAX)]


class PairForm(SeenPair):
    """A verdict on a pair; `back` is the page to go on to."""

    decision: Decision
    reason: list[str] = Field(default_factory=list[str], max_length=20)
    text: str = Field(default="", max_length=TEXT_LIMIT)
    back: str = Field(default="", max_length=BACK_MAX)


@router.post("/search/{search_id}/undone", name="undo_pair")
@router.post("/pairs/undone", name="undo_similar_pair")
async def undo(
    access: Reopener,
    page: PageDep,
    link: Annotated[str, Form(max_length=100)],
    version: Annotated[int, Form(ge=0)],
    search_id: SearchId = "",
    back: BackField = "",
) -> Response:
    """Takes the verdict back."""
    await do_reopening(access, Seen(link, version), TAKEN_BACK_IN_SEARCH)
    return RedirectResponse(_back(page, back, search_id), 303)


@router.post("/search/{search_id}/pairs/{face_id}", name="judge_pair")
@router.post("/pairs/{face_id}", name="judge_similar_pair")
async def judge_pair(
    face_id: Id,
    access: Judge,
    page: PageDep,
    form: Annotated[PairForm, Form()],
    search_id: SearchId = "",
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
    return page.go_on(_back(page, form.back, search_id))


@router.post("/search/{search_id}/pairs/{face_id}/preview", name="preview_pair")
@router.post("/pairs/{face_id}/preview", name="preview_similar_pair")
async def preview(
    face_id: Id, access: Judge, page: PageDep, form: Annotated[SeenPair, Form()], search_id: SearchId = ""
) -> Response:
    """What *same person* would change, or why it would be refused."""
    await check_pair(access, search_id, (form.probe, face_id))
    done = await preview_pair(access, (form.probe, face_id), form.version, tuple(form.face))
    return page("review/consequence.html", done=done)


async def last_pair(access: Access, asked: Iterable[str], since: str) -> VisibleLink | None:
    """The pair that the person judged last, if one of its faces is one of those asked for."""
    act = await read_last_act(access, "verdict", since)
    if act is None or act.is_undone or len(act.link_ids) != 1:
        return None
    link = (await read_links_by_id(access, act.link_ids)).get(act.link_ids[0])
    return link if link and not {link.a.face_id, link.b.face_id}.isdisjoint(asked) else None


def _back(page: Page, back: str, search_id: str) -> str:
    """The page to go on to: the given one, else the answer of the search."""
    return page.path("answer", search_id=search_id) if search_id and not back else safe_back(back)
