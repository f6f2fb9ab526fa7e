"""Cases, media, victims and paths over HTTP: what is told, what stays hidden, where a former id leads."""

from urllib.parse import quote

import httpx
import pytest

from graph.actions.decide import label
from graph.actions.read import cases, media, paths
from graph.actions.read import victim as victim_read
from graph.domain import ids
from graph.domain.errors import NotFound
from graph.domain.people import Person, Role
from graph.domain.victim import formed_id
from graph.store.session import Store
from tests.integration.conftest import deeds, entries
from tests.support.access import access_of
from tests.support.factories import NORTH, NOW, SOUTH, Scene

pytestmark = pytest.mark.anyio


def case_path(case_id: str) -> str:
    return f"/cases/{quote(case_id, safe='')}"


async def test_a_case_says_how_much_there_is_in_it(api: httpx.AsyncClient, scene: Scene) -> None:
    case = (await api.get(case_path(NORTH))).json()

    assert (case["case_id"], case["district"], case["contact"]) == (NORTH, "north", "duty desk north")
    assert (case["media"], case["faces"], case["too_poor"]) == (1, 2, 0)
    assert case["links"] == {"candidate": 1}


async def test_the_media_of_a_case_come_page_by_page_and_name_only_cases_that_the_reader_may_see(
    api: httpx.AsyncClient, scene: Scene
) -> None:
    shared = await scene.media("shared", NORTH, SOUTH, faces=["shared"])
    seen: list[str] = []
    after = ""
    while True:
        page = (await api.get(f"{case_path(NORTH)}/media", params={"limit": 1, "after": after})).json()
        seen += [item["media_id"] for item in page["items"]]
        assert all(item["other_case_ids"] == [] for item in page["items"])
        if page["next"] is None:
            break
        after = page["next"]

    assert seen == sorted({shared, ids.media_id(b"n")})


