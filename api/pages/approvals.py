"""Approvals: what one person decided and another has to decide as well, one by one; and how often the two agree.

Faces and facts come first. The first person's reasons and the score follow the own decision.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Form, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.pages.access import Approver, Reopener, SessionDep
from api.pages.forms import Ids
from api.pages.page import PageDep
from api.pages.review import seen_links, strongest_first
from api.pages.review_items import poorest
from api.pages.texts import TAKEN_BACK_IN_APPROVALS
from graph.actions.access import Access
from graph.actions.decide import acts, identify
from graph.actions.decide.contact_sheet import LINKS_MAX
from graph.actions.identification import VisibleIdentification
from graph.actions.read.agreement import read_agreement
from graph.actions.read.approvals import Approval, read_approvals
from graph.actions.read.last_act import read_last_act
from graph.actions.read.links import read_link, read_links_by_id
from graph.actions.read.sheet_faces import SheetFace, read_sheet_faces
from graph.domain.agreement import PEOPLE_MIN, SHOWN_FROM
from graph.domain.errors import Invalid
from graph.domain.link import TEXT_LIMIT, SecondDecision
from graph.domain.people import Permission, check_role
from graph.domain.queue import URGENCIES
from graph.domain.visibility import VisibleLink

router = APIRouter()

BATCH: Final = 6
"""Items on a page, of which one is shown: the pictures of the next are there when it comes."""
AGAIN: Final = 30
"""Items among which one that waits again is looked for: it is as old as it was."""
KNOWN_MAX: Final = 2000
"""Characters that name the items that were put aside; after so many they come back."""
KEY_LENGTH: Final = 12
READ_MAX: Final = 2 * KNOWN_MAX // KEY_LENGTH + AGAIN
"""Items that one request reads: more than it can name, so one that waits is found behind all that it names."""
Key = Annotated[str, Field(max_length=100)]


@dataclass(frozen=True, slots=True)
class ApprovalItem:
    """An approval with the facts of its faces, the poorest picture first."""

    approval: Approval
    faces: tuple[SheetFace, ...]

    @property
    def ids(self) -> frozenset[str]:
        """The identification, or the links."""
        identification = self.approval.identification
        found = [identification.identification_id] if identification else [link.link_id for link in self.approval.links]
        return frozenset(found)

    @property
    def key(self) -> str:
        """What it is put aside by."""
        return min(self.ids)[:KEY_LENGTH]

    @property
    def urgency(self) -> str:
        return URGENCIES[self.approval.urgency]

    @property
    def is_pair(self) -> bool:
        return self.approval.identification is None and len(self.faces) == 2


class ApprovalForm(BaseModel):
    """A second person's decision on an item, which is an act's links (`id:version`) or an identification."""

    act: Key = ""
    link: Ids = Field(default_factory=list, max_length=LINKS_MAX)
    identification: Key = ""
    version: int = Field(default=0, ge=0, lt=2**53)
    face: Ids = Field(default_factory=list, max_length=3000)
    decision: Literal["approved", "returned", "later"]
    reason: str = Field(default="", max_length=TEXT_LIMIT)
    key: Key = ""
    known: str = Field(default="", max_length=2 * KNOWN_MAX)
    """The keys of the items that the page still has, and of those put aside."""
    held: int = Field(default=0, ge=0, le=20)


@dataclass(frozen=True, slots=True)
class Last:
    """The last decision, and what its maker may know from then on; `undo` is what taking it back names."""

    decision: str = ""
    link: VisibleLink | None = None
    identification: VisibleIdentification | None = None
    undo: tuple[tuple[str, str], ...] = ()
    links: tuple[VisibleLink, ...] = ()
    """All links of the decision; `link` is the one with the highest score."""


@router.get("/approvals", name="approvals")
async def approvals(
    access: Approver,
    session: SessionDep,
    page: PageDep,
    known: Annotated[str, Query(max_length=2 * KNOWN_MAX)] = "",
    first: Key = "",
    aside: bool = False,
) -> Response:
    """What waits, the first item in full, and what the last decision of the session was."""
    items = await _items(access, known, BATCH, first)
    last = Last("later") if aside else await _last(access, session.began_at)
    return page("approvals.html", items=items, last=last, known=known)


@router.post("/approvals/decisions", name="approve")
async def approve(
    form: Annotated[ApprovalForm, Form()],
    access: Approver,
    page: PageDep,
) -> Response:
    """Stores the decision; answers with what the first person said and the machine thought, and the next items."""
    if form.decision == "later":
        last, form.known = Last("later"), f"{form.known},{form.key}"[-KNOWN_MAX:]
    elif form.identification:
        check_role(access.person, Permission.APPROVE_IDENTIFICATION)
        last = await _identification(access, form, SecondDecision(form.decision))
    else:
        last = await _act(access, form, SecondDecision(form.decision))
    if page.is_part:
        return page(
            "approvals/answer.html", items=await _items(access, form.known, BATCH - form.held), last=last, known=""
        )
    aside = "true" if form.decision == "later" else ""
    return page.see("approvals", {"known": form.known.strip(","), "aside": aside})


@router.post("/approvals/undone", name="undo_approval")
async def undo_approval(
    access: Reopener,
    page: PageDep,
    act: Annotated[str, Form(max_length=100)] = "",
    identification: Annotated[str, Form(max_length=100)] = "",
    version: Annotated[int, Form(ge=0, lt=2**53)] = 0,
) -> Response:
    """Takes the second decision back: the item waits again."""
    reason, back = TAKEN_BACK_IN_APPROVALS, {identification}
    if identification:
        await identify.do_identification_reopening(access, identification, version, reason)
    else:
        back = {link.link_id for link in (await acts.do_act_reopening(access, act, reason)).links}
    if not page.is_part:
        return page.see("approvals")
    items = await _items(access, "", AGAIN, only=back)
    return page("approvals/answer.html", items=items, last=Last("undone"), known="")


@router.get("/approvals/agreement", name="agreement")
async def agreement(access: Approver, page: PageDep) -> Response:
    """How often two people of the district agreed, by band of the score and by month."""
    found = await read_agreement(access)
    return page("agreement.html", found=found, shown_from=SHOWN_FROM, people_min=PEOPLE_MIN)


async def _items(
    access: Access, known: str, wanted: int, first: str = "", only: Collection[str] = ()
) -> list[ApprovalItem]:
    """What waits, without the items of these keys, or `only` those of these ids; the one with the key `first` comes
    first."""
    if wanted <= 0:
        return []
    aside = frozenset(filter(None, known.split(",")))

    def chosen(found: list[Approval]) -> list[Approval]:
        items = [ApprovalItem(approval, ()) for approval in found if approval.links or approval.identification]
        items = [item for item in items if item.key not in aside and (not only or item.ids & set(only))]
        waiting = sorted(items, key=lambda item: item.key != first)
        return [item.approval for item in waiting[:wanted]]

    limit = min(max(wanted, AGAIN if first else 0) + len(aside), READ_MAX)
    found = await read_approvals(access, limit=limit, after=None, choose=chosen)
    waiting = [ApprovalItem(approval, ()) for approval in found.items]
    face_ids = list(dict.fromkeys(face_id for item in waiting for face_id in item.approval.face_ids))
    facts = await read_sheet_faces(access, face_ids) if face_ids else {}
    return [
        ApprovalItem(item.approval, tuple(sorted((facts[key] for key in item.approval.face_ids), key=poorest)))
        for item in waiting
    ]


async def _last(access: Access, since: str) -> Last:
    """The person's last decision since a time."""
    last = await read_last_act(access, "approval", since)
    if last is None:
        return Last()
    if last.is_undone:
        return Last("undone")
    if last.identification:
        identification_id, version = last.identification
        return Last(last.decision, undo=(("identification", identification_id), ("version", str(version))))
    return await _on_links(access, last.decision, last.act_id, last.link_ids)


async def _act(access: Access, form: ApprovalForm, decision: SecondDecision) -> Last:
    seen = seen_links(form.link)
    done = await acts.do_act_approval(access, form.act, seen, decision, form.reason, faces=tuple(form.face))
    return await _on_links(access, decision.value, done.act_id or "", [link.link_id for link in done.links])


async def _on_links(access: Access, decision: str, act_id: str, link_ids: Sequence[str]) -> Last:
    links = strongest_first((await read_links_by_id(access, link_ids)).values())
    link = await read_link(access, links[0].link_id) if links else None
    return Last(decision, link, undo=(("act", act_id),), links=tuple(links))


async def _identification(access: Access, form: ApprovalForm, decision: SecondDecision) -> Last:
    if decision is SecondDecision.APPROVED and not form.face:
        raise Invalid("face: those that the page showed, all of which are judged")
    found = await identify.do_identification_approval(
        access, form.identification, form.version, decision, form.reason, faces=tuple(form.face)
    )
    undo = (("identification", found.identification_id), ("version", str(found.version)))
    return Last(decision.value, identification=found, undo=undo)
