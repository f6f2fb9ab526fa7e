"""One table from error code to status."""

import json

import pytest

from api.errors import STATUS, code_of, problem
from graph.domain.errors import Conflict, Forbidden, Invalid, NotFound, RedthreadError, StoreUnavailable


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Conflict("x", code="stale_version"), "stale_version"),
        (Conflict("x", code="some_new_code"), "conflict"),
        (NotFound("x"), "not_found"),
        (Forbidden("x", code="purpose_missing"), "purpose_missing"),
        (Invalid("x"), "invalid"),
        (StoreUnavailable("x"), "store_unavailable"),
        (RedthreadError("x"), "internal"),
    ],
)
def test_an_error_has_its_own_row_or_that_of_its_class(error: RedthreadError, code: str) -> None:
    assert code_of(error) == code


def test_every_code_is_answered_with_its_status_type_and_title() -> None:
    for code, (status, title) in STATUS.items():
        answer = problem(code, "what happened")
        body = json.loads(bytes(answer.body))
        assert (answer.status_code, answer.media_type) == (status, "application/problem+json")
        assert body == {
            "type": f"urn:redthread:problem:{code}",
            "title": title,
            "status": status,
            "detail": "what happened",
            "code": code,
        }
        assert ("retry-after" in answer.headers) == (status == 503)