async def test_a_face_is_shown_with_its_surroundings_where_they_are_stored_and_each_look_is_in_the_audit(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    n1 = scene.faces["n1"]
    shown = await api.get(f"/faces/{n1}/context")
    assert (shown.headers["content-type"], shown.headers["cache-control"]) == ("image/jpeg", "no-store, private")
    assert shown.content != (await api.get(f"/faces/{n1}/crop")).content
    assert [entry.action for entry in await entries(store)][-2:] == ["face.context_seen", "face.seen"]

    await store.write(lambda tx: tx.do("MATCH (f:Face) REMOVE f.context_view"))  # a graph of the release before
    missing = (await api.get(f"/faces/{n1}/context")).json()
    assert (missing["status"], missing["code"]) == (404, "no_context")
    assert "redthread reexamine" in missing["detail"]


async def test_a_media_tells_its_memberships_and_of_another_district_only_whom_to_ask(
    api: httpx.AsyncClient, scene: Scene
) -> None:
    media_id = await scene.media("shared", NORTH, SOUTH, faces=["x", "y"])

    told = (await api.get(f"/media/{media_id}")).json()
    faces = (await api.get(f"/media/{media_id}/faces")).json()

    own, other = told["memberships"]
    assert (own["case_id"], own["scope"], own["legal_basis"], own["exhibits"]) == (NORTH, "register", "test", ["A-1"])
    assert {name for name, value in other.items() if value is not None} == {"district"}
    assert (told["faces"], told["width"]) == (2, 640)
    assert [face["face_id"] for face in faces["items"]] == [scene.faces["x"], scene.faces["y"]]
    assert [face["label_version"] for face in faces["items"]] == [0, 0]


async def test_what_lies_in_another_district_is_as_absent_as_what_does_not_exist(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    await scene.depicts("s1", "v-south")
    hidden = (
        case_path(SOUTH),
        f"{case_path(SOUTH)}/media",
        f"/media/{ids.media_id(b's')}",
        f"/media/{ids.media_id(b's')}/faces",
        "/victims/v-south",
        f"/paths?from_case={quote(NORTH)}&to_case={quote(SOUTH)}",
    )
    absent = (
        "/cases/local:no",
        "/cases/local:no/media",
        f"/media/{'f' * 64}",
        f"/media/{'f' * 64}/faces",
        "/victims/none",
        f"/paths?from_case={quote(NORTH)}&to_case=local:no",
    )
    for unseen, unknown in zip(hidden, absent, strict=True):
        answers = [await api.get(path) for path in (unseen, unknown)]
        assert [answer.status_code for answer in answers] == [404, 404], unseen
        assert answers[0].json() == answers[1].json()
    assert await deeds(store) == []


async def test_a_victim_is_a_contact_sheet_by_case_that_says_who_said_what(
    api: httpx.AsyncClient, scene: Scene
) -> None:
    await scene.case("local:second")
    await scene.media("o", "local:second", faces=["o1"])
    link_id = await scene.decided("n1", "o1", "confirmed")
    await scene.depicts("n1", "v1")
    for face in ("n1", "o1"):
        await scene.depicts(face, "v1", "confirmed")
    victim = (await api.get("/victims/v1")).json()

    assert (victim["victim_id"], victim["registered"], victim["identity"]) == ("v1", True, None)
    assert [case["case_id"] for case in victim["cases"]] == [NORTH, "local:second"]
    faces = {face["face_id"]: face for case in victim["cases"] for face in case["faces"]}
    assert faces[scene.faces["n1"]]["bases"] == ["declared", "confirmed"]
    assert faces[scene.faces["o1"]]["bases"] == ["confirmed"]
    assert faces[scene.faces["n1"]]["declared"][0]["declared_by"] == "local"
    assert faces[scene.faces["o1"]]["links"] == [{"link_id": link_id, "state": "confirmed"}]


async def test_a_face_of_another_district_stays_masked_until_two_persons_joined_it(
    api: httpx.AsyncClient, scene: Scene
) -> None:
    name = formed_id(await scene.decided("n1", "s1", "confirmed"))
    for face in ("n1", "s1"):
        await scene.depicts(face, name, "confirmed", registered=False)

    def known(face: dict[str, object]) -> set[str]:
        return {name for name, value in face.items() if value is not None}

    before = (await api.get(f"/victims/{name}")).json()["cases"][1]
    assert (before["case_id"], before["district"]) == (None, "south")
    assert [known(face) for face in before["faces"]] == [{"face_id"}]
    await scene.decided("n1", "s1", "approved")
    after = (await api.get(f"/victims/{name}")).json()["cases"][1]
    assert after["case_id"] == SOUTH
    assert after["faces"][0]["bases"] == ["approved"]
    assert after["faces"][0]["media_id"] == ids.media_id(b"s")


async def test_a_former_id_leads_to_its_one_successor(api: httpx.AsyncClient, scene: Scene, store: Store) -> None:
    link_id = await scene.decided("n1", "n2", "approved")
    await scene.depicts("n1", "v/2")
    await scene.depicts("n2", "v 1")
    for face in ("n1", "n2"):
        await scene.depicts(face, "v 1", "confirmed")
    await store.statement("CREATE (:Victim {victim_id: 'v-old', registered: false})")
    await store.write(lambda tx: tx.do("MATCH (v:Victim {victim_id: 'v-old'}) SET v.from_link = $id", id=link_id))

    for former in ("v%2F2", "v-old"):
        answer = await api.get(f"/victims/{former}")
        assert (answer.status_code, answer.headers["location"]) == (308, "/victims/v%201")
    followed = await api.get("/victims/v-old", follow_redirects=True)
    assert followed.json()["victim_id"] == "v 1"


async def test_a_victim_whose_faces_parted_answers_410_with_those_that_they_are_in_now(
    api: httpx.AsyncClient, scene: Scene, store: Store
) -> None:
    await scene.media("m", NORTH, faces=["m1"])
    for face, now in (("n1", "v1"), ("m1", "v2")):
        await scene.depicts(face, now)
    link_id = await scene.link("n1", "m1")
    await store.write(lambda tx: tx.do("CREATE (:Victim {victim_id: 'v9', from_link: $id})", id=link_id))

    answer = await api.get("/victims/v9")

    assert (answer.status_code, answer.json()["code"]) == (410, "victim_split")
    assert answer.json()["current"] == {"victims": ["v1", "v2"]}


async def path(api: httpx.AsyncClient, to_case: str, **more: str) -> httpx.Response:
    return await api.get("/paths", params={"from_case": NORTH, "to_case": to_case, **more})


async def test_a_path_tells_face_media_and_link_of_each_step_and_no_score(api: httpx.AsyncClient, scene: Scene) -> None:
    second = await scene.case("local:second")
    await scene.media("o", second, faces=["o1"])
    await scene.link("n1", "o1", score=0.77)
    assert (await path(api, second)).json() == {
        "from_case": NORTH,
        "to_case": second,
        "linked": False,
        "steps": [],
    }
    assert (await path(api, second, candidates="true")).json()["steps"][2]["state"] == "candidate"

    link_id = await scene.decided("n1", "o1", "confirmed")
    found = await path(api, second)

    steps = found.json()["steps"]
    assert [step["kind"] for step in steps] == ["in_case", "seen_in", "link", "seen_in", "in_case"]
    assert (steps[0]["case_id"], steps[0]["media_id"]) == (NORTH, ids.media_id(b"n"))
    assert (steps[2]["link_id"], steps[2]["state"]) == (link_id, "confirmed")
    assert (steps[2]["face_id"], steps[2]["to_face_id"]) == (scene.faces["n1"], scene.faces["o1"])
    assert steps[4]["case_id"] == second
    assert "score" not in found.text
    assert "0.77" not in found.text


async def test_media_that_two_cases_share_link_them(api: httpx.AsyncClient, scene: Scene) -> None:
    second = await scene.case("local:second")
    shared = await scene.media("shared", NORTH, second)

    steps = (await path(api, second)).json()["steps"]

    assert [(step["kind"], step["media_id"]) for step in steps] == [("in_case", shared), ("in_case", shared)]


async def test_a_case_of_another_district_has_a_path_once_two_persons_joined_it(
    api: httpx.AsyncClient, scene: Scene
) -> None:
    await scene.decided("n1", "s1", "confirmed")
    await scene.media("shared", NORTH, SOUTH)
    assert (await path(api, SOUTH)).status_code == 404

    await scene.decided("n1", "s1", "approved")
    found = await path(api, SOUTH)

    assert found.json()["linked"]
    assert (await path(api, SOUTH)).json()["steps"][-1]["case_id"] == SOUTH


async def test_a_third_case_of_another_district_on_the_way_stays_masked(api: httpx.AsyncClient, scene: Scene) -> None:
    second = await scene.case("local:second")
    await scene.media("o", second, faces=["o1"])
    await scene.media("s2", SOUTH, faces=["s2"])
    await scene.decided("n1", "s2", "confirmed")
    await scene.decided("s2", "o1", "confirmed")

    found = await path(api, second)

    steps = found.json()["steps"]
    assert [step["kind"] for step in steps] == ["in_case", "seen_in", "link", "link", "seen_in", "in_case"]
    assert SOUTH not in found.text
    assert ids.media_id(b"s2") not in found.text
    assert (await path(api, NORTH)).status_code == 422


async def test_who_runs_or_audits_the_system_sees_nothing_of_a_case(
    store: Store, scene: Scene, subtests: pytest.Subtests
) -> None:
    await scene.depicts("n1", "v1")
    for role in (Role.OPERATOR, Role.AUDITOR, Role.CASE_SYSTEM):
        access = access_of(store, Person("otto@north", frozenset({role}), "north"), NOW, "review")
        with subtests.test(role=role):
            for reading in (
                cases.read_case_facts(access, NORTH),
                cases.read_media_of_case(access, NORTH, after="", limit=9),
                media.read_media(access, ids.media_id(b"n")),
                media.read_faces(access, ids.media_id(b"n")),
                victim_read.read_victim(access, "v1"),
                label.read_labels(access, scene.faces["n1"]),
                paths.read_path(access, NORTH, SOUTH, candidates=False),
            ):
                with pytest.raises(NotFound):
                    await reading
    assert await entries(store) == []
