"""Review: one item a time, its verdict, its preview, and the way back.

A form works without script. With script the page holds several claimed items, shows the next one at once, and asks with
each decision for the items that fill the batch again: one round trip for both.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.deps import VICTIM_ID_MAX, Id, ServicesDep
from api.pages.access import Judge, Labeller, Reader, Reopener, SessionDep, under_claim
from api.pages.forms import Back, Ids
from api.pages.page import Page, PageDep, safe_back
from api.pages.review_items import BATCH, ReviewItem, is_of, new_items, open_items, with_facts
from api.pages.texts import NO_FACE_IN_REVIEW, TAKEN_BACK_IN_REVIEW
from graph.actions.access import Access
from graph.actions.decide import acts, contact_sheet
from graph.actions.decide.contact_sheet import SheetJudgement
from graph.actions.decide.decision import Seen
from graph.actions.decide.label import Labelling, do_label
from graph.actions.read.agreement import read_agreement_on
from graph.actions.read.claims import do_renewal, do_skip, end_decided_claims
from graph.actions.read.crop_views import read_crop_views
from graph.actions.read.last_act import LastAct, read_last_act
from graph.actions.read.links import read_link, read_links_by_id
from graph.actions.read.queue import read_items, read_queue
from graph.actions.read.queue_items import QueueItem
from graph.actions.read.times import count_pictures_seen
from graph.domain.errors import Conflict, Invalid
from graph.domain.label import Label
from graph.domain.link import AWAITS_VERDICT, TEXT_LIMIT, Decision
from graph.domain.queue import Filters
from graph.domain.visibility import VisibleLink

router = APIRouter()

FEATURES = ("ears", "eyes", "nose", "mouth", "face_shape", "hair", "marks", "context", "quality")
"""In the order of the keys E Y N M A H K C Q."""
Short = Annotated[str | None, Query(max_length=VICTIM_ID_MAX)]


class BatchForm(BaseModel):
    """The item of a claim, and what the page still has of its batch, which is filled again through its filters."""

    claim: str = Field(default="", max_length=100)
    held: int = Field(default=0, ge=0, le=20)
    """How many undecided items the page still has; 0 without script."""
    case_id: str = Field(default="", max_length=VICTIM_ID_MAX)
    victim_id: str = Field(default="", max_length=VICTIM_ID_MAX)
    leads: bool = False

    def filters(self) -> Filters:
        return Filters(case_id=self.case_id or None, victim_id=self.victim_id or None, leads=self.leads)


class SheetForm(BatchForm):
    """The links of an item, as `id:version`, and which of its faces are somebody else."""

    link: Ids = Field(min_length=1, max_length=contact_sheet.LINKS_MAX)
    face: Ids = Field(default_factory=list, max_length=3000)
    same: Ids = Field(default_factory=list, max_length=3000)
    """The ticked faces; the other faces of `tickable` are somebody else."""
    tickable: Ids = Field(default_factory=list, max_length=3000)
    reason: list[str] = Field(default_factory=list, max_length=20)
    text: str = Field(default="", max_length=TEXT_LIMIT)

    def judgement(self, decision: Decision) -> SheetJudgement:
        apart = tuple(face for face in self.tickable if face not in self.same)
        reasons = tuple(reason for reason in self.reason if reason)
        if decision is not Decision.CONFIRMED:
            return SheetJudgement(seen_links(self.link), decision, reasons, self.text)
        if not self.face:
            raise Invalid("face: those that the page showed, all of which are judged")
        return SheetJudgement(seen_links(self.link), decision, reasons, self.text, apart, tuple(self.face))


class DecisionForm(SheetForm):
    """What a person says of an item."""

    decision: Literal["confirmed", "dismissed", "unsure", "later"]


class LabelForm(BatchForm):
    """A face of an item that is none, or with `take_back` is one again."""

    face: str = Field(max_length=100)
    label_version: int = Field(ge=0, lt=2**53)
    take_back: bool = False


def seen_links(links: Iterable[str]) -> tuple[Seen, ...]:
    """The links of a form, each written as `id:version`."""
    pairs = [link.partition(":") for link in links]
    if not all(link_id and version.isdecimal() and len(version) < 16 for link_id, _, version in pairs):
        raise Invalid("link: an id and the version that was seen")
    return tuple(Seen(link_id, int(version)) for link_id, _, version in pairs)


@router.get("/review", name="review")
async def review(
    access: Judge,
    services: ServicesDep,
    session: SessionDep,
    page: PageDep,
    case_id: Short = None,
    victim_id: Short = None,
    leads: bool = False,
    first: Annotated[str, Query(max_length=100)] = "",
    aside: Literal["", "later", "left"] = "",
) -> Response:
    """The person's open items, the first one in full, and what the last decision of the session was."""
    filters = Filters(case_id=case_id or None, victim_id=victim_id or None, leads=leads)
    last = None if aside else await read_last_act(access, "verdict", session.began_at)
    opened = await open_items(access, filters)
    # What was taken back is there again: first, as when it was taken back, unless another item is asked for.
    again = await with_facts(access, await _taken_back(access, last, filters)) if last and last.is_undone else []
    if first and first not in {one.key for one in again}:
        again = []
    keys = {one.key for one in again}
    items = again + sorted((one for one in opened if one.key not in keys), key=lambda one: one.key != first)
    links = await _judged(access, last.link_ids) if last and not last.is_undone else []
    today = services.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    seen = await count_pictures_seen(access, today)
    said: dict[str, object] = {
        "act_id": last.act_id if last else "",
        "decision": last.decision if last and not last.is_undone else aside,
        "links": links,
        "undone": bool(again),
    }
    return page("review.html", items=items, filters=filters, features=FEATURES, seen=seen, **said)


