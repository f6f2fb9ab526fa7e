"""Renders a template for one request: language, session, main pages, addresses of routes, and security headers."""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import Depends, Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import NoMatchFound

from api.errors import STATUS
from api.pages import language, texts
from api.pages.menu import pages_of
from api.sign_in.development import DevelopmentSignIn
from api.sign_in.gate import PAGES
from graph.actions.sessions import Session

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Vary": "Cookie",
}
MARK: Final = "session"
"""The field of an address that names the session in which its page was opened; `api.pages.gate` checks it."""
SAFE: Final = frozenset({"GET", "HEAD"})
"""Methods that only read."""
THEMES: Final = ("dark", "light")
"""Values of the cookie `theme`; without one the browser's wish decides, and dark where it has none."""

LOOKS: Final = ("blur", "grey")
"""Parts of the cookie `look`, by which every picture of the pages is blurred or without colour."""


@cache
def environment(name: str) -> Environment:
    """The templates in one language."""
    made = Environment(
        loader=PackageLoader("api", "templates"),
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_translations(language.translations(name), newstyle=True)  # pyright: ignore[reportAttributeAccessIssue]
    made.filters.update(texts.filters(name))
    return made


@lru_cache(1000)
def _path_format(app: Starlette, route: str, parameters: tuple[str, ...]) -> str:
    """The path of a route with a place in braces for each parameter: a page of a thousand links looks for each once."""
    try:
        return str(app.url_path_for(route, **{name: f"{{{name}}}" for name in parameters}))
    except NoMatchFound:
        raise LookupError(f"no page has a route of the name {route} with {sorted(parameters)}") from None


class Page:
    """The pages' templates for one request."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.session: Session | None = getattr(request.state, "session", None)
        cookies = request.cookies
        self.language = language.chosen(cookies.get(language.COOKIE, ""), request.headers.get("accept-language", ""))
        self.look = " ".join(look for look in LOOKS if look in cookies.get("look", "").split("-"))
        self.theme = theme if (theme := cookies.get("theme", "")) in THEMES else ""

    def __call__(self, template: str, status: int = 200, /, **values: object) -> Response:
        """The page; `values` are the template's variables beside those of every page."""
        return HTMLResponse(self.text(template, **values), status, HEADERS)

    def text(self, template: str, /, **values: object) -> str:
        """A template's text, also that of a part of a page."""
        # As it was sent: an id may hold a slash or a question mark.
        here = self._request.scope["raw_path"].decode("latin-1")
        main_pages = pages_of(self.session.person) if self.session else []
        shared: dict[str, Any] = {
            "session": self.session,
            "main_pages": main_pages,
            "opens": {page.route for page in main_pages},
            "language": self.language,
            "languages": language.LANGUAGES,
            "theme": self.theme,
            "look": self.look,
            "path": self.path,
            "has_users": isinstance(self._request.app.state.services.pages, DevelopmentSignIn),
            "here": here,
            "here_with_query": self._address(here),
        }
        return environment(self.language).get_template(template).render(shared | values)

    def _address(self, here: str) -> str:
        """This page's address for a later session too; the first page's for an answer to a form, which has none."""
        if self._request.method not in SAFE:
            return f"{PAGES}/"
        fields = [field for field in self._request.url.query.split("&") if field and not field.startswith(f"{MARK}=")]
        return here + (f"?{'&'.join(fields)}" if fields else "")

    def path(self, route: str, /, query: Mapping[str, object] | None = None, **parameters: str) -> str:
        """The quoted path of the page whose route has this name; `query` values that are None or empty are left out.

        The address of a form names the session.
        """
        quoted = {name: quote(value, safe="") for name, value in parameters.items()}
        found = _path_format(self._request.app, route, tuple(parameters)).format_map(quoted)
        if self.session is not None and route in self._request.app.state.forms:
            query = {**(query or {}), MARK: self.session.mark}
        text = "&".join(
            f"{quote(name, safe='')}={quote(str(value), safe='')}"
            for name, value in (query or {}).items()
            if value not in (None, "", False)
        )
        return PAGES + found + (f"?{text}" if text else "")

    def see(self, route: str, /, query: Mapping[str, object] | None = None, **parameters: str) -> Response:
        """The answer to a form: the browser shows that page."""
        return RedirectResponse(self.path(route, query, **parameters), 303)

    def go_on(self, path: str) -> Response:
        """The answer to a form that saved something: the browser shows that page, a script gets its path and nothing
        else, so that no failure of the page itself reads as one of the form."""
        return Response(None, 204, {"Redthread-Next": path}) if self.is_part else RedirectResponse(path, 303)

    @property
    def is_part(self) -> bool:
        """Whether a script asks, which shows a part of a page."""
        return self._request.headers.get("sec-fetch-dest") == "empty"


def problem_page(request: Request, code: str, message: str = "", *, current: object = None) -> Response:
    """The page of a refusal; to a script its part that says what happened and what to do."""
    page, status = Page(request), STATUS[code][0]
    template = "parts/problem_alone.html" if page.is_part else "problem.html"
    return page(template, status, code=code, status=status, message=message, current=current)


PageDep = Annotated[Page, Depends(Page)]


def safe_back(back: str) -> str:
    """The path within the pages to go on to; that of the first page for any other text."""
    is_own = back.startswith(f"{PAGES}/") and "\\" not in back and "//" not in back.partition("?")[0]
    return back if is_own and back.isprintable() else f"{PAGES}/"
