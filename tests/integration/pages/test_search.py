"""The search pages: the question, its answer without scores, a pair to judge, marks, and who may open what."""

import html
import re
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from graph.actions.decide.label import Labelling, do_label
from graph.actions.read.search import Picture, Question, ask_with_faces, ask_with_picture, ask_with_victim
from graph.domain import ids
from graph.domain.label import Label
from graph.files import MediaStore
from graph.store.session import Store
from tests.integration.conftest import Pages, entries
from tests.support.access import access_of
from tests.support.access_table import listed
from tests.support.factories import ANNA, NORTH, SOUTH, SUE, Scene, drawn_face
from tests.support.queue import change

pytestmark = pytest.mark.anyio
HOSTILE = "<script>alert(1)</script>\u202e" + "e\u0301" * 40
QUESTION = {"case_id": NORTH, "purpose": "victim identification", "legal_basis": "StPO 98c"}
QUALITY = "MATCH (f:Face {face_id: $face}) SET f.quality = $quality"


async def asked(scene: Scene, within: str = "register", *faces: str) -> str:
    """The id of ANNA's search with these faces."""
    question = Question(NORTH, "victim identification", "StPO 98c", within)
    names = [scene.faces[called] for called in faces or ("n1",)]
    return await ask_with_faces(access_of(scene.store, ANNA, datetime.now(UTC)), question, names)


async def answered(scene: Scene) -> str:
    """A search that found s1 (which is linked to n1), t1 and n2 (less similar)."""
    search_id = await asked(scene)
    await scene.answer(search_id, [("t1", 0.6), ("s1", 0.52), ("n2", 0.3)], "n1")
    return search_id


async def test_a_face_or_a_victim_is_chosen_by_the_address_and_asked_for(
    scene: Scene, store: Store, pages: Pages
) -> None:
    anna, face = await pages(ANNA), scene.faces["n1"]
    form = (await anna.get("/app/search", params={"face": face})).text
    assert f'name="face" value="{face}"' in form and f'value="{NORTH}"' in form and "multipart" not in form

    answer = await anna.post("/app/search", data={**QUESTION, "face": face, "where": "case", "in_case": ""})
    assert answer.status_code == 303
    waiting = (await anna.get(answer.headers["location"])).text
    assert "Being compared" in waiting and "data-waiting" in waiting
    query = "MATCH (s:Search)-[:PROBE]->(f) RETURN s.within AS within, f.face_id AS f"
    found = await store.read(lambda tx: tx.one(query))
    assert found == {"within": f"case:{NORTH}", "f": face}
    assert "search.asked" in {entry.action for entry in await entries(store)}

    await scene.depicts("n1", "v1")
    assert "All faces of victim <bdi>v1</bdi>" in (await anna.get("/app/search", params={"victim": "v1"})).text
    by_victim = await anna.post("/app/search", data={**QUESTION, "victim": "v1", "where": "register"})
    assert by_victim.status_code == 303


async def test_a_picture_is_sent_as_it_is(scene: Scene, store: Store, files: MediaStore, pages: Pages) -> None:
    anna, picture = await pages(ANNA), drawn_face()
    answer = await anna.post("/app/search", data={**QUESTION, "where": "register"}, files={"file": ("a.jpg", picture)})

    assert answer.status_code == 303
    found = await store.read(lambda tx: tx.one("MATCH (s:Search) RETURN s.picture AS picture, s.within AS within"))
    assert found == {"picture": ids.media_id(picture), "within": "register"}
    assert files.read_upload(ids.media_id(picture)) == picture
    nothing = await anna.post("/app/search", data=QUESTION, files={"file": ("a.jpg", b"no picture")})
    assert nothing.status_code == 415


async def test_an_incomplete_question_is_refused(scene: Scene, pages: Pages) -> None:
    anna, face = await pages(ANNA), scene.faces["n1"]
    for wrong in ({"purpose": ""}, {"legal_basis": " "}, {"case_id": "nowhere"}, {"face": "x"}, {"where": "here"}):
        assert (await anna.post("/app/search", data={**QUESTION, "face": face, **wrong})).status_code == 422, wrong
    assert (await anna.post("/app/search", data=QUESTION)).status_code == 422
    unknown = await anna.post("/app/search", data={**QUESTION, "face": face, "in_case": SOUTH})
    assert unknown.status_code == 404


