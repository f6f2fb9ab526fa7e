"""Rules for every request: the Host header, the size and pace of the body, response headers, and an opaque 500."""

import asyncio
import logging
import time
import traceback
from collections.abc import Iterable, MutableMapping
from contextlib import suppress
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem

log = logging.getLogger("redthread.api")

HOSTS: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""Names of this machine, always accepted; the settings add others. Any other Host header may come from a foreign page
that resolves its own name to this service (DNS rebinding)."""
JSON_LIMIT: Final = 256 * 1024
"""Bytes of a request without a file; the longest legal one (a verdict's text) has 4,000 characters."""
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
FIRST_SECONDS: Final = 20.0
"""Seconds that a body may take, plus one for every BYTES_PER_SECOND received."""
BYTES_PER_SECOND: Final = 16 * 1024
"""Slower than any connection that people upload pictures over: at this rate the largest upload takes an hour."""
LINGER_BYTES: Final = 32 * 1024 * 1024
LINGER_SECONDS: Final = 2.0
"""How much of a refused body is read and dropped, and for how long: a connection reset at once loses the answer."""


class RequestBody:
    """The body of one request. `receive` raises HTTPException where it is too large (413) or comes too slowly (408)."""

    first_seconds = FIRST_SECONDS
    linger_seconds = LINGER_SECONDS

    def __init__(self, receive: Receive, headers: Headers, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        announced = headers.get("content-length", "")
        self._announced = int(announced) if announced.isdigit() else 0
        self._received = 0
        self._waited = 0.0
        self.is_complete = self._announced == 0 and "transfer-encoding" not in headers
        """Whether all of it has been received."""

    async def receive(self) -> Message:
        if self.is_complete:
            return await self._receive()
        if self._announced > self._limit:
            raise HTTPException(413)
        began = time.monotonic()
        left = self.first_seconds + self._received / BYTES_PER_SECOND - self._waited
        try:
            async with asyncio.timeout(left):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408) from None
        # Only the time spent waiting for the client counts, not the time that received bytes wait for the application.
        self._waited += time.monotonic() - began
        self._received += len(message.get("body", b""))
        if self._received > self._limit:
            raise HTTPException(413)
        self.is_complete = not message.get("more_body", False)
        return message

    async def drop_rest(self) -> None:
        """Reads and drops what the client still sends, up to LINGER_BYTES and `linger_seconds`."""
        dropped = 0
        # The request is answered: no failure of reading the rest matters.
        with suppress(Exception):
            async with asyncio.timeout(self.linger_seconds):
                while dropped < LINGER_BYTES:
                    message = await self._receive()
                    dropped += len(message.get("body", b""))
                    if not message.get("more_body", False):
                        return


class _Answer:
    """Adds the headers, and drops what is left of the request's body once the answer is complete."""

    def __init__(self, send: Send, body: RequestBody) -> None:
        self._send = send
        self._body = body
        self.started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            _add_headers(message)
            if not self._body.is_complete:
                # The rest of the body is not parsed, so no request can follow on this connection.
                MutableHeaders(scope=message)["Connection"] = "close"
        elif not self._body.is_complete and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._body.drop_rest()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)


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
        limit = self._upload_limit if headers.get("content-type", "").startswith("multipart/") else JSON_LIMIT
        body = RequestBody(receive, headers, limit)
        answer = _Answer(send, body)
        if _name(headers.get("host", "")) not in self._hosts:
            refusal = problem("host_refused", "this service answers only to names that it was told are its own")
            await refusal(scope, receive, answer.send)
            return
        if "content-length" in headers and "transfer-encoding" in headers:
            # A proxy in front may find another end of this body, and so another next request (request smuggling).
            refusal = problem("bad_request", "Content-Length and Transfer-Encoding exclude each other")
            await refusal(scope, receive, answer.send)
            return
        try:
            await self._app(scope, body.receive, answer.send)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller learns nothing from it
            # Only places are logged: messages and locals of unknown errors can hold people's data.
            frames = traceback.extract_tb(error.__traceback__)[-4:]
            places = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames))
            log.error("failed with %s at %s", type(error).__name__, places)
            if answer.started:
                raise ConnectionAbortedError("the answer failed on its way") from None
            await problem("internal", "the service failed; its log says where")(scope, receive, answer.send)


def _name(host: str) -> str:
    """The host without its port, in lower case."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() else host.lower()


def _add_headers(message: MutableMapping[str, Any]) -> None:
    sent = MutableHeaders(scope=message)
    for name, value in HEADERS.items():
        sent.setdefault(name, value)
