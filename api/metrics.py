"""What the service measures of itself, for Prometheus: requests by route and outcome, and how much waits."""

from __future__ import annotations

import time
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.openmetrics import exposition
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph.store.session import Row

_exposition: Any = exposition
CONTENT_TYPE: Final = exposition.CONTENT_TYPE_LATEST
BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
OTHER: Final = "other"
"""The route of a request that no route answers: a path from outside would be a label without end."""


class Metrics:
    """The instruments of one application. No label holds anything of a case, a face or a person."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        labels = ("method", "route")
        self._requests = Counter(
            "redthread_api_requests", "Requests answered.", (*labels, "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "redthread_api_request_seconds", "Time from a request to the start of its answer.", labels,
            buckets=BUCKETS_S, registry=self._registry,
        )  # fmt: skip
        self._stored = Gauge("redthread_stored", "What the graph holds.", ("kind",), registry=self._registry)
        self._waiting = Gauge(
            "redthread_waiting", "What waits: rows of the outbox, those withheld because no such source is configured, "
            "events in quarantine.", ("kind",), registry=self._registry,
        )  # fmt: skip

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts one answer."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def text(self, counts: Row) -> bytes:
        """Everything measured so far, with the graph's counts of now, as OpenMetrics text."""
        for kind in ("cases", "media", "faces"):
            self._stored.labels(kind).set(counts[kind])
        for kind in ("outbox", "withheld", "quarantined"):
            self._waiting.labels(kind).set(counts[kind])
        return _exposition.generate_latest(self._registry)


class Measured:
    """ASGI middleware: counts each answer under the route that gave it."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", OTHER)
                self._metrics.answered(_method(scope), route, message["status"], time.monotonic() - began)
            await send(message)

        await self._app(scope, receive, note)


def _method(scope: Scope) -> str:
    """The request's method; an invented one would be a label without end too."""
    return scope["method"] if scope["method"] in {"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"} else OTHER