async def test_no_purpose_of_a_question_reads_like_a_claim(scene: Scene, pages: Pages) -> None:
    anna, face = await pages(ANNA), scene.faces["n1"]
    for purpose in ("claim:" + "f" * 32, "CLAIM:x", "claim\uff1afff"):
        answer = await anna.post("/app/search", data={**QUESTION, "face": face, "purpose": purpose})
        assert answer.status_code == 422, purpose


async def test_a_picture_that_is_sent_again_is_one_search(scene: Scene, store: Store, pages: Pages) -> None:
    """A search whose answer was lost was asked twice: its picture compared twice, and open twice."""
    anna, sue, file = await pages(ANNA), await pages(SUE), {"file": ("a.jpg", drawn_face())}
    question = {**QUESTION, "where": "register", "search_id": "0f" * 16}
    for _ in range(2):
        answer = await anna.post("/app/search", data=question, files=file)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/app/search/{'0f' * 16}")
    assert [entry.subject for entry in await entries(store) if entry.action == "search.asked"] == ["0f" * 16]

    other: list[tuple[httpx.AsyncClient, dict[str, str], dict[str, Any]]] = [
        (sue, {}, file),
        (anna, {"purpose": "another"}, file),
        (anna, {"rotate": "90"}, file),
        (anna, {}, {"file": ("b.jpg", drawn_face(7))}),
        (anna, {"search_id": "0F" * 16}, file),
        (anna, {"search_id": "0f"}, file),
    ]
    for person, fields, sent in other:
        assert (await person.post("/app/search", data={**question, **fields}, files=sent)).status_code == 422
    assert await store.read(lambda tx: tx.one("MATCH (s:Search) RETURN count(s) AS number")) == {"number": 1}


async def test_an_answer_tells_how_complete_it_is_and_neither_score_nor_rank(
    scene: Scene, store: Store, pages: Pages
) -> None:
    search_id, anna = await answered(scene), await pages(ANNA)
    for called, quality in (("t1", 0.9), ("s1", 0.2)):
        await store.write(
            lambda tx, called=called, quality=quality: tx.do(QUALITY, face=scene.faces[called], quality=quality)
        )
    text = (await anna.get(f"/app/search/{search_id}")).text

    assert "Leads to" in text and "could not be judged" in text
    assert all(part in text for part in ("<b>8</b> faces compared", "<b>1</b> too poor", "<b>2</b> pictures without"))
    shown = re.findall(r"/faces/([0-9a-f]{64})/crop\?leads", text)
    told = re.sub(r'datetime="[^"]*"', "", text)
    assert "0.5" not in told and "0.6" not in told
    # South's qualities are not Anna's to know: theirs come by id, before the face that is less similar.
    assert shown == [*sorted((scene.faces["t1"], scene.faces["s1"])), scene.faces["n2"]]
    assert "less similar: the machine" in text and SOUTH not in text


async def test_own_faces_stand_poorest_first_whatever_their_rank(scene: Scene, store: Store, pages: Pages) -> None:
    await scene.media("own", NORTH, faces=["o1", "o2", "o3"])
    for called, quality in (("o1", 0.9), ("o2", 0.3), ("o3", 0.6)):
        await store.write(
            lambda tx, called=called, quality=quality: tx.do(QUALITY, face=scene.faces[called], quality=quality)
        )
    search_id = await asked(scene)
    await scene.answer(search_id, [("o1", 0.9), ("o3", 0.8), ("o2", 0.7)], "n1")
    text = (await (await pages(ANNA)).get(f"/app/search/{search_id}")).text

    shown = re.findall(r"/faces/([0-9a-f]{64})/crop\?leads", text)
    assert shown == [scene.faces[called] for called in ("o2", "o3", "o1")]