@router.post("/review/decisions", name="decide")
async def decide(form: Annotated[DecisionForm, Form()], access: Judge, page: PageDep) -> Response:
    """Stores the verdict; answers with what the machine thought, and the items that fill the batch again."""
    if form.decision == "later":
        decision = "left"
        with suppress(Conflict):
            if form.claim:
                await do_skip(access, form.claim)
                decision = "later"
        return await _after(access, page, form, act_id="", decision=decision, links=[])
    claimed = await _claimed(access, form)
    done = await contact_sheet.do_act(claimed, form.judgement(Decision(form.decision)))
    links = await _judged(claimed, [link.link_id for link in done.links])
    return await _after(access, page, form, act_id=done.act_id or "", decision=form.decision, links=links)


@router.post("/review/previews", name="preview")
async def preview(form: Annotated[SheetForm, Form()], access: Judge, page: PageDep) -> Response:
    """What *same person* would change, or why it would be refused."""
    claimed = await _claimed(access, form)
    # A preview needs a reason as the verdict does; which one changes nothing.
    asked = form.model_copy(update={"reason": ["context"]})
    done = await contact_sheet.preview(claimed, asked.judgement(Decision.CONFIRMED))
    return page("review/consequence.html", done=done)


@router.post("/review/undone", name="undo")
async def undo(
    access: Reopener,
    page: PageDep,
    act_id: Annotated[str, Form(max_length=100)],
) -> Response:
    """Takes the act back; the item is there again."""
    done = await acts.do_act_reopening(access, act_id, TAKEN_BACK_IN_REVIEW)
    await end_decided_claims(access)
    if not page.is_part:
        return page.see("review")
    items = await with_facts(access, await read_items(access, [link.link_id for link in done.links]))
    last: dict[str, object] = {"undone": done, "act_id": "", "decision": "", "links": []}
    return page("review/answer.html", items=items, features=FEATURES, **last)


@router.post("/review/renewals", name="renew")
async def renew(access: Judge, claim: Annotated[list[str], Form(max_length=20)]) -> Response:
    """Gives open items their whole time again, while the person works on the page."""
    for claim_id in claim:
        # One that was decided in another window, or whose time is over.
        with suppress(Conflict):
            await do_renewal(access, claim_id)
    return Response(status_code=204)


