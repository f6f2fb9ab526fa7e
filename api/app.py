"""Builds the HTTP application from its services; it reads no settings and opens no port."""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI

from api import errors
from api.deps import Services
from api.errors import Problem
from api.guard import Guard
from api.metrics import Measured, Metrics
from api.pages.app import build_pages, to_pages
from api.routes import (
    acts,
    answers,
    approvals,
    audit,
    cases,
    erasures,
    faces,
    health,
    identifications,
    links,
    media,
    quarantine,
    queue,
    repeated_person,
    searches,
    verdicts,
    victims,
)
from api.sign_in.gate import PAGES, OnlySignedIn

DESCRIPTION = """Finds the same child across police cases: the machine proposes links, people decide.

Whoever asks signs in with a bearer token, whose roles and district say what they may see and do; what a person may not
see answers exactly as what does not exist. Every read of a case, link, face or search states its purpose in header
`Redthread-Purpose` and is an entry in the audit. Scores are null until the caller has judged the link. A decision names
the version that it was made on in `If-Match`. Every refusal is a problem detail (RFC 9457) with a stable `code`.
"""


ROUTES = (
    health,
    cases,
    media,
    repeated_person,
    faces,
    links,
    queue,
    verdicts,
    acts,
    approvals,
    victims,
    identifications,
    searches,
    answers,
    erasures,
    audit,
    quarantine,
)


def build_app(
    open_services: Callable[[], AbstractAsyncContextManager[Services]],
    *,
    upload_limit: int,
    version: str,
    public_hosts: Iterable[str] = (),
) -> FastAPI:
    """The application; `open_services` is entered at its start and left at its end.

    It answers to the names of its own machine and to `public_hosts`.
    """

    pages = build_pages()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with open_services() as services:
            app.state.services = pages.state.services = services
            yield

    app = FastAPI(
        title="Redthread",
        version=version,
        description=DESCRIPTION,
        lifespan=lifespan,
        # The pages of Swagger and ReDoc load scripts from other servers, which this service must never do.
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    for routes in ROUTES:
        app.include_router(routes.router)
    for path in ("/", PAGES):
        app.add_api_route(path, to_pages, include_in_schema=False)
    app.mount(PAGES, pages)
    errors.register(app)
    app.state.metrics = Metrics()
    # The last one added runs first: metrics, guard, sign-in, route.
    app.add_middleware(OnlySignedIn)
    app.add_middleware(Guard, upload_limit=upload_limit, hosts=public_hosts)
    app.add_middleware(Measured, metrics=app.state.metrics)
    _describe_problems(app)
    return app


def _describe_problems(app: FastAPI) -> None:
    """Adds the schema of refusals to the OpenAPI document; no route returns it as its response model."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        document = plain()
        document.setdefault("components", {}).setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
        return document

    app.openapi = described
