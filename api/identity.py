"""Who asks, as the sign-in proved, and for what purpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPBearer

from api import clock
from api.errors import as_utf8
from api.services import Use
from graph.actions.access import AccessEvent
from graph.actions.read.queue import CLAIM_PURPOSE, check_claim
from graph.domain.people import Permission, Person, check_purpose, check_role

_TOKEN = HTTPBearer(
    scheme_name="bearer", bearerFormat="JWT", auto_error=False,
    description="an access token of the OpenID Connect issuer that the service is set up with",
)  # fmt: skip
_WHY = "for what purpose people's data are looked at; at most 200 characters, in UTF-8"
PurposeHeader = Annotated[str, Header(alias="Redthread-Purpose", description=_WHY, examples=["victim identification"])]


async def person(request: Request, _token: Annotated[object, Security(_TOKEN)]) -> Person:
    """The person whom `api.sign_in.gate` proved; the scheme stands here for the OpenAPI document only."""
    return request.state.person


Actor = Annotated[Person, Depends(person)]
"""Anybody who signed in: for routes whose action asks `people.check_role` itself."""


@dataclass(frozen=True, slots=True)
class Acting:
    """A dependency: who asks, where any role of theirs may do the deed; in which districts is the action's to check."""

    deed: Permission

    async def __call__(self, who: Actor) -> Person:
        check_role(who, self.deed)
        return who


@dataclass(frozen=True, slots=True)
class Seeing:
    """A dependency: who looks and why, as `Acting`; 403 `purpose_missing` without a purpose.

    A claimed item of the queue is a purpose only while it is the person's own.
    """

    deed: Permission

    async def __call__(self, who: Actor, purpose: PurposeHeader, use: Use) -> AccessEvent:
        check_role(who, self.deed)
        stated, now = check_purpose(as_utf8(purpose)), clock.now()
        if stated.startswith(CLAIM_PURPOSE):
            await check_claim(use.store, stated.removeprefix(CLAIM_PURPOSE), actor=who, now=now)
        return AccessEvent(who, stated, now)


async def stated_purpose(purpose: PurposeHeader = "") -> str:
    """The purpose of an act, which may go without: it says itself what it is for."""
    text = as_utf8(purpose)
    return check_purpose(text) if text else ""


Judge = Annotated[Person, Depends(Acting(Permission.JUDGE))]
Approver = Annotated[Person, Depends(Acting(Permission.APPROVE))]
Reopener = Annotated[Person, Depends(Acting(Permission.REOPEN))]
Labeller = Annotated[Person, Depends(Acting(Permission.LABEL))]
Marker = Annotated[Person, Depends(Acting(Permission.MARK))]
Uploader = Annotated[Person, Depends(Acting(Permission.UPLOAD))]
Eraser = Annotated[Person, Depends(Acting(Permission.ERASE))]
Identifier = Annotated[Person, Depends(Acting(Permission.IDENTIFY))]
IdentificationApprover = Annotated[Person, Depends(Acting(Permission.APPROVE_IDENTIFICATION))]
SearchEnder = Annotated[Person, Depends(Acting(Permission.END_SEARCH))]
Asker = Annotated[Person, Depends(Acting(Permission.SEARCH))]
Operator = Annotated[Person, Depends(Acting(Permission.READ_COUNTS))]
ApprovingLook = Annotated[AccessEvent, Depends(Seeing(Permission.APPROVE))]
AuditLook = Annotated[AccessEvent, Depends(Seeing(Permission.READ_AUDIT))]
QuarantineLook = Annotated[AccessEvent, Depends(Seeing(Permission.READ_QUARANTINE))]
ReplayingLook = Annotated[AccessEvent, Depends(Seeing(Permission.REPLAY))]
JudgingLook = Annotated[AccessEvent, Depends(Seeing(Permission.JUDGE))]
Looking = Annotated[AccessEvent, Depends(Seeing(Permission.SEE))]
"""Whoever may see cases and faces: investigators and supervisors; never auditors and operators."""
StatedPurpose = Annotated[str, Depends(stated_purpose)]
