"""What people decide: verdicts, approvals, reopenings, links by hand, contact sheets."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api import clock
from api.etag import ETAG, Version, etag
from api.identity import Approver, Judge, JudgingLook, Reopener, StatedPurpose
from api.limits import ID_MAX
from api.problems import ACTING, BODY, CONFLICTS, LOOKING, problems
from api.services import Use
from api.wire import LinkDetailOut, VerdictIn, as_shown
from api.wire_decisions import ActApprovalIn, ActIn, ActOut, ApprovalIn, LinkIn, ReopeningIn
from graph.actions.decide import acts, contact_sheet, verdicts
from graph.actions.decide.decision import Judgement, Seen
from graph.domain.visibility import VisibleLink

router = APIRouter(tags=["decisions"])

LinkId = Annotated[str, Path(description="a link", max_length=ID_MAX)]
ActId = Annotated[str, Path(description="an act", max_length=ID_MAX)]
_VERSIONED = ("not_found", "forbidden", "malformed_version", "version_missing", *BODY, *ACTING)
_LINK = {201: {"headers": ETAG}}


@router.post("/links/{link_id}/verdicts", status_code=201, responses={**_LINK, **problems(*CONFLICTS, *_VERSIONED)})
async def judge(
    link_id: LinkId, body: VerdictIn, use: Use, actor: Judge, purpose: StatedPurpose, seen: Version, response: Response
) -> LinkDetailOut:
    """Confirms, dismisses or leaves unsure; answers with the link as it stands then."""
    said = Judgement(link_id, seen, body.decision, tuple(body.reasons), body.text, as_shown(body.faces))
    return _answer(await verdicts.do_verdict(use.store, said, actor=actor, now=clock.now(), purpose=purpose), response)


@router.post(
    "/links/{link_id}/approvals",
    status_code=201,
    responses={
        **_LINK,
        **problems("stale_version", "not_confirmed", "contradiction", "own_decision", *_VERSIONED),
    },
)
async def approve(
    link_id: LinkId,
    body: ApprovalIn,
    use: Use,
    actor: Approver,
    purpose: StatedPurpose,
    seen: Version,
    response: Response,
) -> LinkDetailOut:
    """A second person approves a confirmed link or returns it with a reason."""
    link = await verdicts.do_approval(
        use.store,
        Seen(link_id, seen),
        body.decision,
        body.reason,
        actor=actor,
        now=clock.now(),
        purpose=purpose,
        faces=as_shown(body.faces),
    )
    return _answer(link, response)


@router.post(
    "/links/{link_id}/reopenings",
    status_code=201,
    responses={
        **_LINK,
        **problems("stale_version", "nothing_to_reopen", "half_undo", "contradiction", *_VERSIONED),
    },
)
async def reopen(
    link_id: LinkId, body: ReopeningIn, use: Use, actor: Reopener, purpose: StatedPurpose, seen: Version,
    response: Response,
) -> LinkDetailOut:  # fmt: skip
    """Takes the last act still standing back: the link is again what it was before it."""
    link = await verdicts.do_reopening(
        use.store, Seen(link_id, seen), body.reason, actor=actor, now=clock.now(), purpose=purpose
    )
    return _answer(link, response)


@router.post(
    "/links",
    status_code=201,
    responses={
        **_LINK,
        **problems(
            "face_unknown",
            "forbidden",
            "link_exists",
            "contradiction",
            "stale_version",
            "version_missing",
            *BODY,
            *ACTING,
        ),
    },
)
async def link_by_hand(
    body: LinkIn, use: Use, actor: Judge, purpose: StatedPurpose, response: Response
) -> LinkDetailOut:
    """Links two faces that the machine did not propose: confirmed at once, approved by a second person as any other."""
    link = await contact_sheet.do_link(
        use.store,
        (body.face_a, body.face_b),
        body.reasons,
        body.text,
        actor=actor,
        now=clock.now(),
        purpose=purpose,
        shown=as_shown(body.faces),
    )
    response.headers["Location"] = f"/links/{link.link_id}"
    return _answer(link, response)


_ACT = ("not_found", "forbidden", "several_items", "settled", "version_missing", *CONFLICTS, *BODY, *ACTING)


@router.post("/acts", status_code=201, responses=problems(*_ACT))
async def act(body: ActIn, use: Use, actor: Judge, purpose: StatedPurpose) -> ActOut:
    """Judges a contact sheet in one act: all of it or, where one version is stale, nothing."""
    return ActOut.from_done(
        await contact_sheet.do_act(use.store, body.said(), actor=actor, now=clock.now(), purpose=purpose)
    )


@router.post("/acts/preview", responses=problems(*_ACT, *LOOKING))
async def preview_act(body: ActIn, use: Use, access: JudgingLook) -> ActOut:
    """What the same act would change, and every refusal that it would meet."""
    return ActOut.from_done(await contact_sheet.preview(use.store, use.access_log, body.said(), access=access))


@router.post(
    "/acts/{act_id}/reopenings",
    status_code=201,
    responses=problems("not_found", "forbidden", "nothing_to_reopen", "half_undo", "contradiction", *BODY, *ACTING),
)
async def reopen_act(act_id: ActId, body: ReopeningIn, use: Use, actor: Reopener, purpose: StatedPurpose) -> ActOut:
    """Takes a whole act back as one; refused where something was decided on top of it."""
    done = await acts.do_act_reopening(use.store, act_id, body.reason, actor=actor, now=clock.now(), purpose=purpose)
    return ActOut.from_done(done)


@router.post(
    "/acts/{act_id}/approvals",
    status_code=201,
    responses=problems(
        "not_found",
        "forbidden",
        "own_decision",
        "stale_version",
        "version_missing",
        "not_confirmed",
        "contradiction",
        *BODY,
        *ACTING,
    ),
)
async def approve_act(act_id: ActId, body: ActApprovalIn, use: Use, actor: Approver, purpose: StatedPurpose) -> ActOut:
    """A second person's decision on the links of one act, as one."""
    seen = [Seen(item.link_id, item.version) for item in body.links]
    done = await acts.do_act_approval(
        use.store,
        act_id,
        seen,
        body.decision,
        body.reason,
        actor=actor,
        now=clock.now(),
        purpose=purpose,
        faces=as_shown(body.faces),
    )
    return ActOut.from_done(done)


def _answer(link: VisibleLink, response: Response) -> LinkDetailOut:
    response.headers["ETag"] = etag(link.version)
    return LinkDetailOut.from_link(link)
