"""An answer over HTTP: page by page, part by part, by person, as it was seen, and what is left to look at oneself."""

from typing import Any

import httpx
import pytest

from graph.actions.link.lag import SourceLag, write_lags
from graph.actions.operate import quarantine
from graph.domain import ids
from graph.store.migrate import migrations
from graph.store.session import Store
from tests.integration.conftest import entries
from tests.support.factories import NORTH, NOW, SAM, SOUTH, SUE, Scene
from tests.support.signed_in import as_

pytestmark = pytest.mark.anyio


async def ask(api: httpx.AsyncClient, *, within: str = f"case:{NORTH}", **who: Any) -> str:
    body = {"case_id": NORTH, "purpose": "victim identification", "legal_basis": "StPO 98c", "in": within, **who}
    answer = await api.post("/searches", json=body)
    assert answer.status_code == 202, answer.text
    return answer.json()["search_id"]


async def read(api: httpx.AsyncClient, search_id: str, **query: Any) -> dict[str, Any]:
    answer = await api.get(f"/searches/{search_id}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def many(scene: Scene, number: int) -> list[str]:
    """Names of faces in pictures of their own in the northern case."""
    names = [f"m{place}" for place in range(number)]
    for name in names:
        await scene.media(name, NORTH, faces=[name])
    return names


async def test_an_answer_is_read_page_by_page_in_the_order_of_parts_and_ranks(
    api: httpx.AsyncClient, scene: Scene
) -> None:
    names = await many(scene, 7)
    search_id = await ask(api, faces=[scene.faces["n1"]])
    await scene.answer(search_id, [(name, 0.9 - place / 10) for place, name in enumerate(names[:4])], open=True)
    await scene.add_part(search_id, 1, 12, [(name, 0.8) for name in names[4:6]])
    await scene.add_part(search_id, 2, 15, [])

    seen: list[tuple[int, int, str]] = []
    page: dict[str, Any] = {"next": ""}
    while page["next"] is not None:
        page = await read(api, search_id, limit=3, after=page["next"])
        assert [item for part in page["parts"] for item in part["items"]] == page["items"]
        seen += [(item["offset"], item["rank"], item["face_id"]) for item in page["items"]]

    expected = [(7, 1), (7, 2), (7, 3), (7, 4), (12, 1), (12, 2)]
    assert seen == [(*place, scene.faces[name]) for place, name in zip(expected, names, strict=False)]
    assert [(part["offset"], part["found"]) for part in page["parts"]] == [(7, 4), (12, 2), (15, 0)]
    assert (page["compared"], page["too_poor"], page["no_face"], page["open"]) == (14, 1, 4, True)
    refused = await api.get(f"/searches/{search_id}", params={"after": "1:x"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")


async def test_a_search_for_a_victim_asks_with_the_faces_that_it_has_now_and_the_asker_may_see(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    for name in ("n1", "s1"):
        await scene.depicts(name, "v1")
    await scene.depicts("n2", "v2")

    search_id = await ask(api, victim_id="v1")

    answer = await read(api, search_id)
    assert (answer["victim_id"], [face["face_id"] for face in answer["faces"]]) == ("v1", [scene.faces["n1"]])


async def test_two_faces_of_one_picture_are_not_asked_for_as_one_person(api: httpx.AsyncClient, scene: Scene) -> None:
    faces = [scene.faces["n1"], scene.faces["n2"]]
    body = {"case_id": NORTH, "purpose": "p", "legal_basis": "l", "in": "register", "faces": faces}
    refused = await api.post("/searches", json=body)

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert "two of them are in one picture" in refused.json()["detail"]


async def test_the_headline_and_the_list_say_whom_the_faces_show_as_far_as_the_asker_may_know(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    names = await many(scene, 5)
    for name in names[:2]:
        await scene.depicts(name, "known")
    await store.statement("MATCH (v:Victim {victim_id: 'known'}) SET v.identity = 'person-1'")
    await scene.depicts("s1", "of the south")
    await store.statement("MATCH (v:Victim {victim_id: 'of the south'}) SET v.identity = 'person-2'")
    await scene.depicts(names[2], "nameless")
    await scene.group("g1", NORTH, names[3], names[4])
    search_id = await ask(api, within="register", faces=[scene.faces["n1"]])
    found = [names[0], "s1", names[3], names[2], names[1], names[4], "t1"]
    scores = (0.9, 0.8, 0.7, 0.6, 0.5, 0.45, 0.38)
    await scene.answer(search_id, list(zip(found, scores, strict=True)))

    answer = await read(api, search_id)
    assert answer["headline"] == (
        "leads to an identified victim, an unidentified victim and 2 unknown faces in 8 compared, "
        "1 could not be judged; similar is not the same person"
    )
    assert [(each["kind"], each["identified"], len(each["face_ids"])) for each in answer["people"]] == [
        ("victim", True, 2),
        ("face", False, 1),
        ("group", False, 2),
        ("victim", False, 1),
        ("face", False, 1),
    ]
    southern = answer["items"][1]
    assert (southern["victim_id"], southern["media_id"], southern["district"]) == (None, None, "south")
    assert "of the south" not in str(answer)
    assert "person-" not in str(answer)


async def test_an_erased_face_keeps_its_rank_and_nothing_else(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    search_id = await ask(api, within="register", faces=[scene.faces["n1"]])
    await scene.answer(search_id, [("n2", 0.8), ("t1", 0.7)])
    gone = await api.post(
        "/erasures", json={"subject": {"face_id": scene.faces["n2"]}, "reason": "r"}, headers=as_(SUE)
    )
    assert gone.status_code == 202

    answer = await read(api, search_id)
    assert [(item["rank"], item["above"], item["erased"]) for item in answer["items"]] == [
        (1, True, True),
        (2, True, False),
    ]
    assert answer["items"][0] == {
        **dict.fromkeys(answer["items"][0]),
        "offset": 7,
        "rank": 1,
        "face_id": scene.faces["n2"],
        "above": True,
        "case_ids": [],
        "erased": True,
    }
    assert [each["face_ids"] for each in answer["people"]] == [[scene.faces["t1"]]]


async def test_media_in_progress_are_shown_with_an_estimate_and_the_quarantine_beside_it(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    search_id = await ask(api, faces=[scene.faces["n1"]])
    await scene.answer(search_id, [], open=True)
    await write_lags(store, [SourceLag("local", 120, 30), SourceLag("other", 7, None)], now=NOW)
    event = {
        "event": "e/0/1",
        "topic": "e",
        "partition": 0,
        "offset": 1,
        "stage": "embed",
        "code": "missing_file",
        "reason": "r",
        "source": "local",
        "host": None,
        "attempts": 1,
        "submitted_at": 1,
        "truncated": False,
        "key": None,
        "value": None,
        "headers": [],
        "ce_id": "",
    }
    rows = [{**event, "case_id": NORTH}, {**event, "event": "e/0/2", "case_id": SOUTH}]
    await quarantine.index(store, rows, now=NOW)

    answer = await read(api, search_id)
    assert answer["to_come"] == {"events": 120, "seconds": 30, "as_of": NOW.isoformat()}
    assert answer["quarantined"] == 1
    assert answer["headline"].endswith("; 120 still to come")

    await quarantine.replay(store, ids.quarantine_id("e/0/1"), actor="op", now=NOW)
    answer = await read(api, search_id)
    assert (answer["to_come"]["events"], answer["quarantined"]) == (121, 0)


async def test_a_person_lists_their_own_searches_and_a_supervisor_those_of_the_district(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    first, second = (
        await ask(api, faces=[scene.faces["n1"]]),
        await ask(api, within="register", faces=[scene.faces["n1"]]),
    )
    await scene.answer(first, [("n2", 0.8)], open=True)

    async def listed(who: Any = None, **query: Any) -> list[str]:
        answer = await api.get("/searches", params=query, headers=as_(who) if who else {})
        assert answer.status_code == 200, answer.text
        return [item["search_id"] for item in answer.json()["items"]]

    assert await listed() == [second, first]
    assert await listed(SUE) == [second, first]
    assert await listed(SUE, mine=True) == await listed(SAM) == []
    assert await listed(open=True) == await listed(status="answered") == [first]
    assert await listed(open=False) == await listed(**{"in": "register"}) == [second]
    assert await listed(case_id=SOUTH) == []
    page = (await api.get("/searches", params={"limit": 1})).json()
    assert [item["search_id"] for item in page["items"]] == [second]
    rest = (await api.get("/searches", params={"limit": 1, "after": page["next"]})).json()
    assert ([item["search_id"] for item in rest["items"]], rest["next"]) == ([first], None)
    assert (rest["items"][0]["found"], rest["items"][0]["similar"]) == (1, 1)
    assert (await entries(store))[-1].action == "searches.seen"


async def test_who_asked_ends_a_search_and_it_is_published(api: httpx.AsyncClient, store: Store, scene: Scene) -> None:
    search_id = await ask(api, faces=[scene.faces["n1"]], keep_asking=True)
    waiting = await api.delete(f"/searches/{search_id}")
    assert (waiting.status_code, waiting.json()["code"]) == (409, "not_open")
    await scene.answer(search_id, [], open=True)

    ended = await api.delete(f"/searches/{search_id}")

    assert (ended.status_code, ended.content) == (204, b"")
    answer = await read(api, search_id)
    assert (answer["open"], answer["ended_because"], answer["open_until"]) == (False, "asker", None)
    [out] = await store.read(lambda tx: tx.rows("MATCH (o:Outbox {kind: 'search_ended'}) RETURN o.key AS key"))
    assert out["key"] == search_id
    assert [entry.subject for entry in await entries(store) if entry.action == "search.ended"] == [search_id]


async def test_what_the_machine_could_not_judge_is_shown_to_look_at_oneself(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    empty = await scene.media("empty", NORTH)
    await scene.media("other", SOUTH)
    too_poor = "MATCH (f:Face) WHERE f.face_id IN $faces SET f.too_poor_because = 'too blurred'"
    poor = [scene.faces[name] for name in ("n2", "s1")]
    await store.write(lambda tx: tx.do(too_poor, faces=poor))
    expected = sorted([(empty, []), (ids.media_id(b"n"), [scene.faces["n2"]])])

    for within in (f"case:{NORTH}", "register"):
        search_id = await ask(api, within=within, faces=[scene.faces["n1"]])
        answer = await api.get(f"/searches/{search_id}/unjudged")
        assert answer.status_code == 200, answer.text
        shown = [(item["media_id"], [face["face_id"] for face in item["faces"]]) for item in answer.json()["items"]]
        assert (shown, answer.json()["next"]) == (expected, None)

        pages, after = list[str](), ""
        while after is not None:
            page = (await api.get(f"/searches/{search_id}/unjudged", params={"limit": 1, "after": after})).json()
            pages += [item["media_id"] for item in page["items"]]
            after = page["next"]
        assert pages == [media_id for media_id, _ in expected]
    assert (await entries(store))[-1].action == "search.unjudged_seen"


async def test_an_answer_of_an_older_release_is_read_as_one_part(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    search_id = await ask(api, within="register", faces=[scene.faces["n1"]])
    await scene.answer(search_id, [("n2", 0.8), ("t1", 0.38)])
    await store.statement("MATCH (p:Part) DETACH DELETE p")
    await store.statement("MATCH (:Search)-[r:RETURNED]->() REMOVE r.part")
    await store.statement("MATCH (s:Search) REMOVE s.district")
    [text] = [text for number, _, text in migrations() if number == 9]
    for statement in (part.strip() for part in text.split(";")):
        if statement.startswith("MATCH"):
            await store.statement(statement)  # type: ignore[arg-type]

    answer = await read(api, search_id)
    assert [(item["offset"], item["rank"], item["above"], item["face_id"]) for item in answer["items"]] == [
        (7, 1, True, scene.faces["n2"]),
        (7, 2, False, scene.faces["t1"]),
    ]
    assert answer["compared"] == 8
