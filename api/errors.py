"""One table from error code to HTTP status; every refusal is a problem detail (RFC 9457) with a stable code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from graph.domain.errors import Conflict, RedthreadError

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 5

STATUS: Final[Mapping[str, tuple[int, str]]] = {
    "bad_request": (400, "The request cannot be read"),
    "malformed_body": (400, "The body is not what its content type says"),
    "malformed_version": (400, "If-Match is not one quoted version"),
    "host_refused": (400, "The Host header does not name this machine"),
    "forbidden": (403, "Not allowed"),
    "other_district": (403, "Another district has to decide as well"),
    "own_decision": (403, "A second person has to decide"),
    "actor_missing": (403, "It is not said who acts"),
    "purpose_missing": (403, "It is not said for what purpose"),
    "not_found": (404, "There is no such thing"),
    "case_unknown": (404, "There is no such case"),
    "face_unknown": (404, "There is no such face"),
    "file_gone": (404, "The file is no longer stored"),
    "method_not_allowed": (405, "This path does not take this method"),
    "conflict": (409, "Somebody else acted first"),
    "stale_version": (409, "Somebody else acted first"),
    "already_decided": (409, "The link waits for no verdict"),
    "contradiction": (409, "This contradicts what is known"),
    "victim_split": (410, "The faces of this victim are no longer one victim"),
    "too_large": (413, "The request is too large"),
    "unsupported_content_type": (415, "This content type is not taken here"),
    "invalid": (422, "The request is wrong"),
    "empty_file": (422, "The file is empty"),
    "version_missing": (428, "If-Match is missing"),
    "internal": (500, "The service failed"),
    "store_unavailable": (503, "The graph does not answer"),
    "not_ready": (503, "The service is not ready"),
}
_FROM_STATUS: Final = {
    400: "malformed_body", 403: "forbidden", 404: "not_found", 405: "method_not_allowed", 413: "too_large",
    415: "unsupported_content_type", 422: "invalid",
}  # fmt: skip


_WITHOUT_HEADER: Final = {
    "redthread-actor": ("actor_missing", "say who acts in header Redthread-Actor"),
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


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RedthreadError)
    code = code_of(error)
    if code == "internal":
        raise error
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
