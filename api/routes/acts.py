"""Decisions on several links in one act: contact sheets, their preview, reopening and approval."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from api.deps import ID_MAX, VERSION_MAX, Approver, Judge, PreviewAccess, Reopener, created
from api.errors import ACTING, BODY, CONFLICTS, LOOKING, problems
from api.routes.verdicts import ReopeningIn
from api.wire import Digest, Faces, Number, Reason, Text, WireIn, example, fields_of
from graph.actions.decide import acts, contact_sheet
from graph.actions.decide.acts import ChangedVictim, DecidedLink, Done
from graph.actions.decide.contact_sheet import LINKS_MAX, SheetJudgement
from graph.actions.decide.decision import Seen
from graph.domain.link import Decision, SecondDecision

router = APIRouter(tags=["decisions"])

ActId = Annotated[str, Path(description="an act", max_length=ID_MAX)]


class SeenIn(WireIn):
    """A link and the version that the caller saw."""

    link_id: Digest
    version: Number = Field(ge=0, le=VERSION_MAX)


class ActIn(WireIn):
    """One decision on a contact sheet; `faces_apart` are ticked off as somebody else.

    `faces` are those of a group or victim that the sheet showed beside its links. The act joins those of a group too,
    and no face that came later; a face that came to a victim since makes the sheet stale.
    """

    model_config = example("""
        {"links": [{"link_id": $LINK_ID, "version": 0}], "faces": [], "faces_apart": [], "decision": "confirmed",
         "reasons": ["ears"], "text": ""}
    """)

    links: list[SeenIn] = Field(min_length=1, max_length=LINKS_MAX)
    faces: Faces = None
    faces_apart: tuple[Digest, ...] = Field(default_factory=tuple, max_length=LINKS_MAX)
    decision: Decision
    reasons: tuple[Reason, ...] = Field(default_factory=tuple, max_length=20)
    text: Text = ""

    def sheet(self) -> SheetJudgement:
        return SheetJudgement(_seen(self.links), self.decision, self.reasons, self.text, self.faces_apart, self.faces)


class ActApprovalIn(WireIn):
    """A second person's decision on the links of one act, with the versions seen, and the `faces` of their victims."""

    model_config = example("""
        {"links": [{"link_id": $LINK_ID, "version": 1}], "decision": "approved", "reason": "",
         "faces": [$FACE, $OTHER_FACE]}
    """)

    links: list[SeenIn] = Field(min_length=1, max_length=LINKS_MAX)
    decision: SecondDecision
    reason: Text = ""
    faces: Faces = None


class ActLinkOut(fields_of(DecidedLink)):
    pass


class ActVictimOut(fields_of(ChangedVictim)):
    pass


class ActOut(fields_of(Done)):
    """What an act changed, or would change; `act_id` is null for a preview.

    `faces` of `cases` cases are in another victim than before. Links in `pending` join two registered victims only
    once they are approved.
    """

    model_config = example("""
        {"act_id": "b1d7c9e35f8a4d2c9b7e3f1a6c8d4e20", "faces": 3, "cases": 2, "pending": [], "in_part": false,
         "links": [{"link_id": $LINK_ID, "state": "confirmed", "version": 1}],
         "victims": [{"victim_id": $VICTIM_ID, "faces": 3}], "identifications_to_approve_again": []}
    """)

    in_part: bool = Field(description="of an act taken back something stands in another district")


_ACT = ("not_found", "forbidden", "several_items", "settled", "version_missing", *CONFLICTS, *BODY, *ACTING)


@created(router, "/acts", ActOut, *_ACT, headers={})
async def act(body: ActIn, access: Judge) -> Done:
    """Judges a contact sheet in one act: all of it or, where one version is stale, nothing."""
    return await contact_sheet.do_act(access, body.sheet())


@router.post("/acts/preview", response_model=ActOut, responses=problems(*_ACT, *LOOKING))
async def preview_act(body: ActIn, access: PreviewAccess) -> Done:
    """What the same act would change, and every refusal that it would meet."""
    return await contact_sheet.preview(access, body.sheet())


@created(
    router,
    "/acts/{act_id}/reopenings",
    ActOut,
    "not_found",
    "forbidden",
    "nothing_to_reopen",
    "half_undo",
    "contradiction",
    *BODY,
    *ACTING,
    headers={},
)
async def reopen_act(act_id: ActId, body: ReopeningIn, access: Reopener) -> Done:
    """Takes a whole act back as one; refused where something was decided on top of it."""
    return await acts.do_act_reopening(access, act_id, body.reason)


_APPROVAL = ("not_found", "forbidden", "own_decision", "stale_version", "version_missing", "not_confirmed")


@created(router, "/acts/{act_id}/approvals", ActOut, *_APPROVAL, "contradiction", *BODY, *ACTING, headers={})
async def approve_act(act_id: ActId, body: ActApprovalIn, access: Approver) -> Done:
    """A second person's decision on the links of one act, as one."""
    return await acts.do_act_approval(access, act_id, _seen(body.links), body.decision, body.reason, faces=body.faces)


def _seen(links: list[SeenIn]) -> tuple[Seen, ...]:
    return tuple(Seen(item.link_id, item.version) for item in links)