async def test_the_picture_itself_may_be_what_is_found(scene: Scene, store: Store, pages: Pages) -> None:
    """A picture that another case sent before has the same faces: there is no pair to judge."""
    search_id = await asked(scene)
    await scene.answer(search_id, [("n1", 1.0), ("n2", 0.5)], "n1")
    text = (await (await pages(ANNA)).get(f"/app/search/{search_id}")).text
    assert "this very picture" in text and text.count("Judge this pair") == 1


async def test_nothing_found_never_reads_as_nobody_there(scene: Scene, pages: Pages) -> None:
    search_id, anna = await asked(scene, f"case:{NORTH}"), await pages(ANNA)
    await scene.answer(search_id, [])
    text = (await anna.get(f"/app/search/{search_id}")).text
    assert "does not mean that the person is not there" in text and "search the whole register" in text
    part = await anna.get(f"/app/search/{search_id}", headers={"Sec-Fetch-Dest": "empty"})
    assert "<html" not in part.text and f'data-search="{search_id}"' in part.text


async def test_a_pair_is_judged_from_the_answer_in_one_step_and_undone(
    scene: Scene, store: Store, pages: Pages
) -> None:
    search_id, anna = await answered(scene), await pages(ANNA)
    n1, s1 = scene.faces["n1"], scene.faces["s1"]
    pair = f"/app/search/{search_id}/pairs/{s1}"
    text = (await anna.get(pair, params={"probe": n1})).text
    assert 'name="version" value="0"' in text and 'value="dismissed"' in text and "0.52" not in text

    form: dict[str, Any] = {
        "probe": n1,
        "version": "0",
        "face": [n1, s1],
        "decision": "confirmed",
        "reason": ["", "ears"],
    }
    judged = await anna.post(pair, data=form)
    assert judged.status_code == 303
    after = (await anna.get(judged.headers["location"])).text
    assert "same person, by one person" in after and "0.52" in after, "the score, once it is judged"
    assert (await anna.post(pair, data=form)).status_code == 409

    link_id = ids.link_id(*ids.ordered(n1, s1))
    await anna.post(f"/app/search/{search_id}/undone", data={"link": link_id, "version": "1"})
    state = "MATCH ()-[r:CANDIDATE {link_id: $link_id}]->() RETURN r.state AS state"
    assert await store.read(lambda tx: tx.one(state, link_id=link_id)) == {"state": "candidate"}
    dismissed = await anna.post(pair, data={**form, "version": "2", "decision": "dismissed", "reason": []})
    assert dismissed.status_code == 303


async def test_a_pair_that_nobody_proposed_is_linked_by_the_verdict(scene: Scene, store: Store, pages: Pages) -> None:
    search_id, anna = await answered(scene), await pages(ANNA)
    n1, t1 = scene.faces["n1"], scene.faces["t1"]
    pair = f"/app/search/{search_id}/pairs/{t1}"
    text = (await anna.get(pair, params={"probe": n1})).text
    assert "did not propose this pair" in text and 'value="dismissed"' not in text
    form: dict[str, Any] = {"probe": n1, "face": [n1, t1], "decision": "dismissed"}
    assert (await anna.post(pair, data=form)).status_code == 422

    made = await anna.post(pair, data={**form, "decision": "confirmed", "reason": "ears", "text": HOSTILE})
    assert made.status_code == 303
    link_id = ids.link_id(*ids.ordered(n1, t1))
    query = "MATCH ()-[r:CANDIDATE {link_id: $link_id}]->() RETURN r.state AS state, r.proposed_by AS by"
    assert await store.read(lambda tx: tx.one(query, link_id=link_id)) == {"state": "confirmed", "by": ANNA.actor}
    assert "<script>alert" not in (await anna.get(f"/app/links/{link_id}")).text


