"""What routes are given: the process's services, a person's access with a checked permission, version, ids.

Every alias here is a FastAPI dependency or a validated parameter; a route's signature states what it requires.
"""

import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path as FilePath
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import unquote, urlsplit

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Security
from fastapi.security import HTTPBearer
from pydantic import BaseModel

from api.errors import as_utf8, problems
from api.readiness import Readiness
from api.settings import Settings
from api.sign_in.development import LINKS, DevelopmentSignIn
from api.sign_in.keys import Keys, fetch_from
from api.sign_in.oidc import OidcSignIn
from api.sign_in.tokens import SignIn
from graph.actions.access import Access, AccessLog
from graph.actions.read.claims import check_claim
from graph.domain.errors import Invalid
from graph.domain.people import CLAIM_PURPOSE, Permission, Person, check_purpose, check_role
from graph.files import MediaStore
from graph.space import Space
from graph.store.session import Store

Route = TypeVar("Route", bound=Callable[..., Any])
SILENT_S: Final = 6
"""After twice as many seconds a page says that the database does not answer."""


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
    pages: DevelopmentSignIn | OidcSignIn | None = None
    """How people sign in to the pages; None: not at all."""

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the pages by https; the local stack's do not, and do not leave this machine."""
        return not isinstance(self.pages, DevelopmentSignIn)

    def access(self, person: Person, purpose: str = "") -> Access:
        """The person's access from now on."""
        return Access(self.store, self.access_log, person, purpose, self.now())


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncGenerator[Services]:
    """The services of one process, closed at the end; Neo4j may still be starting."""
    files = MediaStore(settings.store_url)
    space = Space.of(settings.data, settings.store_url, settings.space_mib)
    store = Store(*settings.neo4j, silent_s=SILENT_S)
    async with store, Store(*settings.neo4j) as readiness_store:
        access_log = AccessLog(store)
        keys = Keys(fetch_from(settings.oidc_issuer, settings.oidc_jwks))
        sign_in = SignIn(keys, issuer=settings.oidc_issuer, audience=settings.oidc_audience, claims=settings.claims)
        readiness = Readiness(readiness_store, files, sign_in)
        try:
            pages = _sign_in_to_pages(settings, keys)
            yield Services(store, files, access_log, sign_in, readiness, space, pages=pages)
        finally:
            await readiness.close()
            await sign_in.close()
            await access_log.close()


def _sign_in_to_pages(settings: Settings, keys: Keys) -> DevelopmentSignIn | OidcSignIn | None:
    if settings.is_development:
        jwks = FilePath(unquote(urlsplit(settings.oidc_jwks).path))
        return DevelopmentSignIn(jwks.parent / LINKS)
    if not settings.oidc_client_id:
        return None
    client_id, issuer = settings.oidc_client_id, settings.oidc_issuer
    return OidcSignIn(
        SignIn(keys, issuer=issuer, audience=client_id, claims=settings.claims),
        issuer=issuer,
        client_id=client_id,
        client_secret=settings.oidc_client_secret.get_secret_value(),
        public_url=settings.api_public_url,
    )


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
class Acts:
    """A dependency: the access of the signed-in person, if any role of theirs has the permission.

    The action checks the districts, which depend on the object; the request itself says what it is for.
    """

    permission: Permission

    async def __call__(self, who: SignedIn, services: ServicesDep) -> Access:
        check_role(who, self.permission)
        return services.access(who)


@dataclass(frozen=True, slots=True)
class ActsFor:
    """A dependency: as `Acts`, with the purpose that the person states if they like."""

    permission: Permission

    async def __call__(self, who: SignedIn, services: ServicesDep, purpose: PurposeHeader = "") -> Access:
        check_role(who, self.permission)
        stated = as_utf8(purpose)
        return services.access(who, check_purpose(stated) if stated else "")


@dataclass(frozen=True, slots=True)
class Reads:
    """A dependency: the access of a person who reads, as `Acts`; 403 `purpose_missing` without a purpose.

    A claim of a queue item is a purpose only while the person holds it.
    """

    permission: Permission

    async def __call__(self, who: SignedIn, purpose: PurposeHeader, services: ServicesDep) -> Access:
        check_role(who, self.permission)
        access = services.access(who, check_purpose(as_utf8(purpose)))
        if access.purpose.startswith(CLAIM_PURPOSE):
            await check_claim(access, access.purpose.removeprefix(CLAIM_PURPOSE))
        return access


Judge = Annotated[Access, Depends(ActsFor(Permission.JUDGE))]
ClaimHolder = Annotated[Access, Depends(Acts(Permission.JUDGE))]
Approver = Annotated[Access, Depends(ActsFor(Permission.APPROVE))]
Reopener = Annotated[Access, Depends(ActsFor(Permission.REOPEN))]
Labeller = Annotated[Access, Depends(ActsFor(Permission.LABEL))]
Marker = Annotated[Access, Depends(ActsFor(Permission.MARK))]
Identifier = Annotated[Access, Depends(ActsFor(Permission.IDENTIFY))]
IdentificationApprover = Annotated[Access, Depends(ActsFor(Permission.APPROVE_IDENTIFICATION))]
SearchEnder = Annotated[Access, Depends(ActsFor(Permission.END_SEARCH))]
Eraser = Annotated[Access, Depends(Acts(Permission.ERASE))]
Uploader = Annotated[Access, Depends(Acts(Permission.UPLOAD))]
Searcher = Annotated[Access, Depends(Acts(Permission.SEARCH))]
Operator = Annotated[Access, Depends(Acts(Permission.READ_COUNTS))]
ApprovalAccess = Annotated[Access, Depends(Reads(Permission.APPROVE))]
AuditAccess = Annotated[Access, Depends(Reads(Permission.READ_AUDIT))]
QuarantineAccess = Annotated[Access, Depends(Reads(Permission.READ_QUARANTINE))]
ReplayAccess = Annotated[Access, Depends(Reads(Permission.REPLAY))]
PreviewAccess = Annotated[Access, Depends(Reads(Permission.JUDGE))]
CaseAccess = Annotated[Access, Depends(Reads(Permission.SEE))]
"""Read access to cases and faces: investigators and supervisors; never auditors and operators."""

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
Limit = Annotated[int, Query(ge=1, le=200)]
AfterDigest = Annotated[str, Query(max_length=64, description="`next` of the page before")]

_ETAG: Final = re.compile(r'"(0|[1-9][0-9]{0,8})"')
ETAG: Final[dict[str, Any]] = {
    "ETag": {"description": "the version that a decision names", "schema": {"type": "string"}, "example": '"1"'}
}
"""The OpenAPI description of the header that `etag` fills."""


def etag(version: int) -> str:
    """The ETag of an object's version."""
    return f'"{version}"'


def created(
    router: APIRouter, path: str, model: type[BaseModel], *refusals: str, headers: Mapping[str, Any] = ETAG
) -> Callable[[Route], Route]:
    """Declares a POST route that answers 201 with `model`, by default with its version as ETag, or with a refusal."""
    answers = {201: {"headers": headers}} if headers else {}
    return router.post(path, status_code=201, response_model=model, responses={**answers, **problems(*refusals)})


async def _version(
    if_match: Annotated[str, Header(description="the version that you saw, quoted", examples=['"0"'])],
) -> int:
    """The version in If-Match: one strong, quoted number. `*` is refused, because it would decide unseen."""
    named = _ETAG.fullmatch(if_match.strip())
    if named is None:
        raise Invalid('If-Match is one version in quotes, as the ETag gave it: "3"', code="malformed_version")
    return int(named[1])


Version = Annotated[int, Depends(_version)]
