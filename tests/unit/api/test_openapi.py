"""The OpenAPI document tells every route whole: what it takes, what it refuses, with examples that are true."""

import json
import re
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import BaseModel

from api.app import build_app
from api.errors import STATUS, Problem
from api.routes.answers import SearchOut
from api.routes.audit import ProvedOut
from api.wire import LinkDetailOut, LinkOut, WireIn, WireOut


@asynccontextmanager
async def no_services() -> Any:
    yield None


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return build_app(no_services, upload_limit=1, version="test").openapi()


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_it_has_the_paths_that_callers_rely_on(document: dict[str, Any]) -> None:
    assert {name for name, _ in operations(document)} >= {
        "GET /healthz",
        "GET /readyz",
        "GET /cases/{case_id}/graph",
        "GET /links",
        "GET /links/{link_id}",
        "POST /links/{link_id}/verdicts",
        "GET /faces/{face_id}/crop",
        "POST /searches",
        "GET /searches/{search_id}",
        "GET /searches",
        "GET /searches/{search_id}/unjudged",
        "DELETE /searches/{search_id}",
        "POST /links",
        "POST /acts",
        "POST /acts/preview",
        "POST /acts/{act_id}/reopenings",
        "POST /links/{link_id}/reopenings",
        "POST /links/{link_id}/approvals",
        "POST /victims/{victim_id}/identifications",
        "POST /identifications/{identification_id}/approvals",
        "GET /audit",
        "GET /audit/verification",
        "GET /quarantine",
        "POST /quarantine/{quarantine_id}/replays",
        "GET /approvals",
        "GET /queue",
        "POST /queue/claims",
        "POST /queue/claims/{claim_id}/skips",
        "POST /queue/claims/{claim_id}/renewals",
        "GET /cases/{case_id}",
        "GET /cases/{case_id}/media",
        "GET /media/{media_id}",
        "GET /media/{media_id}/faces",
        "POST /media/{media_id}/faces",
        "GET /victims/{victim_id}",
        "GET /paths",
        "POST /media",
        "GET /faces/{face_id}/similar",
        "GET /faces/{face_id}/labels",
        "POST /faces/{face_id}/labels",
        "POST /erasures",
        "GET /erasures/{erasure_id}",
    }


def test_every_refusal_is_a_problem_with_an_example_under_its_own_status(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        refusals = {status: answer for status, answer in operation["responses"].items() if int(status) >= 400}
        assert "500" in refusals, name
        for status, answer in refusals.items():
            [(media_type, content)] = answer["content"].items()
            assert media_type == "application/problem+json", name
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            for code, example in content["examples"].items():
                assert STATUS[code][0] == int(status) == example["value"]["status"]
                Problem.model_validate(example["value"])


def test_every_route_on_peoples_data_requires_a_token_and_every_look_a_purpose(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        required = {item["name"] for item in operation.get("parameters", []) if item["required"]}
        if not name.endswith("z"):
            assert operation["security"] == [{"bearer": []}], name
            assert {"401", "403"} <= set(operation["responses"]), name
            refusal = operation["responses"]["401"]
            assert "WWW-Authenticate" in refusal["headers"]
            assert set(refusal["content"]["application/problem+json"]["examples"]) == {"token_missing", "token_invalid"}
            # Metrics tell of no person and no case: a look at them needs no purpose.
            assert name.startswith(("POST", "DELETE")) or name == "GET /metrics" or "Redthread-Purpose" in required, (
                name
            )


def test_the_scheme_is_a_bearer_token_and_health_needs_none(document: dict[str, Any]) -> None:
    scheme = document["components"]["securitySchemes"]["bearer"]
    assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == ("http", "bearer", "JWT")
    closed = {name for name, operation in operations(document) if "security" in operation}
    assert {name for name, _ in operations(document)} - closed == {"GET /healthz", "GET /readyz"}


def test_every_operation_says_in_a_sentence_what_it_does(document: dict[str, Any]) -> None:
    assert all(operation["description"].rstrip().endswith((".", ".*")) for _, operation in operations(document))


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    known = document["components"]["schemas"]
    assert set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document))) <= set(known)
    assert "HTTPValidationError" not in known


def models(base: type[BaseModel]) -> list[type[BaseModel]]:
    return [base, *(model for child in base.__subclasses__() for model in models(child))]


def examples(model: type[BaseModel]) -> list[Any]:
    extra: Any = model.model_config.get("json_schema_extra", {})
    return extra.get("examples", [])


@pytest.mark.parametrize("model", [*models(WireIn), *models(WireOut)], ids=lambda model: model.__name__)
def test_examples_are_what_their_models_say(model: type[BaseModel]) -> None:
    for example in examples(model):
        sent = dict(example)
        if model is ProvedOut:
            sent |= {"first": sent.pop("from"), "last": sent.pop("to")}
        assert model.model_validate(sent).model_dump(mode="json", by_alias=True) == example


def test_the_examples_tell_no_score_of_a_link_that_is_not_judged() -> None:
    assert [link["score"] for link in examples(LinkOut)] == [None]
    assert all(link["score"] is not None for link in examples(LinkDetailOut))
    assert "score" not in json.dumps(examples(SearchOut))


def test_every_text_that_callers_send_has_its_limit(document: dict[str, Any]) -> None:
    """A case id of 9,000 characters reached the audit's index, which failed, and with it everybody's looks."""
    schemas = document["components"]["schemas"]

    def endless(schema: dict[str, Any], where: str) -> list[str]:
        if "$ref" in schema:
            return endless(schemas[schema["$ref"].rpartition("/")[2]], where)
        found: list[str] = []
        for name in ("anyOf", "oneOf", "allOf"):
            found += [item for part in schema.get(name, ()) for item in endless(part, where)]
        for name, part in schema.get("properties", {}).items():
            found += endless(part, f"{where} {name}")
        if isinstance(schema.get("items"), dict):
            found += endless(schema["items"], where)
        if isinstance(schema.get("additionalProperties"), dict):
            found += endless(schema["additionalProperties"], where)
        bounds = ("maxLength", "pattern", "enum", "const")
        free = schema.get("type") == "string" and not any(bound in schema for bound in bounds)
        return [*found, where] if free and schema.get("format") not in ("binary", "date-time") else found

    without: list[str] = []
    for name, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            if parameter["in"] != "header":  # a purpose and a version have checks of their own
                without += endless(parameter["schema"], f"{name} {parameter['name']}")
        for content in operation.get("requestBody", {}).get("content", {}).values():
            without += endless(content["schema"], f"{name} body")
    assert without == []
