"""What is decided was shown: a face that came to a victim since makes a sheet stale, whoever decides and how."""

from typing import Any

import httpx
import pytest

from graph.actions.decide.decision import Judgement
from graph.actions.decide.verdicts import do_verdict
from graph.domain.link import Decision
from graph.domain.people import Person, Role
from graph.domain.victim import formed_id
from graph.store.session import Store
from tests.support.access import access_of
from tests.support.factories import BEN, NORTH, NOW, SUE, Scene, every_face
from tests.support.signed_in import as_

pytestmark = pytest.mark.anyio
CARL = Person("carl@north", frozenset({Role.INVESTIGATOR}), "north")
CONFIRMED = {"decision": "confirmed", "reasons": ["ears"]}


@pytest.fixture
async def victim(scene: Scene) -> Scene:
    """A victim of two faces of the north, v1 and v2, a face `late` that may join it, and a candidate `new`-v1."""
    for called in ("v1", "v2", "late", "new"):
        await scene.media(called, NORTH, faces=[called])
    await confirm(scene, "v1", "v2")
    await scene.link("new", "v1")
    return scene


async def confirm(scene: Scene, a: str, b: str, by: Person = CARL) -> str:
    """Somebody else confirms that the two are one person."""
    link_id = await scene.link(a, b)
    said = Judgement(link_id, 0, Decision.CONFIRMED, ("ears",), "", await every_face(scene.store))
    await do_verdict(access_of(scene.store, by, NOW), said)
    return link_id


def refusal(answer: httpx.Response) -> tuple[int, str, Any]:
    body = answer.json()
    return answer.status_code, body["code"], (body.get("current") or {}).get("faces")


async def item(api: httpx.AsyncClient, scene: Scene) -> dict[str, Any]:
    """The sheet of `new` against the victim."""
    link_id = await scene.link("new", "v1")
    items = (await api.get("/queue")).json()["items"]
    return next(item for item in items if link_id in [link["link_id"] for link in item["links"]])


async def test_an_act_names_the_faces_that_its_sheet_showed(api: httpx.AsyncClient, victim: Scene) -> None:
    """A face that was joined to the victim between preview and act went into it unseen: five times of five."""
    sheet = await item(api, victim)
    shown = [face for unit in sheet["units"] for face in unit["face_ids"]]
    assert set(shown) == {victim.faces[called] for called in ("new", "v1", "v2")}
    links = [{"link_id": link["link_id"], "version": link["version"]} for link in sheet["links"]]
    said = {"links": links, "faces": shown, **CONFIRMED}
    assert (await api.post("/acts/preview", json=said)).status_code == 200

    await confirm(victim, "v2", "late")
    late = [victim.faces["late"]]
    assert refusal(await api.post("/acts", json=said)) == (409, "stale_version", late)
    assert refusal(await api.post("/acts/preview", json=said)) == (409, "stale_version", late)
    unsaid = {name: value for name, value in said.items() if name != "faces"}
    assert refusal(await api.post("/acts", json=unsaid)) == (428, "version_missing", None)

    again = [face for unit in (await item(api, victim))["units"] for face in unit["face_ids"]]
    assert set(again) == {*shown, *late}
    assert (await api.post("/acts", json={**said, "faces": again})).status_code == 201


async def test_a_verdict_names_the_faces_of_the_victims_that_it_joins(api: httpx.AsyncClient, victim: Scene) -> None:
    link_id = await victim.link("new", "v1")
    shown = (await api.get(f"/links/{link_id}")).json()["face_ids"]
    await confirm(victim, "v2", "late")

    async def judge(**said: Any) -> httpx.Response:
        return await api.post(f"/links/{link_id}/verdicts", json={**CONFIRMED, **said}, headers={"If-Match": '"0"'})

    assert refusal(await judge()) == (428, "version_missing", None)
    assert refusal(await judge(faces=shown)) == (409, "stale_version", [victim.faces["late"]])
    assert (await judge(faces=[*shown, victim.faces["late"]])).status_code == 201


