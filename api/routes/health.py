"""Whether the process lives, whether it can serve, and how it does."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.errors import problem
from api.identity import Operator
from api.metrics import CONTENT_TYPE
from api.problems import ACTING, problems
from api.readiness import READY
from api.services import Use
from api.wire import LiveOut, ReadyOut
from graph.actions.read.links import sizes

router = APIRouter(tags=["health"])


@router.get("/healthz", responses=problems())
async def healthz() -> LiveOut:
    """The process lives; it says nothing about Neo4j."""
    return LiveOut()


@router.get("/readyz", response_model=ReadyOut, responses=problems("not_ready"))
async def readyz(use: Use) -> ReadyOut | Response:
    """Neo4j answers with every migration applied, the media store can be written, and tokens can be verified.

    Else 503 says what is missing.
    """
    parts = await use.readiness.parts()
    missing = [name for name, state in parts.items() if state != READY]
    if missing:
        return problem("not_ready", f"not ready: {', '.join(missing)}", parts=parts)
    return ReadyOut(parts=parts)


class OpenMetrics(Response):
    media_type = CONTENT_TYPE


@router.get("/metrics", response_class=OpenMetrics, responses=problems("forbidden", *ACTING))
async def metrics(request: Request, use: Use, _: Operator) -> OpenMetrics:
    """Operators: requests by route and outcome, how much is stored and what waits; OpenMetrics text for Prometheus."""
    return OpenMetrics(request.app.state.metrics.text(await sizes(use.store)))
