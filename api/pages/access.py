"""The access of the session's person, as FastAPI dependencies: a page's signature states what it requires."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Request

from api.deps import ServicesDep
from graph.actions.access import Access
from graph.actions.read.claims import check_claim
from graph.actions.sessions import Session
from graph.domain.errors import Forbidden
from graph.domain.people import CLAIM_PURPOSE, Permission, check_role


async def session(request: Request) -> Session:
    """The session that `api.pages.gate` found."""
    return request.state.session


SessionDep = Annotated[Session, Depends(session)]


@dataclass(frozen=True, slots=True)
class Needs:
    """A dependency: the access of the session's person for the purpose that they stated.

    Raises Forbidden where no role of theirs has the permission, and `purpose_missing` before a purpose is stated.
    """

    permission: Permission

    async def __call__(self, session: SessionDep, services: ServicesDep) -> Access:
        check_role(session.person, self.permission)
        if not session.purpose:
            raise Forbidden("say for what purpose you look", code="purpose_missing")
        return services.access(session.person, session.purpose)


async def under_claim(access: Access, claim_id: str, links: Collection[str] = ()) -> Access:
    """The access for the purpose of a claimed queue item, which must be open and hold `links`; without an id as it is.

    Raises Conflict as `check_claim` does.
    """
    if not claim_id:
        return access
    await check_claim(access, claim_id, links)
    return replace(access, purpose=f"{CLAIM_PURPOSE}{claim_id}")


Reader = Annotated[Access, Depends(Needs(Permission.SEE))]
Judge = Annotated[Access, Depends(Needs(Permission.JUDGE))]
Approver = Annotated[Access, Depends(Needs(Permission.APPROVE))]
Reopener = Annotated[Access, Depends(Needs(Permission.REOPEN))]
Labeller = Annotated[Access, Depends(Needs(Permission.LABEL))]
Marker = Annotated[Access, Depends(Needs(Permission.MARK))]
Identifier = Annotated[Access, Depends(Needs(Permission.IDENTIFY))]
Uploader = Annotated[Access, Depends(Needs(Permission.UPLOAD))]
Searcher = Annotated[Access, Depends(Needs(Permission.SEARCH))]
SearchEnder = Annotated[Access, Depends(Needs(Permission.END_SEARCH))]
AuditReader = Annotated[Access, Depends(Needs(Permission.READ_AUDIT))]
CountReader = Annotated[Access, Depends(Needs(Permission.READ_COUNTS))]
QuarantineReader = Annotated[Access, Depends(Needs(Permission.READ_QUARANTINE))]
Replayer = Annotated[Access, Depends(Needs(Permission.REPLAY))]
