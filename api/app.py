"""The HTTP service, put together from its services; it owns no settings and opens no port."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from api import errors
from api.guard import Guard
from api.metrics import Measured, Metrics
from api.routes import (
    approvals,
    audit,
    cases,
    decisions,
    erasures,
    faces,
    health,
    identifications,
    links,
    media,
    paths,
    quarantine,
    queue,
    searches,
    victims,
)
from api.services import Services
from api.sign_in.gate import OnlySignedIn
from api.wire import Problem

DESCRIPTION = """Finds the same child across police cases: the machine proposes links, people decide.

Whoever asks signs in with a bearer token, whose roles and district say what they may see and do; what a person may not
see answers exactly as what does not exist. Every read of a case, link, face or search states its purpose in header
`Redthread-Purpose` and is an entry in the audit. Scores are null until the caller has judged the link. A decision names
the version that it was made on in `If-Match`. Every refusal is a problem detail (RFC 9457) with a stable `code`.
"""


def build_app(
    open_services: Callable[[], AbstractAsyncContextManager[Services]], *, upload_limit: int, version: str,
    public_hosts: Iterable[str] = (),
) -> FastAPI:  # fmt: skip
    """The application; `open_services` is entered when it starts and left when it stops.

    It answers to the names of its own machine and to `public_hosts`.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with open_services() as services:
            app.state.services = services
            yield

    # The pages of Swagger and ReDoc load scripts from elsewhere, which this service must never do.
    app = FastAPI(
        title="Redthread", version=version, description=DESCRIPTION, lifespan=lifespan, docs_url=None, redoc_url=None,
        swagger_ui_oauth2_redirect_url=None, redirect_slashes=False, generate_unique_id_function=_operation,
    )  # fmt: skip
    for routes in (
        health, cases, media, faces, links, queue, decisions, approvals, victims, identifications, paths, searches,
        erasures, audit, quarantine,
    ):  # fmt: skip
        app.include_router(routes.router)
    errors.register(app)
    app.state.metrics = Metrics()
    app.add_middleware(OnlySignedIn)
    app.add_middleware(Guard, upload_limit=upload_limit, hosts=public_hosts)
    app.add_middleware(Measured, metrics=app.state.metrics)
    _describe_problems(app)
    return app


def _operation(route: APIRoute) -> str:
    return route.name


def _describe_problems(app: FastAPI) -> None:
    """Adds the one schema of all refusals, which no route returns by type."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        document = plain()
        document.setdefault("components", {}).setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
        return document

    app.openapi = described
