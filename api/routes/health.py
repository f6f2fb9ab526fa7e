"""Whether the process lives, whether it can work, and how it does."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response

from api.errors import problem
from api.identity import Operator
from api.metrics import CONTENT_TYPE
from api.problems import ACTING, problems
from api.services import Services, Use
from api.wire import LiveOut, ReadyOut
from graph.actions.read import missing_migrations, sizes
from graph.domain.errors import MediaStoreUnavailable, RedthreadError

router = APIRouter(tags=["health"])
PATIENCE_SECONDS = 3


@router.get("/healthz", responses=problems())
async def healthz() -> LiveOut:
    """The process lives; it says nothing about Neo4j."""
    return LiveOut()


@router.get("/readyz", response_model=ReadyOut, responses=problems("not_ready"))
async def readyz(use: Use) -> ReadyOut | Response:
    """Neo4j answers with every migration applied, the media store can be written, and tokens can be verified.

    Else 503 says what is missing.
    """
    graph, media, sign_in = await asyncio.gather(_graph(use), _media(use), _sign_in(use))
    parts = {"graph": graph, "media_store": media, "sign_in": sign_in}
    missing = [name for name, state in parts.items() if state != "ready"]
    if missing:
        return problem("not_ready", f"not ready: {', '.join(missing)}", parts=parts)
    return ReadyOut(parts=parts)


class OpenMetrics(Response):
    media_type = CONTENT_TYPE


@router.get("/metrics", response_class=OpenMetrics, responses=problems("forbidden", *ACTING))
async def metrics(request: Request, use: Use, _: Operator) -> OpenMetrics:
    """Operators: requests by route and outcome, how much is stored and what waits; OpenMetrics text for Prometheus."""
    return OpenMetrics(request.app.state.metrics.text(await sizes(use.store)))


async def _graph(use: Services) -> str:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            missing = await missing_migrations(use.store)
    except (RedthreadError, TimeoutError):
        return "Neo4j does not answer"
    return f"migrations are not applied: {', '.join(missing)}" if missing else "ready"


async def _media(use: Services) -> str:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.to_thread(use.files.check_writable)
    except MediaStoreUnavailable as away:
        return away.message
    except Exception:  # noqa: BLE001 - every file system has errors of its own, and each means the same here
        return "the media store cannot be written"
    return "ready"


async def _sign_in(use: Services) -> str:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await use.sign_in.check()
    except (RedthreadError, TimeoutError):
        return "the keys of the sign-in service cannot be fetched"
    return "ready"