async def test_a_search_is_no_pretext_for_a_pair_that_it_did_not_show(scene: Scene, store: Store, pages: Pages) -> None:
    """Any two own faces could be looked at and judged under any search."""
    await scene.media("own", NORTH, faces=["o1", "o2"])
    search_id, anna = await answered(scene), await pages(ANNA)
    n1, s1, o1, o2 = (scene.faces[called] for called in ("n1", "s1", "o1", "o2"))
    for probe, face in [(o1, o2), (n1, o1), (s1, n1), (n1, n1)]:
        pair = f"/app/search/{search_id}/pairs/{face}"
        assert (await anna.get(pair, params={"probe": probe})).status_code == 404
        form = {"probe": probe, "face": [probe, face], "decision": "confirmed", "reason": "ears"}
        assert (await anna.post(pair, data=form)).status_code == 404

    await change(store, "MATCH (f:Face {face_id: $id}) SET f.too_poor_because = 'it is too dark'", id=o1)
    unjudged = await anna.get(f"/app/search/{search_id}/pairs/{o1}", params={"probe": n1})
    assert unjudged.status_code == 200, "a person may judge what the machine could not"


async def test_further_faces_of_the_two_people_are_shown_before_they_are_joined(scene: Scene, pages: Pages) -> None:
    """A pair showed and named 60 of them at most, so a victim with more was refused at every try."""
    more = [f"m{number}" for number in range(62)]
    for called in more:
        await scene.media(called, NORTH, faces=[called])
    for called in ("n1", *more):
        await scene.depicts(called, "v1")
    search_id, anna = await answered(scene), await pages(ANNA)
    n1, s1, *further = (scene.faces[called] for called in ("n1", "s1", *more))
    pair = f"/app/search/{search_id}/pairs/{s1}"
    text = (await anna.get(pair, params={"probe": n1})).text
    assert all(f"/faces/{face}/crop" in text for face in further)
    [named] = re.findall(r'name="face" value="([^"]*)"', text)

    form: dict[str, Any] = {"probe": n1, "version": "0", "face": [n1, s1], "decision": "confirmed", "reason": "ears"}
    assert (await anna.post(pair, data=form)).status_code == 409
    assert (await anna.post(pair, data={**form, "face": named})).status_code == 303


async def test_faces_are_numbered_through_all_parts_of_an_answer(scene: Scene, pages: Pages) -> None:
    await scene.media("late", NORTH, faces=["late"])
    search_id, anna = await asked(scene), await pages(ANNA)
    await scene.answer(search_id, [("t1", 0.6), ("s1", 0.52), ("n2", 0.3)], "n1", open=True)
    await scene.add_part(search_id, 1, 9, [("late", 0.5)])
    text = (await anna.get(f"/app/search/{search_id}")).text
    assert re.findall(r"Face (\d+) that was found", text) == ["1", "2", "3", "4"]


async def test_faces_of_an_uploaded_picture_are_chosen_and_missed_ones_marked(
    scene: Scene, store: Store, files: MediaStore, pages: Pages
) -> None:
    question = Question(NORTH, "victim identification", "StPO 98c", "register")
    picture = Picture(b"group", "image/jpeg")
    search_id = await ask_with_picture(access_of(store, ANNA, datetime.now(UTC)), files, question, picture)
    await scene.media("group", NORTH, faces=["g1", "g2"])
    await scene.answer(search_id, [])
    anna = await pages(ANNA)
    text = (await anna.get(f"/app/search/{search_id}")).text
    assert "2 faces in your picture" in text and text.count("Search for this one alone") == 2
    assert f'data-picture="{ids.media_id(b"group")}"' in text and 'data-box="10 20 60 80"' in text

    wrong = await anna.post(f"/app/search/{search_id}/marks", data={"box": ["1", "2", "3"]})
    assert wrong.status_code == 422
    marked = await anna.post(f"/app/search/{search_id}/marks", data={"box": ["300", "200", "60", "80"]})
    assert marked.status_code == 303
    after = (await anna.get(marked.headers["location"])).text
    assert "A face that you marked is being compared" in after and "data-waiting" in after


