"""Signing in and out, the purpose of a session, and the choices of language and theme."""

import json
from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from api.deps import ServicesDep
from api.pages import gate, language
from api.pages.access import SessionDep
from api.pages.forms import Back, BackField
from api.pages.page import THEMES, PageDep, safe_back
from api.sign_in.development import CHOICE_S, DevelopmentSignIn
from api.sign_in.oidc import Begun, OidcSignIn
from api.sign_in.tokens import TokenRefused
from graph.actions.sessions import do_sign_in, do_sign_out, state_purpose
from graph.domain.errors import NotFound
from graph.domain.people import Person

router = APIRouter()

BEGUN: Final = "redthread-sign-in"
BEGUN_S: Final = 600
CHOICE: Final = "redthread-choice"

Text = Annotated[str, Form(max_length=2000)]


@router.get("/sign-in")
async def sign_in(request: Request, services: ServicesDep, page: PageDep, back: Back = "") -> Response:
    """How to sign in here: by the issuer, or by a link of the local stack."""
    match services.pages:
        case DevelopmentSignIn() as links:
            users = links.users_of_choice(gate.secret(services, request.cookies, CHOICE))
            return page("sign_in.html", users=list(users.values()), secret="", kind="development", back=safe_back(back))
        case OidcSignIn():
            return page("sign_in.html", users=[], secret="", kind="oidc", back=safe_back(back))
        case None:
            return page("sign_in.html", 503, users=[], secret="", kind="closed", back="")


@router.get("/sign-in/link/{secret}")
async def link(secret: str, services: ServicesDep, page: PageDep) -> Response:
    """The users of a link that nobody has used yet; opening it uses nothing up."""
    users: Mapping[str, Person] = {}
    if isinstance(services.pages, DevelopmentSignIn):
        users = services.pages.users_of_link(secret)
    status = 200 if users else 404
    return page("sign_in.html", status, users=list(users.values()), secret=secret, kind="development", back="")


@router.post("/sign-in/development")
async def choose(
    request: Request, services: ServicesDep, actor: Text, secret: Text = "", back: BackField = ""
) -> Response:
    """Signs in as one of the users of a link, or of the choice that this browser has from one."""
    if not isinstance(services.pages, DevelopmentSignIn):
        raise NotFound("there is no such page")
    choice = services.pages.use_link(secret) if secret else gate.secret(services, request.cookies, CHOICE)
    user = services.pages.users_of_choice(choice).get(actor)
    if user is None:
        raise TokenRefused("this link was used before, or is too old: make another with `redthread sign-in`")
    answer = await _begin_session(services, user, safe_back(back))
    gate.set_secret(answer, services, CHOICE, choice, seconds=CHOICE_S)
    return answer


@router.get("/sign-in/begin")
async def begin(services: ServicesDep, back: Back = "") -> Response:
    """Sends the browser to the issuer."""
    if not isinstance(services.pages, OidcSignIn):
        raise NotFound("there is no such page")
    address, begun = await services.pages.begin()
    answer = RedirectResponse(address, 303)
    kept = json.dumps([begun.state, begun.nonce, begun.verifier, safe_back(back)])
    gate.set_secret(answer, services, BEGUN, kept, seconds=BEGUN_S)
    return answer


@router.get("/sign-in/callback")
async def callback(
    request: Request,
    services: ServicesDep,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
) -> Response:
    """The issuer sends the browser back: a session begins."""
    if not isinstance(services.pages, OidcSignIn):
        raise NotFound("there is no such page")
    begun, back = _begun(gate.secret(services, request.cookies, BEGUN))
    person = await services.pages.finish(begun, state, code)
    answer = await _begin_session(services, person, back)
    gate.drop_secret(answer, services, BEGUN)
    return answer


@router.post("/sign-out")
async def sign_out(
    request: Request,
    services: ServicesDep,
    session: SessionDep,
    page: PageDep,
    change_user: Annotated[bool, Form()] = False,
) -> Response:
    """Ends the session, and unless the user is only changed the choice that this browser has from a link."""
    await do_sign_out(services.access(session.person), session)
    answer = page.see("sign_in")
    gate.drop_secret(answer, services, gate.COOKIE)
    if isinstance(services.pages, DevelopmentSignIn) and not change_user:
        services.pages.end_choice(gate.secret(services, request.cookies, CHOICE))
        gate.drop_secret(answer, services, CHOICE)
    return answer


@router.get("/purpose")
async def purpose(page: PageDep, back: Back = "") -> Response:
    """Asks for what purpose the person looks, once a session."""
    return page("purpose.html", back=safe_back(back))


@router.post("/purpose")
async def state(
    services: ServicesDep, session: SessionDep, stated: Text, other: Text = "", back: BackField = ""
) -> Response:
    """Stores the purpose: one of those offered, or the person's own words."""
    await state_purpose(services.store, session, other.strip() or stated)
    return RedirectResponse(safe_back(back), 303)


@router.post("/sign-in/view")
async def view(
    services: ServicesDep,
    chosen_language: Annotated[str, Form(alias="language")] = "",
    theme: Text = "",
    back: BackField = "",
) -> Response:
    """Stores language and theme in the browser."""
    answer = RedirectResponse(safe_back(back), 303)
    if chosen_language in language.LANGUAGES:
        gate.remember(answer, services, language.COOKIE, chosen_language)
    if theme in THEMES:
        gate.remember(answer, services, "theme", theme)
    return answer


async def _begin_session(services: ServicesDep, person: Person, back: str) -> Response:
    secret = await do_sign_in(services.access(person))
    answer = RedirectResponse(back, 303)
    gate.set_secret(answer, services, gate.COOKIE, secret)
    return answer


def _begun(kept: str) -> tuple[Begun | None, str]:
    """What the browser kept of the flow that it began, and where to go on."""
    try:
        state, nonce, verifier, back = json.loads(kept)
        return Begun(str(state), str(nonce), str(verifier)), safe_back(str(back))
    except (ValueError, TypeError):
        return None, ""