@router.post("/review/no-face", name="no_face")
async def no_face(form: Annotated[LabelForm, Form()], access: Labeller, page: PageDep) -> Response:
    """Says that the detector took something else for a face, which is compared with nothing then; or takes it back.

    A script gets what is left of the item, and new items for one that has nothing left.
    """
    label, reason = (None, TAKEN_BACK_IN_REVIEW) if form.take_back else (Label.NO_FACE, NO_FACE_IN_REVIEW)
    labels = await do_label(access, Labelling(form.face, form.label_version, label, reason))
    if not page.is_part:
        return page.see("review")
    items: list[ReviewItem] = []
    if form.claim:

        def of_claim(found: list[QueueItem]) -> list[QueueItem]:
            return [item for item in found if item.claim and item.claim.claim_id == form.claim]

        left = await read_queue(access, Filters(leads=True), limit=1, after=None, choose=of_claim)
        items = await with_facts(access, left.items)
        if not items and not form.take_back:
            items = await _new_items(access, form)
    last: dict[str, object] = {
        "undone": None,
        "act_id": "",
        "decision": "face" if form.take_back else "no_face",
        "links": [],
    }
    return page("review/answer.html", items=items, features=FEATURES, labels=labels, claim=form.claim, **last)


@router.get("/links/{link_id}", name="link")
async def one_link(link_id: Id, access: Reader, page: PageDep, back: Back = "") -> Response:
    """What the machine thought of one pair, and who judged it how, as far as this person may read it."""
    link = await read_link(access, link_id)
    values = {"agreement": await read_agreement_on(access, link_id), "back": safe_back(back) if back else ""}
    views = await read_crop_views(access, (link.a.face_id, link.b.face_id))
    return page("link.html", link=link, views=views, **values)


async def _taken_back(access: Access, last: LastAct, filters: Filters) -> list[QueueItem]:
    """The items of an act that the person took back, while they wait for a verdict."""
    items = await read_items(access, last.link_ids)
    waiting = [item for item in items if all(link.state in AWAITS_VERDICT for link in item.links)]
    return [item for item in waiting if is_of(item, filters)]


async def _judged(access: Access, link_ids: Sequence[str]) -> list[VisibleLink]:
    """The links of a decision that the person may still see, the strongest first; of one alone how others judged it."""
    links = strongest_first((await read_links_by_id(access, link_ids)).values())
    return [await read_link(access, links[0].link_id)] if len(links) == 1 else links


async def _claimed(access: Access, form: SheetForm) -> Access:
    """The access for the purpose of the item's claim, while that is open and of these links.

    After it the versions of the links say who judged them since, and the claims on them who is judging them now.
    """
    with suppress(Conflict):
        return await under_claim(access, form.claim, [seen.link_id for seen in seen_links(form.link)])
    return access


def strongest_first(links: Iterable[VisibleLink]) -> list[VisibleLink]:
    """The links by score, as far as the person may know it: of those that they have judged."""
    return sorted(links, key=lambda link: -(link.score or 0.0))


async def _after(
    access: Access, page: Page, form: DecisionForm, *, act_id: str, decision: str, links: list[VisibleLink]
) -> Response:
    """The page again, or to a script the part that says what was decided and the new items."""
    if not page.is_part:
        filters = {"case_id": form.case_id, "victim_id": form.victim_id, "leads": "true" if form.leads else ""}
        return page.see("review", {**filters, "aside": decision if decision in ("later", "left") else ""})
    return page(
        "review/answer.html",
        items=await _new_items(access, form),
        features=FEATURES,
        undone=None,
        act_id=act_id,
        decision=decision,
        links=links,
    )


async def _new_items(access: Access, form: BatchForm) -> list[ReviewItem]:
    """Newly claimed items, as many as the page lacks; none at the limit of claims: what was decided is saved."""
    with suppress(Conflict):
        return await with_facts(access, await new_items(access, form.filters(), BATCH - form.held))
    return []