async def test_a_search_in_one_case_is_asked_again_in_the_whole_register_as_it_was(
    scene: Scene, store: Store, files: MediaStore, pages: Pages
) -> None:
    """All faces of a group picture were posted as faces of one person: refused with 422, and cut at 20."""
    await scene.depicts("n1", "v1")
    who = access_of(store, ANNA, datetime.now(UTC))
    question = Question(NORTH, "victim identification", "StPO 98c", f"case:{NORTH}")
    picture = Picture(drawn_face(), "image/jpeg", 90)
    await scene.media("group", NORTH, faces=["g1", "g2"], data=picture.data)
    by_picture = await ask_with_picture(who, files, question, picture)
    by_face, by_victim = await asked(scene, f"case:{NORTH}"), await ask_with_victim(who, question, "v1")
    anna, query = await pages(ANNA), "MATCH (s:Search {search_id: $search_id})"
    both = [scene.faces["g1"], scene.faces["g2"]]
    await change(
        store,
        query + "UNWIND $faces AS id MATCH (f:Face {face_id: id}) CREATE (s)-[:PROBE]->(f)",
        search_id=by_picture,
        faces=both,
    )

    query += "RETURN s.within AS within, s.picture AS picture, s.turn AS turn, s.victim_id AS victim"
    expected = {by_picture: (ids.media_id(picture.data), 90, None), by_face: (None,) * 3, by_victim: (None, None, "v1")}
    for search_id, (media_id, turn, victim_id) in expected.items():
        await scene.answer(search_id, [])
        again = f"/app/search/{search_id}/register"
        assert f'action="{again}?session=' in (await anna.get(f"/app/search/{search_id}")).text
        answer = await anna.post(again)
        assert answer.status_code == 303, answer.text
        new = answer.headers["location"].rpartition("/")[2]
        found = await store.read(lambda tx, new=new: tx.one(query, search_id=new))
        assert found == {"within": "register", "picture": media_id, "turn": turn, "victim": victim_id}

    files.delete_media(ids.media_id(picture.data))
    assert (await anna.post(f"/app/search/{by_picture}/register")).status_code == 404


async def test_what_could_not_be_compared_is_shown_to_look_at(scene: Scene, store: Store, pages: Pages) -> None:
    await scene.media("poor", NORTH, faces=["poor"])
    await scene.media("landscape", NORTH)
    too_poor = "MATCH (f:Face {face_id: $face}) SET f.too_poor_because = $because"
    await store.write(lambda tx: tx.do(too_poor, face=scene.faces["poor"], because=HOSTILE))
    search_id, anna = await asked(scene, f"case:{NORTH}"), await pages(ANNA)
    text = (await anna.get(f"/app/search/{search_id}/unjudged")).text
    assert f"/faces/{scene.faces['poor']}/crop" in text and ids.media_id(b"landscape")[:12] in text
    assert "<script>alert" not in text and "no face was found" in text

    labelling = Labelling(scene.faces["poor"], 0, Label.UNRELATED, "a poster")
    await do_label(access_of(store, ANNA, datetime.now(UTC)), labelling)
    assert f"/faces/{scene.faces['poor']}/crop" not in (await anna.get(f"/app/search/{search_id}/unjudged")).text


async def test_a_face_that_is_too_poor_is_judged_beside_the_one_that_was_asked_for(
    scene: Scene, store: Store, files: MediaStore, pages: Pages
) -> None:
    """The sheet was a dead end: no page led to the pair, which may be judged."""
    await scene.media("poor", NORTH, faces=["poor"])
    poor, anna = scene.faces["poor"], await pages(ANNA)
    await change(store, "MATCH (f:Face {face_id: $id}) SET f.too_poor_because = 'it is too dark'", id=poor)
    sheet = f"/app/search/{await answered(scene)}/unjudged"
    text = (await anna.get(sheet)).text
    [pair] = re.findall(r'href="([^"]*/pairs/[^"]*)"', text)
    opened = await anna.get(html.unescape(pair))
    assert opened.status_code == 200 and f"/faces/{poor}/crop" in opened.text
    assert f'name="back" value="{sheet}"' in opened.text, "and from there back to the sheet"
    assert "/pairs/" not in (await (await pages(SUE)).get(sheet)).text

    question = Question(NORTH, "victim identification", "StPO 98c", "register")
    who = access_of(store, ANNA, datetime.now(UTC))
    search_id = await ask_with_picture(who, files, question, Picture(b"group", "image/jpeg"))
    await scene.media("group", NORTH, faces=["g1", "g2"])
    for called in ("g1", "g2"):
        probe = "MATCH (s:Search {search_id: $search_id}), (f:Face {face_id: $id}) CREATE (s)-[:PROBE]->(f)"
        await change(store, probe, search_id=search_id, id=scene.faces[called])
    await scene.answer(search_id, [])
    for called in ("g1", "g2"):
        probe = scene.faces[called]
        text = (await anna.get(f"/app/search/{search_id}/unjudged", params={"probe": probe})).text
        assert f"/pairs/{poor}?probe={probe}" in text, "beside the face of the picture that was chosen"


