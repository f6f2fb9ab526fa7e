"""Schemathesis reads the OpenAPI document and asks the real service what it may ask, and what it may not.

Whatever it draws: no failure of ours, and no status, content type, header or body that the document does not tell.
"""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from graph.actions.decide.erase import do_erase
from graph.actions.read.search import Question, ask_with_faces
from graph.domain import audit, ids
from graph.store.session import Store
from tests.integration.conftest import HEADERS, entries
from tests.integration.test_api_process import environment, running
from tests.support.access import access_of
from tests.support.factories import ANNA, NORTH, NOW, SUE, two_cases
from tests.support.harness import new_store

pytestmark = pytest.mark.anyio
EXAMPLES = 4
"""Requests drawn for each route and mode: enough to meet every refusal, few enough for every run of the suite."""
FRAMING = {"transfer-encoding", "content-length", "connection"}
"""Drawn at random they make no HTTP of a request, which the document does not describe."""
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


def operations(document: dict[str, Any]) -> Iterator[Any]:
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        yield found.ok()


def use(case: Any, known: dict[str, str]) -> None:
    """Puts ids and a version that exist into the places that have these names."""
    for place in (case.path_parameters, case.query, case.headers, case.body):
        if isinstance(place, Mapping):
            for name in set(place) & known.keys():
                place[name] = known[name]  # type: ignore[index]


def asked(url: str, document: dict[str, Any], known: dict[str, str]) -> tuple[set[int], dict[str, str]]:
    """The statuses met, and what was found wrong by route; asked with ids that are drawn and with ids that exist."""
    met: set[int] = set()
    wrong: dict[str, str] = {}
    session = requests.Session()
    for operation in operations(document):
        drawn = [operation.as_strategy(mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)]

        @settings(
            max_examples=2 * EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=st.one_of(*drawn), exists=st.booleans())
        def ask(case: Any, exists: bool) -> None:
            if exists:
                use(case, known)
            for name in [name for name in case.headers or () if name.lower() in FRAMING]:
                del case.headers[name]
            answer = case.call_and_validate(base_url=url, session=session, headers=HEADERS, checks=CHECKS)
            met.add(answer.status_code)

        try:
            ask()
        except Exception as failure:  # noqa: BLE001 - whatever is wrong, the other routes are asked too
            wrong[operation.label] = str(failure)[:2000]
    return met, wrong


async def test_whatever_is_drawn_from_the_document_the_service_answers_as_the_document_says(
    stack: Any, store: Store, tmp_path: Path
) -> None:
    scene = await two_cases(store, new_store(tmp_path))
    await scene.depicts("n1", "v1")
    await scene.media("gone", NORTH)
    question = Question(NORTH, "victim identification", "test", "register")
    known = {
        "case_id": NORTH,
        "from_case": NORTH,
        "to_case": await scene.case("local:second"),
        "If-Match": '"0"',
        "media_id": ids.media_id(b"n"),
        "face_id": scene.faces["n1"],
        "victim_id": "v1",
        "link_id": await scene.link("n1", "s1"),
        "search_id": await ask_with_faces(access_of(store, ANNA, NOW), question, [scene.faces["n1"]]),
        "erasure_id": await do_erase(access_of(store, SUE, NOW), "media_id", ids.media_id(b"gone"), "review"),
    }
    async with (
        running(environment(stack, tmp_path), tmp_path / "api.log") as service,
        httpx.AsyncClient(base_url=service.url, timeout=60) as client,
    ):
        document = (await client.get("/openapi.json")).json()
        met, wrong = await asyncio.to_thread(asked, service.url, document, known)

    assert wrong == {}
    assert met >= {200, 403, 404, 422}
    assert audit.first_fault(await entries(store)) is None
