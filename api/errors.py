"""One table from error code to HTTP status; every refusal is a problem detail (RFC 9457) with a stable code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api import clock
from graph.actions.access import AccessEvent, AccessLog
from graph.actions.refusals import disclose, record_miss
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
    "method_not_allowed": (405, "This path does not take this method"),
    "too_slow": (408, "The request comes too slowly"),
    "conflict": (409, "Somebody else acted first"),
    "stale_version": (409, "Somebody else acted first"),
    "already_decided": (409, "The link waits for no verdict"),
    "not_confirmed": (409, "The link waits for no second person"),
    "nothing_to_reopen": (409, "There is no act to take back"),
    "half_undo": (409, "Only a part of an act would be taken back"),
    "settled": (409, "These faces are one person already"),
    "link_exists": (409, "These faces are linked already"),
    "face_exists": (409, "There is a face in this place already"),
    "unapproved_link": (409, "A link of this victim waits for approval"),
    "no_longer_one": (409, "These faces are no longer one victim"),
    "claim_expired": (409, "The claim's time is over"),
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
"""WWW-Authenticate of each refusal to believe who asks (RFC 6750, 3)."""
HIDING: Final = frozenset({"not_found", "case_unknown", "face_unknown"})
"""Codes that one sentence each is told for: what is hidden must read as what does not exist, whoever words it."""
_FROM_STATUS: Final = {
    400: "malformed_body", 403: "forbidden", 404: "not_found", 405: "method_not_allowed", 408: "too_slow",
    413: "too_large", 415: "unsupported_content_type", 422: "invalid",
}  # fmt: skip


_WITHOUT_HEADER: Final = {
    "redthread-purpose": ("purpose_missing", "say for what purpose you look in header Redthread-Purpose"),
    "if-match": ("version_missing", 'say which version you saw: If-Match: "<version>"'),
}


def problem(code: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: object) -> JSONResponse:
    """The refusal `code` as an answer; `more` are further members of the problem detail."""
    status, title = STATUS[code]
    body = {"type": f"urn:redthread:problem:{code}", "title": title, "status": status, "detail": detail, "code": code}
    sent = dict(headers or {})
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        sent["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if code in CHALLENGES:
        sent["WWW-Authenticate"] = CHALLENGES[code]
    return JSONResponse({**body, **more}, status, sent, MEDIA_TYPE)


def code_of(error: RedthreadError) -> str:
    """The row of the table for an error: its own code, else that of the nearest class that has a row."""
    codes = [error.code, *(getattr(kind, "code", "") for kind in type(error).__mro__)]
    return next((code for code in codes if code in STATUS), "internal")


def register(app: FastAPI) -> None:
    """Makes every refusal of `app` a problem detail; what nobody expected is left to `api.guard`."""
    app.add_exception_handler(RedthreadError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    """The refusal of a route; what it tells, and that something was not found, is in the audit first."""
    assert isinstance(error, RedthreadError)
    person: Person | None = getattr(request.state, "person", None)
    if person is None:
        return refusal(error)
    access_log: AccessLog = request.app.state.services.access_log
    access = AccessEvent(person, _stated(request.headers.get("redthread-purpose", "")), clock.now())
    asked, path = f"{request.method} {getattr(request.scope.get('route'), 'path', '')}", request.url.path
    try:
        if code_of(error) in HIDING:
            await record_miss(access_log, access, asked, path)
        elif isinstance(error, Conflict):
            return refusal(await disclose(access_log, access, asked, path, error))
    except RedthreadError as unlogged:
        return refusal(unlogged)
    return refusal(error)


def _stated(header: str) -> str:
    """The purpose that a header states; empty where it states none that could be kept."""
    try:
        return check_purpose(as_utf8(header))
    except RedthreadError:
        return ""


def as_utf8(header: str) -> str:
    """The header as its sender wrote it: servers hand on bytes as Latin-1."""
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header


def refusal(error: RedthreadError) -> JSONResponse:
    """The answer to who met this error; one without a row in the table is raised again, as nobody expected it."""
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
    for header, (code, detail) in _WITHOUT_HEADER.items():
        if header in missing:
            return problem(code, detail)
    if any(item["type"] == "json_invalid" for item in found):
        return problem("malformed_body", "the body is not JSON")
    return problem("invalid", "see errors for what is wrong and where", errors=[_one(item) for item in found])


def _one(item: Mapping[str, Any]) -> dict[str, str]:
    """Where and what, without what was sent: the name of an unknown field is input as well."""
    where = [str(part) for part in item["loc"]]
    if item["type"] == "extra_forbidden":
        return {"where": ".".join(where[:-1]) or "body", "what": "a field that is not known here"}
    if item["type"] == "value_error":
        return {"where": ".".join(where), "what": str(item["ctx"]["error"])}
    return {"where": ".".join(where), "what": item["msg"]}


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = _FROM_STATUS.get(error.status_code, "bad_request" if error.status_code < 500 else "internal")
    return problem(code, STATUS[code][1].lower(), headers=error.headers)