async def test_a_dismissal_or_an_unsure_joins_nobody_and_names_no_faces(api: httpx.AsyncClient, victim: Scene) -> None:
    link_id = await victim.link("new", "v1")
    answer = await api.post(f"/links/{link_id}/verdicts", json={"decision": "dismissed"}, headers={"If-Match": '"0"'})
    assert answer.status_code == 201


async def test_an_approval_names_the_faces_that_it_was_shown(
    api: httpx.AsyncClient, store: Store, victim: Scene
) -> None:
    link_id = await victim.link("v1", "v2")
    waiting = (await api.get("/approvals", headers=as_(SUE))).json()["items"]
    [one] = [item for item in waiting if link_id in [link["link_id"] for link in item["links"]]]
    assert set(one["face_ids"]) == {victim.faces["v1"], victim.faces["v2"]}
    await confirm(victim, "v2", "late")
    late, approved = [victim.faces["late"]], {"decision": "approved", "faces": one["face_ids"]}

    single = await api.post(f"/links/{link_id}/approvals", json=approved, headers={**as_(SUE), "If-Match": '"1"'})
    assert refusal(single) == (409, "stale_version", late)
    links = [{"link_id": link_id, "version": 1}]
    whole = f"/acts/{one['act_id']}/approvals"
    act = await api.post(whole, json={**approved, "links": links}, headers=as_(SUE))
    assert refusal(act) == (409, "stale_version", late)
    unsaid = await api.post(whole, json={"decision": "approved", "links": links}, headers=as_(SUE))
    assert refusal(unsaid) == (428, "version_missing", None)
    seen = {**approved, "links": links, "faces": one["face_ids"] + late}
    assert (await api.post(whole, json=seen, headers=as_(SUE))).status_code == 201


async def test_an_identification_and_its_approval_rest_on_the_faces_that_were_shown(
    api: httpx.AsyncClient, victim: Scene
) -> None:
    name = formed_id(await victim.link("v1", "v2"))
    sheets = (await api.get(f"/victims/{name}")).json()["cases"]
    shown = sorted({face["face_id"] for sheet in sheets for face in sheet["faces"]})
    said = {"person_ref": "north:person/77", "basis": "document", "reason": "passport", "faces": shown}
    place = f"/victims/{name}/identifications"
    unsaid = await api.post(place, json={**said, "faces": None})
    assert refusal(unsaid) == (428, "version_missing", None)
    stale = await api.post(place, json={**said, "faces": shown[:1]})
    assert refusal(stale) == (409, "stale_version", shown[1:])
    made = (await api.post(place, json=said)).json()

    await confirm(victim, "v2", "late")
    where = f"/identifications/{made['identification_id']}/approvals"
    headers = {**as_(SUE), "If-Match": '"0"'}
    late = [victim.faces["late"]]
    second = {"decision": "approved", "faces": shown}
    assert refusal(await api.post(where, json=second, headers=headers)) == (409, "stale_version", late)
    unsaid = await api.post(where, json={"decision": "approved"}, headers=headers)
    assert refusal(unsaid) == (428, "version_missing", None)
    waiting = (await api.get("/approvals", headers=as_(SUE))).json()["items"]
    [faces] = [item["face_ids"] for item in waiting if item["kind"] == "identification"]
    assert set(faces) == {*shown, *late}
    assert (await api.post(where, json={**second, "faces": faces}, headers=headers)).status_code == 201


async def test_a_face_that_the_reader_may_not_know_makes_no_view_stale(
    api: httpx.AsyncClient, store: Store, victim: Scene
) -> None:
    """What another district joins on its side is not the reader's to know: they are answered as if it had not."""
    link_id = await victim.link("new", "s1")
    shown = (await api.get(f"/links/{link_id}")).json()["face_ids"]
    await victim.media("s9", await victim.case("other:further", "south"), faces=["s9"])
    await confirm(victim, "s1", "s9", BEN)
    answer = await api.post(
        f"/links/{link_id}/verdicts", json={**CONFIRMED, "faces": shown}, headers={"If-Match": '"0"'}
    )
    assert answer.status_code == 201
