"""Nothing but a few paths is answered to somebody who has not signed in: a route that is new is closed as well."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import refusal
from api.sign_in.tokens import SignIn
from graph.domain.errors import RedthreadError

OPEN: Final = frozenset({"/healthz", "/readyz", "/openapi.json"})
"""Paths that tell nothing about people or cases."""


class OnlySignedIn:
    """ASGI middleware: proves who asks before anything of the request is read, and notes it in the request's state."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in OPEN:
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


def _only(sent: list[str]) -> str | None:
    """The header, where it was sent once: of two, one could be another's."""
    return sent[0] if len(sent) == 1 else None
