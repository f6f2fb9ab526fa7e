"""Requires a session for every page but those in OPEN, and refuses what another site makes a browser send."""

from datetime import datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, quote

from starlette.datastructures import Headers
from starlette.requests import Request, cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import code_of
from api.pages.page import MARK, SAFE, problem_page
from graph.actions.sessions import Session, find_session
from graph.domain.errors import RedthreadError

if TYPE_CHECKING:
    from api.deps import Services

STATIC: Final = "/app/static/"
OPEN: Final = ("/app/sign-in", STATIC)
"""Beginnings of paths whose answers hold nothing about people or cases."""
COOKIE: Final = "redthread"
HOST_COOKIE: Final = f"__Host-{COOKIE}"
"""The cookie's name under https: no other host or path can set it."""
YEAR_S: Final = 365 * 24 * 3600
SESSION_OVER: Final = "session_over"


class OnlyInSession:
    """ASGI middleware of the pages: the request's state has the session and its person.

    A form or script of another site is refused by the header Sec-Fetch-Site, which every browser since 2023 sends and
    no script can set (OWASP, Cross-Site Request Forgery Prevention: Fetch Metadata).

    The address of every form names the session in which its page was opened: somebody else may have signed in since in
    the same browser, and is not recorded as who sent it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (answer := await self._refused(scope)) is not None:
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _refused(self, scope: Scope) -> Response | None:
        """The answer to a request that may not pass; None for one whose state has the session it belongs to."""
        headers, path = Headers(scope=scope), scope["path"]
        if scope["method"] not in SAFE and headers.get("sec-fetch-site") != "same-origin":
            return PlainTextResponse("this request does not come from a page of this service", 403)
        if path.startswith(STATIC):
            return None
        services: Services = scope["app"].state.services
        is_act, marks = scope["method"] not in SAFE, parse_qs(scope["query_string"].decode("latin-1")).get(MARK)
        # What goes on by itself keeps no session alive: a stream of events, and what a page asks again and again. The
        # renewal of claims is an act, and stops by itself where nobody works.
        in_use = is_act or not (marks or "text/event-stream" in headers.get("accept", ""))
        try:
            session = await session_of(services, headers, services.now(), in_use=in_use)
        except RedthreadError as error:
            code = code_of(error)
            if code == "internal":
                raise
            return problem_page(Request(scope), code)
        scope.setdefault("state", {})["session"] = session
        if path.startswith(OPEN):
            return None
        is_of_another = session is not None and (is_act or marks is not None) and marks != [session.mark]
        if session is not None and not is_of_another:
            return None
        if headers.get("sec-fetch-dest", "document") != "document":
            return PlainTextResponse(SESSION_OVER, 401)
        if is_of_another:
            return problem_page(Request(scope), "session_changed")
        query = scope["query_string"].decode("latin-1")
        back = quote(path + (f"?{query}" if query else ""), safe="/")
        return RedirectResponse(f"/app/sign-in?next={back}" if scope["method"] in SAFE else "/app/sign-in", 303)


async def session_of(services: "Services", headers: Headers, now: datetime, *, in_use: bool = True) -> Session | None:
    """The session that the request's cookie names."""
    cookies = cookie_parser("; ".join(headers.getlist("cookie")))
    secret = cookies.get(HOST_COOKIE if services.is_https else COOKIE)
    return await find_session(services.store, secret, now, in_use=in_use) if secret else None


def set_secret(answer: Response, services: "Services", name: str, value: str, *, seconds: int | None = None) -> None:
    """Stores a secret in the browser until it closes, or for so long: never for scripts, never for another site."""
    secure = services.is_https
    name = f"__Host-{name}" if secure else name
    answer.set_cookie(name, value, seconds, path="/", secure=secure, httponly=True, samesite="lax")


def secret(services: "Services", cookies: dict[str, str], name: str) -> str:
    """The secret that `set_secret` stored."""
    return cookies.get(f"__Host-{name}" if services.is_https else name, "")


def remember(answer: Response, services: "Services", name: str, value: str) -> None:
    """Stores a choice in the browser, which is no secret."""
    answer.set_cookie(name, value, YEAR_S, path="/", secure=services.is_https, httponly=True, samesite="lax")


def drop_secret(answer: Response, services: "Services", name: str) -> None:
    """Deletes the secret from the browser."""
    set_secret(answer, services, name, "", seconds=0)
