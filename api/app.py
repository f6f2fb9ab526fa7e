"""The HTTP service, put together from its services; it owns no settings and opens no port."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from api import errors
from api.guard import Guard
from api.routes import cases, erasures, faces, health, links, media, paths, searches, victims
from api.services import Services
from api.settings import WHY_LOOPBACK
from api.wire import Problem

DESCRIPTION = f"""Finds the same child across police cases: the machine proposes links, people decide.

{WHY_LOOPBACK} Every read of a case, link, face or search states its purpose in header `Redthread-Purpose` and is an
entry in the audit. Scores are null until the caller has judged the link. A decision names the version that it was
made on in `If-Match`. Every refusal is a problem detail (RFC 9457) with a stable `code`.
"""


def build_app(
    open_services: Callable[[], AbstractAsyncContextManager[Services]], *, upload_limit: int, version: str
) -> FastAPI:
    """The application; `open_services` is entered when it starts and left when it stops."""

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
    for routes in (health, cases, faces, links, searches, media, paths, victims, erasures):
        app.include_router(routes.router)
    errors.register(app)
    app.add_middleware(Guard, upload_limit=upload_limit)
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
