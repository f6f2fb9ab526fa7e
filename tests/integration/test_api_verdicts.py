"""Judging links over HTTP: versions, refusals, and what stays hidden until then."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest

from graph.domain.people import Person
from graph.store.session import Store
from tests.integration.conftest import deeds, entries
from tests.support.factories import ANNA, BEN
from tests.support.signed_in import as_

pytestmark = pytest.mark.anyio

YES = {"decision": "confirmed", "reasons": ["ears", "against:hair"], "text": "same scar"}


async def judge(
    api: httpx.AsyncClient, link_id: str, version: str | None, body: Any = YES, who: Person = ANNA
) -> httpx.Response:
    headers = as_(who) | ({} if version is None else {"If-Match": version})
    return await api.post(f"/links/{link_id}/verdicts", json=body, headers=headers)


async def test_a_verdict_answers_with_the_new_state_and_version_and_shows_the_score(
    api: httpx.AsyncClient, link_id: str
) -> None:
    etag = (await api.get(f"/links/{link_id}")).headers["etag"]
    answer = await judge(api, link_id, etag)

    link = answer.json()
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    assert (link["state"], link["version"], link["score"]) == ("confirmed", 1, 0.52)
    assert link["history"][0]["text"] == "same scar"
    assert (await api.get(f"/links/{link_id}")).json() == link


async def test_others_see_neither_score_nor_reasons_until_they_have_judged(
    api: httpx.AsyncClient, link_id: str
) -> None:
    await judge(api, link_id, '"0"', {"decision": "unsure", "text": "the light"})
    ben = as_(BEN)

    blind = (await api.get(f"/links/{link_id}", headers=ben)).json()
    after = (await judge(api, link_id, '"1"', who=BEN)).json()

    assert (blind["score"], blind["history"]) == (None, [])
    assert after["score"] == 0.52
    assert [past["text"] for past in after["history"]] == ["the light", "same scar"]


async def test_who_is_to_approve_reads_who_confirmed_but_not_why(api: httpx.AsyncClient, link_id: str) -> None:
    await judge(api, link_id, '"0"')

    link = (await api.get(f"/links/{link_id}", headers=as_(BEN))).json()

    [past] = link["history"]
    assert (past["by"], past["decision"], past["reasons"], past["text"]) == (
        "investigator of north",
        "confirmed",
        None,
        None,
    )
    assert link["score"] is None


VERSIONS = [
    (None, 428, "version_missing"),
    ("0", 400, "malformed_version"),
    ("*", 400, "malformed_version"),
    ('W/"0"', 400, "malformed_version"),
    ('"0", "1"', 400, "malformed_version"),
    ('"-1"', 400, "malformed_version"),
    ('"99999999999999999999"', 400, "malformed_version"),
    ('"7"', 409, "stale_version"),
]


async def test_a_verdict_names_the_one_version_that_was_seen(
    api: httpx.AsyncClient, store: Store, link_id: str, subtests: pytest.Subtests
) -> None:
    for version, status, code in VERSIONS:
        with subtests.test(version=version):
            answer = await judge(api, link_id, version)

            assert (answer.status_code, answer.json()["code"]) == (status, code)
            assert answer.headers["content-type"] == "application/problem+json"
    assert await deeds(store) == []


async def test_a_stale_verdict_is_answered_with_the_other_persons_decision(
    api: httpx.AsyncClient, link_id: str
) -> None:
    first, second = await asyncio.gather(
        judge(api, link_id, '"0"', who=ANNA), judge(api, link_id, '"0"', {"decision": "dismissed"}, who=BEN)
    )

    won, lost = sorted((first, second), key=lambda answer: answer.status_code)
    assert (won.status_code, lost.status_code) == (201, 409)
    current = lost.json()["current"]
    past = won.json()["history"][0]
    assert current == {
        "link_id": link_id,
        "state": past["decision"],
        "version": 1,
        "by": "investigator of " + past["by"].partition("@")[2],
        **{key: past[key] for key in ("at", "decision")},
    }


WRONG: list[Any] = [
    {},
    [],
    None,
    "confirmed",
    {"decision": "approved"},
    {"decision": "candidate"},
    {"decision": "confirmed", "reasons": []},
    {"decision": "confirmed", "reasons": ["against:ears"]},
    {"decision": "dismissed", "reasons": ["secret-payload"]},
    {"decision": "dismissed", "secret-payload": 1},
    {"decision": "dismissed", "text": {"secret-payload": 1}},
    {"decision": "dismissed", "text": "secret-payload" * 1000},
    {"decision": "dismissed", "score": 0.99},
]


async def test_a_wrong_body_is_refused_without_an_echo(
    api: httpx.AsyncClient, store: Store, link_id: str, subtests: pytest.Subtests
) -> None:
    for number, body in enumerate(WRONG):
        with subtests.test(number=number):
            answer = await judge(api, link_id, '"0"', body)

            assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
            assert answer.json()["type"] == "urn:redthread:problem:invalid"
            assert "secret-payload" not in answer.text
    assert await entries(store) == []


async def test_half_a_surrogate_is_no_text(api: httpx.AsyncClient, link_id: str) -> None:
    answer = await api.post(
        f"/links/{link_id}/verdicts",
        content=b'{"decision": "dismissed", "text": "\\ud800"}',
        headers={"If-Match": '"0"', "Content-Type": "application/json"},
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_nobody_judges_without_a_name(api: httpx.AsyncClient, link_id: str) -> None:
    for actor in ("", "two words", "<script>"):
        answer = await judge(api, link_id, '"0"', who=replace(ANNA, actor=actor))
        assert (answer.status_code, answer.json()["code"]) == (403, "actor_missing")
