"""Requires a signed-in person for every path but those in OPEN, so a new route is closed by default."""

from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import refusal
from api.sign_in.tokens import SignIn
from graph.domain.errors import RedthreadError

OPEN: Final = frozenset({"/healthz", "/readyz", "/openapi.json"})
"""Paths whose answers hold nothing about people or cases."""
PAGES: Final = "/app"
"""Where the pages are; they have a gate of their own, `api.pages.gate`, and take no token."""


class OnlySignedIn:
    """ASGI middleware: authenticates the caller before the body is read; the request's state has the person."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _is_open(scope["path"]):
            sign_in: SignIn = scope["app"].state.services.sign_in
            try:
                person = await sign_in.person(_only(Headers(scope=scope).getlist("authorization")))
            except RedthreadError as error:
                await refusal(error)(scope, receive, send)
                return
            scope.setdefault("state", {})["person"] = person
        elif scope["type"] == "websocket":
            raise RuntimeError("there is no websocket route")
        await self._app(scope, receive, send)


def _is_open(path: str) -> bool:
    return path in OPEN or path in ("/", PAGES) or path.startswith(f"{PAGES}/")


def _only(sent: list[str]) -> str | None:
    """The header if it was sent once: of two, a proxy may check one and this service the other."""
    return sent[0] if len(sent) == 1 else None
