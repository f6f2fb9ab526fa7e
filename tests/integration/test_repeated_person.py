"""A picture that shows the same person more than once: stated, needed for a second confirmation, taken back."""

from typing import Any

import httpx
import pytest

from graph.actions.decide.repeated_person import Statement, do_statement
from graph.domain.errors import Invalid
from graph.domain.repeated_person import RepeatedPerson
from graph.store.migrate import migrations
from graph.store.session import Store
from tests.integration.conftest import deeds
from tests.support.access import access_of
from tests.support.factories import ANNA, BEN, NORTH, NOW, SOUTH, SUE, Scene
from tests.support.signed_in import as_

pytestmark = pytest.mark.anyio
CONFIRM = {"decision": "confirmed", "reasons": ["ears"]}


async def confirm(api: httpx.AsyncClient, scene: Scene, link_id: str, version: int = 0) -> httpx.Response:
    body = {**CONFIRM, "faces": sorted(scene.faces.values())}
    return await api.post(f"/links/{link_id}/verdicts", json=body, headers={"If-Match": f'"{version}"'})


async def state(api: httpx.AsyncClient, media_id: str, kind: str | None, version: int = 0) -> httpx.Response:
    body = {"repeated_person": kind, "reason": "a collage of two photos"}
    return await api.post(f"/media/{media_id}/repeated-person", json=body, headers={"If-Match": f'"{version}"'})


async def test_a_statement_without_a_visible_reason_is_refused(scene: Scene) -> None:
    media_id, _ = await collage(scene)
    blank = Statement(media_id, 0, RepeatedPerson.MIRROR, "\u200b")
    with pytest.raises(Invalid):
        await do_statement(access_of(scene.store, ANNA, NOW), blank)


async def collage(scene: Scene) -> tuple[str, list[str]]:
    """A collage with two faces, and their links to the single picture of the person in another case."""
    second = await scene.case("local:second")
    await scene.media("single", second, faces=["single"])
    media_id = await scene.media("collage", NORTH, faces=["left", "right"])
    return media_id, [await scene.link(name, "single") for name in ("left", "right")]


async def test_both_faces_of_a_collage_are_confirmed_once_a_person_has_stated_it(
    api: httpx.AsyncClient, scene: Scene
) -> None:
    media_id, (left, right) = await collage(scene)
    assert (await confirm(api, scene, left)).status_code == 201

    refused = await confirm(api, scene, right)
    assert (refused.status_code, refused.json()["code"]) == (409, "contradiction")
    assert refused.json()["current"]["media_id"] == media_id, "the picture to state it of"

    stated = await state(api, media_id, "collage")
    assert (stated.status_code, stated.headers["etag"]) == (201, '"1"')
    assert (await api.get(f"/media/{media_id}")).json()["repeated_person"] == "collage"
    assert (await confirm(api, scene, right)).status_code == 201
    faces = (await api.get(f"/media/{media_id}/faces")).json()["items"]
    assert len({face["victim_id"] for face in faces}) == 1 and faces[0]["victim_id"] is not None