async def test_a_face_that_is_listed_as_similar_is_judged_and_the_verdict_taken_back(
    scene: Scene, store: Store, pages: Pages
) -> None:
    """The list was a dead end: only the API linked a face of it."""
    made, anna = await listed(scene), await pages(ANNA)
    face, other = made["face_id"], made["other_face_id"]
    path = f"/app/faces/{face}/similar"
    [pair] = re.findall(r'href="(/app/pairs/[^"]*)"', (await anna.get(path)).text)
    text = (await anna.get(html.unescape(pair))).text
    assert "did not propose this pair" in text and f'name="back" value="{path}"' in text

    form: dict[str, Any] = {"probe": face, "face": [face, other], "back": path}
    assert (await anna.post(f"/app/pairs/{other}/preview", data=form)).status_code == 200
    judged = await anna.post(f"/app/pairs/{other}", data={**form, "decision": "confirmed", "reason": "ears"})
    assert (judged.status_code, judged.headers["location"]) == (303, path)
    text = (await anna.get(path)).text
    assert "same person, by one person" in text and "See what was decided" in text and "/app/pairs/" + other not in text

    link_id = ids.link_id(*ids.ordered(face, other))
    undone = await anna.post("/app/pairs/undone", data={"link": link_id, "version": "1", "back": path})
    assert (undone.status_code, undone.headers["location"]) == (303, path)
    assert f"/app/pairs/{other}" in (await anna.get(path)).text

    # Only what the list shows, and only beside the face that it is of.
    for probe, found in ((face, scene.faces["n2"]), (other, face), (scene.faces["n1"], other)):
        assert (await anna.get(f"/app/pairs/{found}", params={"probe": probe})).status_code == 404
        wrong = {"probe": probe, "face": [probe, found], "decision": "confirmed", "reason": "ears"}
        assert (await anna.post(f"/app/pairs/{found}", data=wrong)).status_code == 404


async def test_open_searches_are_listed_and_ended(scene: Scene, pages: Pages) -> None:
    search_id, anna = await asked(scene, f"case:{NORTH}"), await pages(ANNA)
    await scene.answer(search_id, [])
    await scene.store.write(lambda tx: tx.do("MATCH (s:Search) SET s.open = true"))
    assert search_id in (await anna.get("/app/search", params={"open": "true"})).text
    assert "End this search" in (await anna.get(f"/app/search/{search_id}")).text
    assert (await anna.post(f"/app/search/{search_id}/end")).status_code == 303
    assert "ended by its asker" in (await anna.get(f"/app/search/{search_id}")).text
    assert "No search is open" in (await anna.get("/app/search", params={"open": "true"})).text
    assert (await anna.post(f"/app/search/{search_id}/end")).status_code == 409


async def test_hostile_words_stay_words(scene: Scene, pages: Pages) -> None:
    anna = await pages(ANNA)
    form = {**QUESTION, "face": scene.faces["n1"], "purpose": HOSTILE, "legal_basis": HOSTILE}
    answer = await anna.post("/app/search", data=form)
    for path in (answer.headers["location"], "/app/search"):
        text = (await anna.get(path)).text
        assert "<script>alert" not in text and "&lt;script&gt;" in text


async def test_a_supervisor_sees_the_districts_searches_and_is_not_offered_to_judge(scene: Scene, pages: Pages) -> None:
    search_id, sue = await answered(scene), await pages(SUE)
    assert search_id in (await sue.get("/app/search")).text
    assert "Judge this pair" not in (await sue.get(f"/app/search/{search_id}")).text
