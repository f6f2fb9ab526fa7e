"""Whether the process lives, whether it can serve, and its metrics."""

from typing import Literal

from fastapi import APIRouter, Request, Response

from api.deps import Operator, ServicesDep
from api.errors import ACTING, problem, problems
from api.metrics import CONTENT_TYPE
from api.readiness import READY
from api.wire import WireOut
from graph.actions.read.counts import sizes

router = APIRouter(tags=["health"])


class LiveOut(WireOut):
    status: Literal["alive"] = "alive"


class ReadyOut(WireOut):
    """`parts` says of each part whether it is `ready`, or in a sentence what is missing."""

    status: Literal["ready"] = "ready"
    parts: dict[str, str]


class OpenMetrics(Response):
    media_type = CONTENT_TYPE


@router.get("/healthz", responses=problems())
async def healthz() -> LiveOut:
    """The process lives; it says nothing about Neo4j."""
    return LiveOut()


@router.get("/readyz", response_model=ReadyOut, responses=problems("not_ready"))
async def readyz(services: ServicesDep) -> ReadyOut | Response:
    """Neo4j answers with every migration applied, the media store can be written, and tokens can be verified.

    Else 503 says what is missing.
    """
    parts = await services.readiness.parts()
    missing = [name for name, state in parts.items() if state != READY]
    if missing:
        return problem("not_ready", f"not ready: {', '.join(missing)}", parts=parts)
    return ReadyOut(parts=parts)


@router.get("/metrics", response_class=OpenMetrics, responses=problems("forbidden", *ACTING))
async def metrics(request: Request, access: Operator) -> OpenMetrics:
    """Operators: requests by route and outcome, how much is stored and what waits; OpenMetrics text for Prometheus."""
    return OpenMetrics(request.app.state.metrics.text(await sizes(access.store)))
