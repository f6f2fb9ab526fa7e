"""Refusals as HTTP answers: one table from error code to status, every answer a problem detail (RFC 9457).

`STATUS` is the table, `register` installs the handlers, `problems` describes a route's refusals for OpenAPI.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from graph.actions.access import Access, disclose, record_miss
from graph.domain.errors import Conflict, RedthreadError
from graph.domain.people import Person, check_purpose

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 5

STATUS: Final[Mapping[str, tuple[int, str]]] = {
    "bad_request": (400, "The request cannot be read"),
    "malformed_body": (400, "The body is not what its content type says"),
    "malformed_version": (400, "If-Match is not one quoted version"),
    "host_refused": (400, "The Host header does not name this machine"),
    "token_missing": (401, "Sign in first"),
    "token_invalid": (401, "The token is not taken"),
    "forbidden": (403, "Not allowed"),
    "other_district": (403, "Another district has to decide as well"),
    "own_decision": (403, "A second person has to decide"),
    "actor_missing": (403, "It is not said who acts"),
    "role_missing": (403, "No role here"),
    "purpose_missing": (403, "It is not said for what purpose"),
    "not_found": (404, "There is no such thing"),
    "case_unknown": (404, "There is no such case"),
    "face_unknown": (404, "There is no such face"),
    "file_gone": (404, "The file is no longer stored"),
    "no_context": (404, "There is no wider view of this face"),
    "method_not_allowed": (405, "This path does not take this method"),
    "too_slow": (408, "The request comes too slowly"),
    "session_changed": (409, "The page was opened in another session"),
    "conflict": (409, "Somebody else acted first"),
    "stale_version": (409, "It has changed since it was looked at"),
    "claimed": (409, "Somebody else is judging this"),
    "already_decided": (409, "The link waits for no verdict"),
    "not_confirmed": (409, "The link waits for no second person"),
    "nothing_to_reopen": (409, "There is no act to take back"),
    "half_undo": (409, "Only a part of an act would be taken back"),
    "settled": (409, "These faces are one person already"),
    "link_exists": (409, "These faces are linked already"),
    "face_exists": (409, "There is a face in this place already"),
    "unapproved_link": (409, "A link of this victim waits for approval"),
    "already_proposed": (409, "This identification waits for a second person already"),
    "no_longer_one": (409, "These faces are no longer one victim"),
    "claim_expired": (409, "The claim is over"),
    "claims_limit": (409, "There are too many open claims"),
    "contradiction": (409, "This contradicts what is known"),
    "not_open": (409, "Nothing is added to this search any more"),
    "not_waiting": (409, "The event does not wait in quarantine"),
    "truncated": (409, "The event was too large to be kept whole"),
    "victim_split": (410, "The faces of this victim are no longer one victim"),
    "too_large": (413, "The request is too large"),
    "unsupported_content_type": (415, "This content type is not taken here"),
    "several_items": (422, "These links are between more than two people"),
    "invalid": (422, "The request is wrong"),
    "empty_file": (422, "The file is empty"),
    "version_missing": (428, "It is not said what was seen"),
    "internal": (500, "The service failed"),
    "media_store_unavailable": (503, "The media store cannot be used now"),
    "store_unavailable": (503, "The graph does not answer"),
    "not_ready": (503, "The service is not ready"),
    "no_space": (507, "There is too little free space"),
    "sign_in_unavailable": (503, "Nobody can be let in now"),
}
CHALLENGES: Final = {
    "token_missing": 'Bearer realm="redthread"',
    "token_invalid": 'Bearer realm="redthread", error="invalid_token"',
}
"""The header WWW-Authenticate of each refused authentication (RFC 6750, 3)."""
HIDING: Final = frozenset({"not_found", "case_unknown", "face_unknown"})
"""Codes that have one fixed sentence each, so that a hidden object and a missing one are answered alike."""
CODE_OF_STATUS: Final[Mapping[int, str]] = {
    400: "malformed_body",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    413: "too_large",
    415: "unsupported_content_type",
    422: "invalid",
}
_MISSING_HEADER: Final = {
    "redthread-purpose": ("purpose_missing", "say for what purpose you look in header Redthread-Purpose"),
    "if-match": ("version_missing", 'say which version you saw: If-Match: "<version>"'),
}

EVERYWHERE: Final = ("host_refused", "internal")
GRAPH: Final = ("store_unavailable",)
FILES: Final = ("media_store_unavailable",)
SIGNED_IN: Final = ("token_missing", "token_invalid", "role_missing", "actor_missing", "sign_in_unavailable")
ACTING: Final = ("forbidden", "invalid", *SIGNED_IN, *GRAPH)
LOOKING: Final = ("purpose_missing", "not_found", "claim_expired", *ACTING)
CONFLICTS: Final = ("stale_version", "claimed", "already_decided", "contradiction")
BODY: Final = ("malformed_body", "too_large", "too_slow")


class Problem(BaseModel):
    """RFC 9457 problem detail; `code` is stable, `current` and `errors` are there where they help."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    current: dict[str, Any] | None = None
    errors: list[dict[str, str]] | None = None


