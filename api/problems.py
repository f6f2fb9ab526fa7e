"""How OpenAPI tells which refusals a route knows: one example for each code, grouped by status."""

from __future__ import annotations

from typing import Any

from api.errors import CHALLENGES, MEDIA_TYPE, STATUS
from api.wire import Problem

EVERYWHERE = ("host_refused", "internal")
GRAPH = ("store_unavailable",)
FILES = ("media_store_unavailable",)
SIGNED_IN = ("token_missing", "token_invalid", "role_missing", "actor_missing", "sign_in_unavailable")
ACTING = ("forbidden", "invalid", *SIGNED_IN, *GRAPH)
LOOKING = ("purpose_missing", "not_found", "claim_expired", *ACTING)
CONFLICTS = ("stale_version", "already_decided", "contradiction")
BODY = ("malformed_body", "too_large")


def problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """FastAPI's `responses` for the refusals `codes` and those that every route knows."""
    answers: dict[int | str, dict[str, Any]] = {}
    for code in dict.fromkeys((*codes, *EVERYWHERE)):
        status, title = STATUS[code]
        answer = answers.setdefault(
            status, {"description": "", "content": {MEDIA_TYPE: {"schema": _schema(), "examples": {}}}}
        )
        if status == 401:
            challenge = {"description": "how to sign in (RFC 6750)", "schema": {"type": "string"}}
            answer["headers"] = {"WWW-Authenticate": {**challenge, "example": CHALLENGES["token_missing"]}}
        answer["description"] = "; ".join(filter(None, (answer["description"], f"`{code}`: {title}")))
        answer["content"][MEDIA_TYPE]["examples"][code] = {
            "value": {
                "type": f"urn:redthread:problem:{code}", "title": title, "status": status,
                "detail": title.lower(), "code": code,
            }
        }  # fmt: skip
    return answers


def _schema() -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{Problem.__name__}"}
