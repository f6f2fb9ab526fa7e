"""Reading links, cases and faces over HTTP."""

from urllib.parse import quote

import httpx
import pytest

from graph.store.session import Store
from tests.integration.conftest import deeds
from tests.support.factories import BEN, NORTH, SOUTH, Scene
from tests.support.signed_in import as_

pytestmark = pytest.mark.anyio


async def test_the_list_holds_candidates_only_unless_leads_are_asked_for(api: httpx.AsyncClient, scene: Scene) -> None:
    candidates = (await api.get("/links")).json()
    leads = (await api.get("/links", params={"state": "lead"})).json()

    assert [link["state"] for link in candidates["items"]] == ["candidate"]
    assert [link["state"] for link in leads["items"]] == ["lead"]
    assert candidates["next"] is None


async def test_a_link_has_two_sides_with_box_and_cases_and_no_score_before_a_verdict(
    api: httpx.AsyncClient, scene: Scene
) -> None:
    [link] = (await api.get("/links")).json()["items"]

    assert [link[name] for name in ("score", "band", "model_id", "threshold")] == [None] * 4
    sides = {link[side]["face_id"]: link[side] for side in "ab"}
    assert sides[scene.faces["n1"]]["case_ids"] == [NORTH]
    assert sides[scene.faces["n1"]]["contact"] == "duty desk north"
    assert sides[scene.faces["n1"]]["box"] == [10, 20, 60, 80]
    assert sides[scene.faces["s1"]] == {
        "face_id": scene.faces["s1"],
        "media_id": None,
        "case_ids": [],
        "box": None,
        "quality": None,
        "erased": False,
        "district": "south",
        "contact": None,
        "more_similar": None,
    }


async def test_no_answer_to_a_reader_holds_a_score(api: httpx.AsyncClient, scene: Scene) -> None:
    link_id = (await api.get("/links")).json()["items"][0]["link_id"]
    for path in ("/links", f"/links/{link_id}", f"/cases/{quote(NORTH, safe='')}/graph?leads=true"):
        text = (await api.get(path)).text
        assert "0.52" not in text
        assert "0.37" not in text


async def test_pages_follow_the_link_id_and_lose_nothing(api: httpx.AsyncClient, scene: Scene) -> None:
    for number in range(5):
        await scene.media(f"more{number}", NORTH, faces=[f"more{number}"])
        await scene.link(f"more{number}", "s1", score=0.9 - number / 10)
    seen: list[str] = []
    after = ""
    while True:
        page = (await api.get("/links", params={"limit": 2, "after": after})).json()
        seen += [link["link_id"] for link in page["items"]]
        if page["next"] is None:
            break
        after = page["next"]

    assert len(seen) == 6
    assert seen == sorted(set(seen))
    by_case = (await api.get("/links", params={"limit": 200, "case_id": NORTH})).json()["items"]
    assert [link["link_id"] for link in by_case] == seen


async def test_a_case_is_a_graph_of_media_faces_links_and_linked_cases(api: httpx.AsyncClient, scene: Scene) -> None:
    await scene.media("both", NORTH, SOUTH, faces=["x"])

    graph = (await api.get(f"/cases/{quote(NORTH, safe='')}/graph")).json()

    assert graph["case"]["case_id"] == NORTH
    assert len(graph["media"]) == 2
    assert {face["face_id"] for face in graph["faces"]} == {scene.faces[name] for name in ("n1", "n2", "x")}
    assert [link["state"] for link in graph["links"]] == ["candidate"]
    assert graph["cases"] == [
        {"case_id": None, "district": "south", "contact": None, "links": {"candidate": 1}, "shared_media": 1}
    ]
    assert quote(SOUTH) not in str(graph) and SOUTH not in str(graph)


async def test_a_case_shows_its_leads_on_request(api: httpx.AsyncClient, scene: Scene) -> None:
    graph = (await api.get(f"/cases/{quote(NORTH, safe='')}/graph", params={"leads": "true"})).json()

    assert sorted(link["state"] for link in graph["links"]) == ["candidate", "lead"]
    assert graph["cases"][0]["links"] == {"candidate": 1, "lead": 1}


async def test_a_case_id_with_slash_and_space_is_found(api: httpx.AsyncClient, scene: Scene) -> None:
    answer = await api.get(f"/cases/{quote(SOUTH, safe='')}/graph", headers=as_(BEN))

    assert answer.status_code == 200
    assert answer.json()["case"]["case_id"] == SOUTH


async def test_a_crop_is_a_jpeg_that_no_cache_keeps(api: httpx.AsyncClient, scene: Scene) -> None:
    answer = await api.get(f"/faces/{scene.faces['n1']}/crop")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "no-store, private"
    assert answer.content.startswith(b"\xff\xd8")


async def test_an_erased_face_has_no_crop(api: httpx.AsyncClient, scene: Scene, store: Store) -> None:
    await store.statement("MATCH (f:Face) SET f = {face_id: f.face_id, stub: true}")

    answer = await api.get(f"/faces/{scene.faces['n1']}/crop")

    assert (answer.status_code, answer.json()["code"]) == (404, "file_gone")
    [link] = (await api.get("/links")).json()["items"]
    assert link["a"]["box"] is None


async def test_what_does_not_exist_is_a_404_and_no_look(
    api: httpx.AsyncClient, store: Store, subtests: pytest.Subtests
) -> None:
    for path in ("/links/unknown", "/cases/local:none/graph", "/faces/unknown/crop", "/searches/none"):
        with subtests.test(path=path):
            answer = await api.get(path)

            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert await deeds(store) == []