def problem(code: str, detail: str, *, headers: Mapping[str, str] | None = None, **members: object) -> JSONResponse:
    """The answer for refusal `code`; `members` are further members of the problem detail."""
    sent = dict(headers or {})
    if STATUS[code][0] == HTTPStatus.SERVICE_UNAVAILABLE:
        sent["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if code in CHALLENGES:
        sent["WWW-Authenticate"] = CHALLENGES[code]
    return JSONResponse({**_body(code, detail), **members}, STATUS[code][0], sent, MEDIA_TYPE)


def problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """FastAPI's `responses` for the refusals `codes` and those of every route: an example per code, by status."""
    answers: dict[int | str, dict[str, Any]] = {}
    for code in dict.fromkeys((*codes, *EVERYWHERE)):
        status, title = STATUS[code]
        schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
        empty = {"description": "", "content": {MEDIA_TYPE: {"schema": schema, "examples": {}}}}
        answer = answers.setdefault(status, empty)
        if status == 401:
            challenge = {"description": "how to sign in (RFC 6750)", "schema": {"type": "string"}}
            answer["headers"] = {"WWW-Authenticate": {**challenge, "example": CHALLENGES["token_missing"]}}
        answer["description"] = "; ".join(filter(None, (answer["description"], f"`{code}`: {title}")))
        answer["content"][MEDIA_TYPE]["examples"][code] = {"value": _body(code, title.lower())}
    return answers


def _body(code: str, detail: str) -> dict[str, Any]:
    status, title = STATUS[code]
    return {"type": f"urn:redthread:problem:{code}", "title": title, "status": status, "detail": detail, "code": code}


def code_of(error: RedthreadError) -> str:
    """The error's own code if `STATUS` has it, else that of the nearest base class, else `internal`."""
    codes = [error.code, *(getattr(kind, "code", "") for kind in type(error).__mro__)]
    return next((code for code in codes if code in STATUS), "internal")


def register(app: FastAPI) -> None:
    """Installs the handlers that answer with problem details; unexpected exceptions are left to `api.guard`."""
    app.add_exception_handler(RedthreadError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    """Answers a route's refusal after the audit has recorded a miss or a disclosure."""
    assert isinstance(error, RedthreadError)
    person: Person | None = getattr(request.state, "person", None)
    if person is None:
        return refusal(error)
    return refusal(await recorded(request, person, _stated_purpose(request), error))


async def recorded(request: Request, person: Person, purpose: str, error: RedthreadError) -> RedthreadError:
    """The refusal to answer with, once the audit has the miss or the disclosure that it is; a failure of the audit."""
    access: Access = request.app.state.services.access(person, purpose)
    route, path = f"{request.method} {getattr(request.scope.get('route'), 'path', '')}", request.url.path
    try:
        if code_of(error) in HIDING:
            await record_miss(access, route, path)
        elif isinstance(error, Conflict):
            return await disclose(access, route, path, error)
    except RedthreadError as unlogged:
        return unlogged
    return error


def _stated_purpose(request: Request) -> str:
    """The purpose in the request's header, or an empty text where the header has no valid one."""
    try:
        return check_purpose(as_utf8(request.headers.get("redthread-purpose", "")))
    except RedthreadError:
        return ""


def as_utf8(header: str) -> str:
    """The header decoded as UTF-8; ASGI servers decode headers as Latin-1."""
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header


def refusal(error: RedthreadError) -> JSONResponse:
    """The answer for an expected error. Raises the error again if its code is not in `STATUS`."""
    code = code_of(error)
    if code == "internal":
        raise error
    if code in HIDING:
        return problem(code, f"{STATUS[code][1].lower()}, or none that you may see")
    if isinstance(error, Conflict) and error.current:
        return problem(code, error.message, current=error.current)
    return problem(code, error.message)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found: Sequence[Mapping[str, Any]] = error.errors()
    missing = {
        str(item["loc"][-1]).lower() for item in found if item["type"] == "missing" and item["loc"][0] == "header"
    }
    for header, (code, detail) in _MISSING_HEADER.items():
        if header in missing:
            return problem(code, detail)
    if any(item["type"] == "json_invalid" for item in found):
        return problem("malformed_body", "the body is not JSON")
    return problem("invalid", "see errors for what is wrong and where", errors=[_one(item) for item in found])


def _one(item: Mapping[str, Any]) -> dict[str, str]:
    """Location and message of a validation error, without the input; the name of an unknown field is input too."""
    where = [str(part) for part in item["loc"]]
    if item["type"] == "extra_forbidden":
        return {"where": ".".join(where[:-1]) or "body", "what": "a field that is not known here"}
    if item["type"] == "value_error":
        return {"where": ".".join(where), "what": str(item["ctx"]["error"])}
    return {"where": ".".join(where), "what": item["msg"]}


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = CODE_OF_STATUS.get(error.status_code, "bad_request" if error.status_code < 500 else "internal")
    return problem(code, STATUS[code][1].lower(), headers=error.headers)
