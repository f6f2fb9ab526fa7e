"""Metrics for Prometheus: requests by route and status, and the sizes of the graph and its queues."""

import time
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.openmetrics import exposition
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph.actions.read.counts import Sizes

_exposition: Any = exposition
CONTENT_TYPE: Final = exposition.CONTENT_TYPE_LATEST
BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
OTHER: Final = "other"
"""Label of requests without a route: their paths are unbounded, and a label must not be."""


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
            "redthread_api_request_seconds",
            "Time from a request to the start of its answer.",
            labels,
            buckets=BUCKETS_S,
            registry=self._registry,
        )
        self._stored = Gauge("redthread_stored", "What the graph holds.", ("kind",), registry=self._registry)
        self._waiting = Gauge(
            "redthread_waiting",
            "What waits: rows of the outbox, those withheld because no such source is configured, "
            "events in quarantine.",
            ("kind",),
            registry=self._registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts one answer."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def text(self, sizes: Sizes) -> bytes:
        """All metrics with the graph's current sizes, as OpenMetrics text."""
        for kind in ("cases", "media", "faces"):
            self._stored.labels(kind).set(getattr(sizes, kind))
        for kind in ("outbox", "withheld", "quarantined"):
            self._waiting.labels(kind).set(getattr(sizes, kind))
        return _exposition.generate_latest(self._registry)


class Measured:
    """ASGI middleware: counts each answer by its route."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()

        async def count(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", OTHER)
                self._metrics.answered(_method(scope), route, message["status"], time.monotonic() - began)
            await send(message)

        await self._app(scope, receive, count)


def _method(scope: Scope) -> str:
    """The request's method as a label: unknown methods are unbounded too."""
    return scope["method"] if scope["method"] in {"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"} else OTHER
