"""What routes are given: the process's services, the signed-in person with a checked permission, purpose, version, ids.

Every alias here is a FastAPI dependency or a validated parameter; a route's signature states what it requires.
"""

import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Path, Request, Security
from fastapi.security import HTTPBearer

from api.errors import as_utf8
from api.readiness import Readiness
from api.settings import Settings
from api.sign_in.keys import Keys, fetch_from
from api.sign_in.tokens import SignIn
from graph.actions.access import AccessEvent, AccessLog
from graph.actions.read.claims import check_claim
from graph.actions.read.queue_items import CLAIM_PURPOSE
from graph.domain.errors import Invalid
from graph.domain.people import Permission, Person, check_purpose, check_role
from graph.files import MediaStore
from graph.space import Space
from graph.store.session import Store


@dataclass(frozen=True, slots=True)
class Services:
    """What the routes of one process share; `now` gives the time, aware, in UTC."""

    store: Store
    files: MediaStore
    access_log: AccessLog
    sign_in: SignIn
    readiness: Readiness
    space: Space = field(default_factory=lambda: Space(()))
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncGenerator[Services]:
    """The services of one process, closed at the end; Neo4j may still be starting."""
    files = MediaStore(settings.store_url)
    space = Space.of(settings.data, settings.store_url, settings.space_mib)
    async with Store(*settings.neo4j) as store, Store(*settings.neo4j) as readiness_store:
        access_log = AccessLog(store)
        keys = Keys(fetch_from(settings.oidc_issuer, settings.oidc_jwks))
        sign_in = SignIn(keys, issuer=settings.oidc_issuer, audience=settings.oidc_audience, claims=settings.claims)
        readiness = Readiness(readiness_store, files, sign_in)
        try:
            yield Services(store, files, access_log, sign_in, readiness, space)
        finally:
            await readiness.close()
            await sign_in.close()
            await access_log.close()


async def _services(request: Request) -> Services:
    return request.app.state.services


ServicesDep = Annotated[Services, Depends(_services)]

_TOKEN = HTTPBearer(
    scheme_name="bearer",
    bearerFormat="JWT",
    auto_error=False,
    description="an access token of the OpenID Connect issuer that the service is set up with",
)
_PURPOSE_TEXT = "for what purpose people's data are looked at; at most 200 characters, in UTF-8"
PurposeHeader = Annotated[
    str, Header(alias="Redthread-Purpose", description=_PURPOSE_TEXT, examples=["victim identification"])
]


async def person(request: Request, _token: Annotated[object, Security(_TOKEN)]) -> Person:
    """The person whom `api.sign_in.gate` authenticated; the security scheme is for the OpenAPI document only."""
    return request.state.person


SignedIn = Annotated[Person, Depends(person)]


@dataclass(frozen=True, slots=True)
class Requires:
    """A dependency: the signed-in person, if any role of theirs has the permission.

    The action checks the districts: they depend on the object.
    """

    permission: Permission

    async def __call__(self, who: SignedIn) -> Person:
        check_role(who, self.permission)
        return who


@dataclass(frozen=True, slots=True)
class RequiresAccess:
    """A dependency: the access event of a read, as `Requires`; 403 `purpose_missing` without a purpose.

    A claim of a queue item is a purpose only while the person holds it.
    """

    permission: Permission

    async def __call__(self, who: SignedIn, purpose: PurposeHeader, services: ServicesDep) -> AccessEvent:
        check_role(who, self.permission)
        stated, now = check_purpose(as_utf8(purpose)), services.now()
        if stated.startswith(CLAIM_PURPOSE):
            await check_claim(services.store, stated.removeprefix(CLAIM_PURPOSE), actor=who, now=now)
        return AccessEvent(who, stated, now)


async def _act_purpose(purpose: PurposeHeader = "") -> str:
    text = as_utf8(purpose)
    return check_purpose(text) if text else ""


Judge = Annotated[Person, Depends(Requires(Permission.JUDGE))]
Approver = Annotated[Person, Depends(Requires(Permission.APPROVE))]
Reopener = Annotated[Person, Depends(Requires(Permission.REOPEN))]
Labeller = Annotated[Person, Depends(Requires(Permission.LABEL))]
Marker = Annotated[Person, Depends(Requires(Permission.MARK))]
Uploader = Annotated[Person, Depends(Requires(Permission.UPLOAD))]
Eraser = Annotated[Person, Depends(Requires(Permission.ERASE))]
Identifier = Annotated[Person, Depends(Requires(Permission.IDENTIFY))]
IdentificationApprover = Annotated[Person, Depends(Requires(Permission.APPROVE_IDENTIFICATION))]
SearchEnder = Annotated[Person, Depends(Requires(Permission.END_SEARCH))]
Searcher = Annotated[Person, Depends(Requires(Permission.SEARCH))]
Operator = Annotated[Person, Depends(Requires(Permission.READ_COUNTS))]
ApprovalAccess = Annotated[AccessEvent, Depends(RequiresAccess(Permission.APPROVE))]
AuditAccess = Annotated[AccessEvent, Depends(RequiresAccess(Permission.READ_AUDIT))]
QuarantineAccess = Annotated[AccessEvent, Depends(RequiresAccess(Permission.READ_QUARANTINE))]
ReplayAccess = Annotated[AccessEvent, Depends(RequiresAccess(Permission.REPLAY))]
PreviewAccess = Annotated[AccessEvent, Depends(RequiresAccess(Permission.JUDGE))]
CaseAccess = Annotated[AccessEvent, Depends(RequiresAccess(Permission.SEE))]
"""Read access to cases and faces: investigators and supervisors; never auditors and operators."""
ActPurpose = Annotated[str, Depends(_act_purpose)]
"""The purpose of a decision; optional, because the decision itself states what it is for."""

ID_MAX: Final = 100
"""Characters of an id that this service made: a digest of 64 at most; a quarantined event's is a little longer."""
CASE_ID_MAX: Final = 200
"""Characters of a case id, including the prefix `case:` of a search's scope."""
VICTIM_ID_MAX: Final = 300
"""Characters of a victim id, which a case system chooses."""
VERSION_MAX: Final = 2**53

Id = Annotated[str, Path(max_length=ID_MAX)]
CaseId = Annotated[str, Path(max_length=CASE_ID_MAX)]
VictimId = Annotated[str, Path(max_length=VICTIM_ID_MAX)]

_ETAG: Final = re.compile(r'"(0|[1-9][0-9]{0,8})"')
ETAG: Final[dict[str, Any]] = {
    "ETag": {"description": "the version that a decision names", "schema": {"type": "string"}, "example": '"1"'}
}
"""The OpenAPI description of the header that `etag` fills."""


def etag(version: int) -> str:
    """The ETag of an object's version."""
    return f'"{version}"'


async def _version(
    if_match: Annotated[str, Header(description="the version that you saw, quoted", examples=['"0"'])],
) -> int:
    """The version in If-Match: one strong, quoted number. `*` is refused, because it would decide unseen."""
    named = _ETAG.fullmatch(if_match.strip())
    if named is None:
        raise Invalid('If-Match is one version in quotes, as the ETag gave it: "3"', code="malformed_version")
    return int(named[1])


Version = Annotated[int, Depends(_version)]
