"""The queue over HTTP: claims, pages, refusals, and a claim as the purpose of a look."""

import httpx
import pytest

from graph.domain.people import Person
from tests.integration.conftest import entries
from tests.support.factories import ANNA, NORTH, SUE, Scene
from tests.support.signed_in import as_

pytestmark = pytest.mark.anyio


async def test_a_claim_shows_its_links_without_score_and_its_purpose_covers_looks(
    api: httpx.AsyncClient, scene: Scene
) -> None:
    answer = await api.post("/queue/claims", json={"filters": {"case_id": NORTH}, "n": 2})

    body = answer.json()
    [item] = body["items"]
    assert (answer.status_code, body["next"], item["status"], item["urgency"]) == (201, None, "claimed", "routine")
    assert "0.52" not in answer.text
    assert item["links"][0]["score"] is None
    look = await api.get(f"/faces/{scene.faces['n1']}/crop", headers={"Redthread-Purpose": item["claim"]["purpose"]})
    assert look.status_code == 200
    [_, seen] = await entries(scene.store)
    assert (seen.action, seen.purpose) == ("face.seen", item["claim"]["purpose"])


async def test_the_claim_of_another_person_or_one_that_ended_is_no_purpose(
    api: httpx.AsyncClient, scene: Scene
) -> None:
    claim = (await api.post("/queue/claims", json={})).json()["items"][0]["claim"]
    crop, purpose = f"/faces/{scene.faces['n1']}/crop", {"Redthread-Purpose": claim["purpose"]}

    others = await api.get(crop, headers=purpose | as_(Person("otto@north", ANNA.roles, "north")))
    skipped = await api.post(f"/queue/claims/{claim['claim_id']}/skips")
    ended = await api.get(crop, headers=purpose)

    assert (others.status_code, others.json()["code"]) == (409, "claim_expired")
    assert (skipped.status_code, skipped.json()["claim_id"]) == (201, claim["claim_id"])
    assert (ended.status_code, ended.json()["code"]) == (409, "claim_expired")


async def test_the_queue_shows_open_claims_first_and_a_renewal_keeps_them(api: httpx.AsyncClient, scene: Scene) -> None:
    claim = (await api.post("/queue/claims", json={})).json()["items"][0]["claim"]
    await scene.media("d", NORTH, faces=["d1"], urgency="danger_now")
    await scene.link("d1", "s1")

    renewed = await api.post(f"/queue/claims/{claim['claim_id']}/renewals")
    first, second = (await api.get("/queue")).json()["items"]

    assert renewed.status_code == 201
    assert (first["status"], first["claim"]) == ("claimed", renewed.json())
    assert (second["status"], second["urgency"]) == ("waiting", "danger_now")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/queue/claims", {"n": 0}, 422, "invalid"),
        ("POST", "/queue/claims", {"n": 11}, 422, "invalid"),
        ("POST", "/queue/claims", {"filters": {"score": 0.9}}, 422, "invalid"),
        ("POST", "/queue/claims", {"filters": {"submitted_before": "2026-11-20T10:00:00"}}, 422, "invalid"),
        ("POST", "/queue/claims", {"after": "nowhere"}, 422, "invalid"),
        ("POST", "/queue/claims/nobodys/skips", None, 409, "claim_expired"),
        ("POST", "/queue/claims/nobodys/renewals", None, 409, "claim_expired"),
        ("GET", "/queue?after=nowhere", None, 422, "invalid"),
        ("GET", "/queue?order=score", None, 422, "invalid"),
        ("GET", "/approvals?limit=0", None, 422, "invalid"),
    ],
)
async def test_what_is_asked_wrongly_is_refused(
    api: httpx.AsyncClient, scene: Scene, method: str, path: str, body: object, status: int, code: str
) -> None:
    who = as_(SUE) if path.startswith("/approvals") else {}
    answer = await api.request(method, path, json=body, headers=who)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_look_at_the_queue_needs_a_purpose(api: httpx.AsyncClient, scene: Scene) -> None:
    del api.headers["Redthread-Purpose"]

    for path in ("/queue", "/approvals"):
        answer = await api.get(path)
        assert (answer.status_code, answer.json()["code"]) == (403, "purpose_missing")