async def test_a_statement_is_taken_back_once_no_decision_rests_on_it(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    media_id, (left, right) = await collage(scene)
    await confirm(api, scene, left)
    await state(api, media_id, "mirror")
    await confirm(api, scene, right)

    refused = await state(api, media_id, None, 1)
    assert (refused.status_code, refused.json()["code"]) == (409, "contradiction")
    back = await api.post(f"/links/{right}/reopenings", json={"reason": "not sure"}, headers={"If-Match": '"1"'})
    assert back.status_code == 201
    assert (await state(api, media_id, None, 0)).json()["code"] == "stale_version"
    assert (await state(api, media_id, None, 1)).status_code == 201

    told = (await api.get(f"/media/{media_id}/repeated-person")).json()
    assert (told["repeated_person"], told["version"]) == (None, 2)
    assert [item["repeated_person"] for item in told["items"]] == ["mirror", None]
    assert (await confirm(api, scene, right, 2)).json()["code"] == "contradiction"
    assert [entry.action for entry in await deeds(store)].count("media.repetition_stated") == 2


async def test_who_made_a_statement_in_another_district_is_a_role_without_a_reason(
    api: httpx.AsyncClient, scene: Scene
) -> None:
    shared = await scene.media("shared", NORTH, SOUTH, faces=["one", "two"])
    await state(api, shared, "picture_in_picture")
    told = (await api.get(f"/media/{shared}/repeated-person", headers=as_(BEN))).json()["items"]
    assert [(item["repeated_person"], item["reason"]) for item in told] == [("picture_in_picture", None)]
    assert "anna" not in told[0]["by"]


async def test_a_search_takes_two_faces_of_a_picture_that_shows_one_person_twice(
    api: httpx.AsyncClient, scene: Scene
) -> None:
    media_id, _ = await collage(scene)
    question: dict[str, Any] = {
        "case_id": NORTH,
        "purpose": "victim identification",
        "legal_basis": "StPO 98c",
        "in": "register",
        "faces": [scene.faces["left"], scene.faces["right"]],
    }
    assert (await api.post("/searches", json=question)).status_code == 422
    await state(api, media_id, "collage")
    assert (await api.post("/searches", json=question)).status_code == 202


async def make_and_take_back(api: httpx.AsyncClient, scene: Scene) -> str:
    await scene.media("x", NORTH, faces=["x1"])
    body = {"face_a": scene.faces["n1"], "face_b": scene.faces["x1"], "reasons": ["marks"]}
    made = (await api.post("/links", json=body)).json()
    assert made["state"] == "confirmed"
    path = f"/links/{made['link_id']}/reopenings"
    taken_back = await api.post(path, json={"reason": "not them"}, headers={"If-Match": '"1"'})
    assert taken_back.json()["state"] == "withdrawn"
    return str(made["link_id"])


async def proposed(api: httpx.AsyncClient) -> set[str]:
    """The faces of the candidates that await a verdict."""
    items = (await api.get("/links", params={"state": "candidate"})).json()["items"]
    return {item[side]["face_id"] for item in items for side in ("a", "b")}


async def test_a_link_that_its_maker_took_back_waits_in_no_queue_until_the_machine_proposes_it(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    link_id = await make_and_take_back(api, scene)
    assert scene.faces["x1"] not in await proposed(api)
    offered = (await api.get("/queue", headers=as_(BEN))).text + (await api.get("/queue")).text
    assert scene.faces["x1"] not in offered

    await scene.link("n1", "x1")
    assert scene.faces["x1"] in await proposed(api)
    confirmed = await confirm(api, scene, link_id, 2)
    assert confirmed.json()["state"] == "confirmed"
    path = f"/links/{link_id}/reopenings"
    again = await api.post(path, json={"reason": "not them"}, headers={"If-Match": '"3"'})
    assert again.json()["state"] == "candidate", "the machine's proposal stands without any act"


async def test_hand_made_links_of_an_older_release_are_withdrawn_once_taken_back(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    link_id = await make_and_take_back(api, scene)
    old = (
        "MATCH ()-[r:CANDIDATE {link_id: $link_id}]->() SET r.state = 'candidate' "
        "WITH r MATCH (v:Verdict {link_id: $link_id, state_then: 'withdrawn'}) SET v.state_then = 'candidate'"
    )
    await store.write(lambda tx: tx.do(old, link_id=link_id))
    [text] = [text for number, _, text in migrations() if number == 13]
    for _ in range(2):
        await store.statement(text.strip().removesuffix(";"))  # type: ignore[arg-type]

    assert (await api.get(f"/links/{link_id}")).json()["state"] == "withdrawn"
    machine = (await api.get("/links", params={"state": "candidate"})).json()["items"]
    assert len(machine) == 1, "a candidate of the machine stays one"
    assert (await confirm(api, scene, link_id, 2)).json()["state"] == "confirmed"
    path = f"/links/{link_id}/reopenings"
    again = await api.post(path, json={"reason": "not them"}, headers={"If-Match": '"3"'})
    assert again.json()["state"] == "withdrawn"


async def test_a_hand_made_link_that_the_machine_has_as_a_lead_is_one_once_taken_back(
    api: httpx.AsyncClient, scene: Scene
) -> None:
    """It became a candidate, so the machine's lead was handed to everybody."""
    await scene.media("x", NORTH, faces=["x1"])
    body = {"face_a": scene.faces["n1"], "face_b": scene.faces["x1"], "reasons": ["marks"]}
    made = (await api.post("/links", json=body)).json()
    await scene.link("n1", "x1", state="lead", score=0.3)

    path = f"/links/{made['link_id']}/reopenings"
    taken_back = await api.post(path, json={"reason": "not them"}, headers={"If-Match": '"1"'})

    assert taken_back.json()["state"] == "lead"
    assert scene.faces["x1"] not in await proposed(api)


async def test_of_two_confirmations_that_need_a_statement_one_is_approved_once_that_is_taken_back(
    api: httpx.AsyncClient, scene: Scene
) -> None:
    """A confirmation of two registered people joins nothing before its approval, so it does not keep the statement."""
    media_id, (left, right) = await collage(scene)
    await state(api, media_id, "collage")
    assert (await confirm(api, scene, left)).status_code == 201
    await scene.depicts("left", "local:one")
    await scene.depicts("right", "local:two")
    assert (await confirm(api, scene, right)).status_code == 201, "it is pending"

    taken_back = await state(api, media_id, None, 1)
    body = {"decision": "approved", "faces": sorted(scene.faces.values())}
    headers = {"If-Match": '"1"', **as_(SUE)}
    approved = [await api.post(f"/links/{link}/approvals", json=body, headers=headers) for link in (right, left)]

    assert taken_back.status_code == 201
    assert [answer.status_code for answer in approved] == [201, 409]
    assert approved[1].json()["code"] == "contradiction"
    assert (await api.get(f"/media/{media_id}")).json()["repeated_person"] is None
