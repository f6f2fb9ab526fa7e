"""What the routes work with, built once for each process."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from api.readiness import Readiness
from api.settings import Settings
from api.sign_in.keys import Keys, fetch_from
from api.sign_in.tokens import SignIn
from graph.actions.access import AccessLog
from graph.files import MediaStore
from graph.space import Space
from graph.store.session import Store


@dataclass(frozen=True, slots=True)
class Services:
    store: Store
    files: MediaStore
    access_log: AccessLog
    sign_in: SignIn
    readiness: Readiness
    space: Space = field(default_factory=lambda: Space(()))


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncGenerator[Services]:
    """The services of one process, closed at the end; Neo4j may still be starting."""
    files = MediaStore(settings.store_url)
    space = Space.of(settings.data, settings.store_url, settings.space_mib)
    async with Store(*settings.neo4j) as store, Store(*settings.neo4j) as asked_whether_ready:
        access_log = AccessLog(store)
        keys = Keys(fetch_from(settings.oidc_issuer, settings.oidc_jwks))
        sign_in = SignIn(keys, issuer=settings.oidc_issuer, audience=settings.oidc_audience, claims=settings.claims)
        readiness = Readiness(asked_whether_ready, files, sign_in)
        try:
            yield Services(store, files, access_log, sign_in, readiness, space)
        finally:
            await readiness.close()
            await sign_in.close()
            await access_log.close()


async def _services(request: Request) -> Services:
    return request.app.state.services


Use = Annotated[Services, Depends(_services)]
