"""Decisions on one link: verdicts, approvals, reopenings, and links that a person makes."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import Field, StringConstraints

from api.deps import ID_MAX, Approver, Judge, Reopener, Version, created, etag
from api.errors import ACTING, BODY, CONFLICTS
from api.wire import Digest, Faces, LinkDetailOut, Reason, Text, WireIn, example
from graph.actions.decide import verdicts
from graph.actions.decide.decision import Judgement, Seen
from graph.actions.decide.pair import do_link
from graph.domain.link import TEXT_LIMIT, Decision, SecondDecision
from graph.domain.visibility import VisibleLink

router = APIRouter(tags=["decisions"])

LinkId = Annotated[str, Path(description="a link", max_length=ID_MAX)]
_VERSIONED = ("not_found", "forbidden", "malformed_version", "version_missing", *BODY, *ACTING)


class VerdictIn(WireIn):
    """One person's decision on one link."""

    model_config = example("""
        {"decision": "confirmed", "reasons": ["ears", "marks", "against:hair"], "text": "",
         "faces": [$FACE, $OTHER_FACE]}
    """)

    decision: Decision
    reasons: tuple[Reason, ...] = Field(
        default_factory=tuple,
        max_length=20,
        description="prefix `against:`: this speaks against the decision. Confirming needs one that speaks for it.",
    )
    text: str = Field(default="", max_length=TEXT_LIMIT)
    faces: Faces = None


class ApprovalIn(WireIn):
    """A second person's decision; returning needs a reason, which goes back to the first person.

    `faces`: those that were shown of the victims concerned.
    """

    model_config = example('{"decision": "returned", "reason": "the marks on the left cheek differ", "faces": null}')

    decision: SecondDecision
    reason: Text = ""
    faces: Faces = None


class ReopeningIn(WireIn):
    model_config = example('{"reason": "the ears differ on the second picture"}')

    reason: Annotated[str, StringConstraints(min_length=1, max_length=TEXT_LIMIT)]


class LinkIn(WireIn):
    """Two faces that a person holds to be one person although the machine did not propose it.

    `faces`: those that were shown of the victims that the two are in.
    """

    model_config = example("""
        {"face_a": $FACE, "face_b": $OTHER_FACE, "reasons": ["marks", "context"], "text": "", "faces": null}
    """)

    face_a: Digest
    face_b: Digest
    reasons: list[Reason] = Field(min_length=1, max_length=20)
    text: Text = ""
    faces: Faces = None


@created(router, "/links/{link_id}/verdicts", LinkDetailOut, *CONFLICTS, *_VERSIONED)
async def judge(link_id: LinkId, body: VerdictIn, access: Judge, version: Version, response: Response) -> VisibleLink:
    """Confirms, dismisses or leaves unsure; answers with the link as it stands then."""
    judgement = Judgement(link_id, version, body.decision, body.reasons, body.text, body.faces)
    link = await verdicts.do_verdict(access, judgement)
    response.headers["ETag"] = etag(link.version)
    return link


@created(
    router,
    "/links/{link_id}/approvals",
    LinkDetailOut,
    "stale_version",
    "not_confirmed",
    "contradiction",
    "own_decision",
    *_VERSIONED,
)
async def approve(
    link_id: LinkId, body: ApprovalIn, access: Approver, version: Version, response: Response
) -> VisibleLink:
    """A second person approves a confirmed link or returns it with a reason."""
    link = await verdicts.do_approval(access, Seen(link_id, version), body.decision, body.reason, faces=body.faces)
    response.headers["ETag"] = etag(link.version)
    return link


@created(
    router,
    "/links/{link_id}/reopenings",
    LinkDetailOut,
    "stale_version",
    "nothing_to_reopen",
    "half_undo",
    "contradiction",
    *_VERSIONED,
)
async def reopen(
    link_id: LinkId, body: ReopeningIn, access: Reopener, version: Version, response: Response
) -> VisibleLink:
    """Takes the last act still standing back: the link is again what it was before it."""
    link = await verdicts.do_reopening(access, Seen(link_id, version), body.reason)
    response.headers["ETag"] = etag(link.version)
    return link


_MADE = ("face_unknown", "forbidden", "link_exists", "contradiction", "stale_version", "version_missing")


@created(router, "/links", LinkDetailOut, *_MADE, *BODY, *ACTING)
async def link_by_hand(body: LinkIn, access: Judge, response: Response) -> VisibleLink:
    """Links two faces that the machine did not propose: confirmed at once, approved by a second person as any other."""
    link = await do_link(access, (body.face_a, body.face_b), body.reasons, body.text, shown=body.faces)
    response.headers["Location"] = f"/links/{link.link_id}"
    response.headers["ETag"] = etag(link.version)
    return link
