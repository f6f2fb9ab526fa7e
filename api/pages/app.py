"""The pages as one application under `/app`: its own sign-in, its own refusals, no API document."""

from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from api.errors import CODE_OF_STATUS, HIDING, code_of, recorded
from api.pages import (
    answers,
    approvals,
    audit,
    case,
    case_upload,
    cases,
    faces,
    inbox,
    intake,
    pairs,
    parts,
    picture,
    review,
    search,
    sign_in,
    victim,
)
from api.pages.gate import OnlyInSession
from api.pages.menu import pages_of
from api.pages.page import Page, problem_page
from graph.actions.sessions import Session
from graph.domain.errors import Conflict, RedthreadError

ROUTERS: Final = (
    sign_in,
    review,
    approvals,
    inbox,
    audit,
    faces,
    cases,
    case_upload,
    case,
    picture,
    victim,
    search,
    answers,
    pairs,
    intake,
    parts,
)


def build_pages() -> FastAPI:
    """The application; its owner sets `state.services`; `state.forms` are the names of routes that take a form."""
    pages = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    for module in ROUTERS:
        pages.include_router(module.router)
    routes = [route for module in ROUTERS for route in module.router.routes if isinstance(route, APIRoute)]
    pages.state.forms = frozenset(route.name for route in routes if "POST" in (route.methods or ()))
    pages.add_api_route("/", first_page, include_in_schema=False)
    pages.mount("/static", StaticFiles(directory=Path(__file__).parent.parent / "static"), name="static")
    pages.add_exception_handler(RedthreadError, _refused)
    pages.add_exception_handler(RequestValidationError, _invalid)
    pages.add_exception_handler(HTTPException, _http)
    pages.add_exception_handler(Exception, _failed)
    pages.add_middleware(OnlyInSession)
    return pages


async def first_page(request: Request) -> Response:
    """The first main page that a role of the person opens."""
    page = Page(request)
    assert page.session is not None
    if not page.session.purpose:
        return page.see("purpose")
    for each in pages_of(page.session.person):
        return page.see(each.route)
    return problem_page(request, "role_missing")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RedthreadError)
    session: Session | None = getattr(request.state, "session", None)
    if session is not None:
        page = Page(request)
        if code_of(error) == "purpose_missing" and request.method == "GET" and not page.is_part:
            back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return page.see("purpose", {"next": back})
        error = await recorded(request, session.person, session.purpose, error)
    code = code_of(error)
    if code == "internal":
        raise error
    # Of what is hidden or missing the page of the code says all there is to say.
    message = (
        "" if code in HIDING else error.disclosed if isinstance(error, Conflict) and error.current else error.message
    )
    return problem_page(request, code, message, current=getattr(error, "current", None))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem_page(request, "invalid")


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem_page(request, CODE_OF_STATUS.get(error.status_code, "bad_request"))


async def _failed(request: Request, _: Exception) -> Response:
    """The page of a fault in the service; the server logs the fault itself."""
    return problem_page(request, "internal")


async def to_pages() -> Response:
    """The address without a path leads to the pages."""
    return RedirectResponse("/app/", 303)
