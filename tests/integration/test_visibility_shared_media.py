"""A picture in cases of two districts: what each may know of what the other said of it."""

import httpx
import pytest

from graph.actions.decide import label, mark
from graph.actions.decide.label import Labelling
from graph.actions.read.search import Question, ask_with_faces
from graph.domain.errors import Invalid
from graph.domain.people import Person
from graph.store.session import Store
from tests.support.access import access_of
from tests.support.factories import ANNA, BEN, NORTH, NOW, SOUTH, SUE, Scene
from tests.support.signed_in import as_

pytestmark = pytest.mark.anyio


@pytest.fixture
async def media_id(scene: Scene) -> str:
    return await scene.media("both", NORTH, SOUTH, faces=["both"])


async def say(store: Store, face_id: str, version: int, by: Person) -> None:
    said = Labelling(face_id, version, "witness", f"as {by.actor} knows")
    await label.do_label(access_of(store, by, NOW), said)


async def test_another_districts_labels_of_a_face_show_no_maker_and_no_reason(
    api: httpx.AsyncClient, store: Store, scene: Scene, media_id: str
) -> None:
    await say(store, scene.faces["both"], 0, BEN)
    await say(store, scene.faces["both"], 1, ANNA)
    path = f"/faces/{scene.faces['both']}/labels"

    for person in (ANNA, SUE):
        told = (await api.get(path, headers=as_(person))).json()["items"]
        assert [(item["by"], item["reason"]) for item in told] == [
            ("investigator of south", None),
            (ANNA.actor, f"as {ANNA.actor} knows"),
        ]
        assert [item["label"] for item in told] == ["witness"] * 2


async def test_a_label_of_before_this_release_names_its_maker_where_the_picture_is_in_one_district(
    api: httpx.AsyncClient, store: Store, scene: Scene, media_id: str
) -> None:
    """It was kept without the district of who said it."""
    await say(store, scene.faces["both"], 0, BEN)
    await say(store, scene.faces["n1"], 0, ANNA)
    await store.write(lambda tx: tx.do("MATCH (act:Act) REMOVE act.role, act.district"))

    async def names(called: str) -> list[str]:
        answer = await api.get(f"/faces/{scene.faces[called]}/labels", headers=as_(SUE))
        return [item["by"] for item in answer.json()["items"]]

    assert await names("n1") == [ANNA.actor]
    assert await names("both") == ["somebody of another district"]


async def test_another_districts_mark_of_a_face_shows_no_maker(
    api: httpx.AsyncClient, store: Store, scene: Scene, media_id: str
) -> None:
    await mark.do_mark(access_of(store, BEN, NOW), media_id, [300, 200, 60, 60])
    await mark.do_mark(access_of(store, ANNA, NOW), media_id, [420, 200, 60, 60])
    told = (await api.get(f"/media/{media_id}/faces")).json()
    assert [item["marked_by"] for item in told["waiting"]] == ["investigator of south", ANNA.actor]

    await store.write(
        lambda tx: tx.do(
            "MATCH (act:Act {by: $by})-[:MARKS]->(m:Media)<-[:SEEN_IN]-(f:Face) MERGE (act)-[:MARKED]->(f)",
            by=BEN.actor,
        )
    )
    [face] = (await api.get(f"/media/{media_id}/faces")).json()["items"]
    assert face["marked_by"] == "investigator of south"


async def test_the_number_of_another_districts_cases_with_a_picture_is_hidden(
    api: httpx.AsyncClient, scene: Scene
) -> None:
    """Nor, by their order, how the ids of these cases read."""
    told: list[object] = []
    for name, cases in (("one", ["zz:1"]), ("two", ["aa:1", "zz:1"]), ("three", ["aa:1"])):
        for case_id in cases:
            await scene.case(case_id, "south", "duty desk south")
        media_id = await scene.media(name, NORTH, *cases)
        told.append((await api.get(f"/media/{media_id}")).json()["memberships"])

    assert told[0] == told[1] == told[2]
    assert [item["case_id"] for item in told[0]] == [NORTH, None]  # type: ignore[attr-defined]


async def test_an_answer_counts_no_group_of_another_district(
    api: httpx.AsyncClient, store: Store, scene: Scene, media_id: str
) -> None:
    """How its faces are grouped there was told by how many unknown faces an answer leads to, and by the group's id."""
    question = Question(NORTH, "identification", "test", "register")
    search_id = await ask_with_faces(access_of(store, ANNA, NOW), question, [scene.faces["n1"]])
    await scene.answer(search_id, [("s1", 0.7), ("t1", 0.6), ("both", 0.5)])
    before = (await api.get(f"/searches/{search_id}")).json()

    await scene.group("g", SOUTH, "s1", "t1", "both")

    assert (await api.get(f"/searches/{search_id}")).json() == before


async def test_another_districts_group_of_ones_own_face_is_hidden(
    api: httpx.AsyncClient, scene: Scene, media_id: str
) -> None:
    await scene.link("both", "n1")
    before = (await api.get("/queue")).json()
    await scene.group("g", SOUTH, "both", "t1")
    assert (await api.get("/queue")).json() == before


async def test_no_route_shows_which_faces_of_another_district_are_in_one_picture(store: Store, scene: Scene) -> None:
    await scene.media("u", SOUTH, faces=["u1", "u2"])
    await scene.link("n1", "u1")
    await scene.link("n1", "u2")
    question = Question(NORTH, "identification", "test", "register")
    for pair in (("u1", "u2"), ("u1", "s1")):
        await ask_with_faces(access_of(store, ANNA, NOW), question, [scene.faces[name] for name in pair])
    with pytest.raises(Invalid):
        await ask_with_faces(access_of(store, ANNA, NOW), question, [scene.faces["n1"], scene.faces["n2"]])


async def test_a_contradiction_is_shown_to_people_who_state_a_purpose(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    await scene.media("u", SOUTH, faces=["u1", "u2"])
    one, other = await scene.link("n1", "u1"), await scene.link("n1", "u2")
    body = {"decision": "confirmed", "reasons": ["ears"]}

    async def confirm(link: str, purpose: str) -> httpx.Response:
        headers = {"If-Match": '"0"', "Redthread-Purpose": purpose}
        return await api.post(f"/links/{link}/verdicts", json=body, headers=headers)

    assert (await confirm(one, "identification")).status_code == 201
    without, stated = await confirm(other, ""), await confirm(other, "identification")

    assert (without.status_code, without.json()["code"]) == (409, "contradiction")
    assert "south" not in without.text and "current" not in without.json()
    assert "call its duty desk" in stated.json()["detail"]
