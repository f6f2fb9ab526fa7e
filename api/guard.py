"""What holds for every request, whatever the route: Host, body, headers, and a 500 that tells nothing."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable, MutableMapping
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.body import RequestBody
from api.errors import problem

log = logging.getLogger("redthread.api")

HOSTS: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""Names of this machine, always answered; other names only where the settings tell them. Any other Host is a page
elsewhere that points its own name at us (DNS rebinding)."""
JSON_LIMIT: Final = 256 * 1024
"""Bytes of a request without a file; the longest legal one (a verdict's text) has 4,000 characters."""
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """ASGI middleware around all routes."""

    def __init__(self, app: ASGIApp, *, upload_limit: int, hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._hosts = HOSTS | {host.lower() for host in hosts}
        self._upload_limit = upload_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _add_headers(message)
                if not body.is_whole:
                    # What is left of it is not read, so nothing can follow it.
                    MutableHeaders(scope=message)["Connection"] = "close"
            elif not body.is_whole and not message.get("more_body", False):
                await send({**message, "more_body": True})
                await body.throw_away()
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        limit = self._upload_limit if headers.get("content-type", "").startswith("multipart/") else JSON_LIMIT
        body = RequestBody(receive, headers, limit)
        if _name(headers.get("host", "")) not in self._hosts:
            refusal = problem("host_refused", "this service answers only to names that it was told are its own")
            await refusal(scope, receive, send_with_headers)
            return
        if "content-length" in headers and "transfer-encoding" in headers:
            # Whoever stands in front may read another end of this body than we do, and so another next request.
            refusal = problem("bad_request", "Content-Length and Transfer-Encoding exclude each other")
            await refusal(scope, receive, send_with_headers)
            return
        try:
            await self._app(scope, body.receive, send_with_headers)
        except ClientDisconnect:
            return  # nobody is left to answer
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller learns nothing from it
            # The log learns only where it happened: messages and locals of unknown errors can hold people's data.
            frames = traceback.extract_tb(error.__traceback__)[-4:]
            places = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames))
            log.error("failed with %s at %s", type(error).__name__, places)
            if started:
                raise ConnectionAbortedError("the answer failed on its way") from None
            await problem("internal", "the service failed; its log says where")(scope, receive, send_with_headers)


def _name(host: str) -> str:
    """The host without its port, in lower case."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() else host.lower()


def _add_headers(message: MutableMapping[str, Any]) -> None:
    sent = MutableHeaders(scope=message)
    for name, value in HEADERS.items():
        sent.setdefault(name, value)
