"""Asking over HTTP: what a search must say, what is published, and what an answer never claims."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from graph.actions.read.search import OPEN_DAYS
from graph.domain import ids
from graph.files import MediaStore
from graph.store.session import Row, Store
from streams.records.incoming import SearchProbe
from tests.integration.conftest import deeds, entries
from tests.support.factories import NORTH, SOUTH, Scene, drawn_face

pytestmark = pytest.mark.anyio


def question(**changed: Any) -> dict[str, Any]:
    asked = {"case_id": NORTH, "purpose": "victim identification", "legal_basis": "StPO 98c", "in": f"case:{NORTH}"}
    return {key: value for key, value in {**asked, **changed}.items() if value is not None}


async def outbox(store: Store) -> list[Row]:
    rows = await store.read(lambda tx: tx.rows("MATCH (o:Outbox) RETURN o {.*} AS o ORDER BY o.seq"))
    return [{**row["o"], "body": json.loads(row["o"]["body"])} for row in rows]


async def test_a_search_for_known_faces_is_stored_published_and_in_the_audit(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    face = scene.faces["n1"]
    answer = await api.post("/searches", json=question(faces=[face, face], limit=5))

    search_id = answer.json()["search_id"]
    assert (answer.status_code, answer.headers["location"]) == (202, f"/searches/{search_id}")
    [out] = await outbox(store)
    assert (out["kind"], out["key"]) == ("search", search_id)
    assert out["body"] == {
        "search_id": search_id,
        "case_id": NORTH,
        "within": f"case:{NORTH}",
        "limit": 5,
        "faces": [face],
        "keep_asking": False,
        "until": out["body"]["until"],
    }
    [entry] = await entries(store)
    assert (entry.action, entry.subject, entry.purpose) == ("search.asked", search_id, "victim identification")
    assert ids.is_digest(entry.digest)
    waiting = (await api.get(answer.headers["location"])).json()
    assert (waiting["status"], waiting["compared"], waiting["items"]) == ("asked", None, [])
    assert [probe["face_id"] for probe in waiting["faces"]] == [face]
    assert (waiting["legal_basis"], waiting["in"], waiting["parts"]) == ("StPO 98c", f"case:{NORTH}", [])
    asked_at, until = datetime.fromisoformat(waiting["asked_at"]), datetime.fromisoformat(waiting["open_until"])
    assert timedelta(days=OPEN_DAYS) - (until - asked_at) < timedelta(seconds=1)


async def test_an_uploaded_picture_is_stored_first_and_rides_with_scope_none(
    api: httpx.AsyncClient, store: Store, files: MediaStore, scene: Scene
) -> None:
    picture = drawn_face()
    answer = await api.post(
        "/searches", data=question(**{"in": "register", "limit": "7"}), files={"file": ("a.jpg", picture, "image/jpeg")}
    )

    assert answer.status_code == 202
    [out] = await outbox(store)
    media_id = ids.media_id(picture)
    assert files.read_upload(media_id) == picture
    assert (out["kind"], out["body"]) == (
        "probe",
        {
            "search_id": answer.json()["search_id"],
            "case_id": NORTH,
            "within": "register",
            "limit": 7,
            "district": "north",
            "url": files.upload_url(media_id),
            "sha256": media_id,
            "content_type": "image/jpeg",
            "purpose": "victim identification",
            "legal_basis": "StPO 98c",
            "scope": "none",
            "keep_asking": False,
            "until": None,
            "turn": 0,
        },
    )


async def test_a_picture_that_is_turned_is_stored_as_it_came_and_the_turn_travels_in_its_event(
    api: httpx.AsyncClient, store: Store, files: MediaStore, scene: Scene
) -> None:
    picture = drawn_face()
    form = question(**{"in": "register", "rotate": "90"})
    answer = await api.post("/searches", data=form, files={"file": ("a.jpg", picture, "image/jpeg")})

    assert answer.status_code == 202
    media_id = hashlib.sha256(picture).hexdigest()
    assert files.read_upload(media_id) == picture
    [out] = await outbox(store)
    assert (out["body"]["sha256"], out["body"]["url"]) == (media_id, files.upload_url(media_id))
    probe = SearchProbe.model_validate(out["body"])
    assert probe.turn == 90
    older = {name: value for name, value in out["body"].items() if name != "turn"}
    assert SearchProbe.model_validate(older) == probe.model_copy(update={"turn": 0})


async def test_an_answer_gives_ranks_and_no_score(api: httpx.AsyncClient, scene: Scene) -> None:
    asked = (await api.post("/searches", json=question(faces=[scene.faces["n1"]]))).json()["search_id"]
    await scene.answer(asked, [("s1", 0.61), ("t1", 0.38)])

    found = await api.get(f"/searches/{asked}")

    answer = found.json()
    assert [(item["rank"], item["face_id"], item["above"]) for item in answer["items"]] == [
        (1, scene.faces["s1"], True),
        (2, scene.faces["t1"], False),
    ]
    assert [item["district"] for item in answer["items"]] == ["south", "south"]
    assert [answer[name] for name in ("compared", "too_poor", "gallery_offset", "gallery_size")] == [8, 1, 7, 9]
    assert answer["headline"].startswith("leads to an unknown face in 8 compared, 1 could not be judged")
    assert "score" not in found.text
    assert "0.61" not in found.text


async def test_an_empty_answer_says_what_it_was_compared_with(api: httpx.AsyncClient, scene: Scene) -> None:
    asked = (await api.post("/searches", json=question(faces=[scene.faces["n1"]]))).json()["search_id"]
    await scene.answer(asked, [])

    answer = (await api.get(f"/searches/{asked}")).json()

    assert answer["headline"] == "nothing similar in 8 compared, 1 could not be judged"


@pytest.mark.parametrize("status", ["no_face", "too_poor", "quarantined"])
async def test_a_search_that_compared_nothing_says_so(api: httpx.AsyncClient, scene: Scene, status: str) -> None:
    asked = (await api.post("/searches", json=question(faces=[scene.faces["n1"]]))).json()["search_id"]
    await scene.answer(asked, [], status=status, compared=0)

    answer = (await api.get(f"/searches/{asked}")).json()

    assert answer["status"] == status
    assert answer["headline"].endswith("nothing was compared")


INCOMPLETE: list[tuple[dict[str, Any], int, str]] = [
    ({"purpose": None}, 422, "invalid"),
    ({"purpose": "  "}, 422, "invalid"),
    ({"purpose": "Claim:x"}, 422, "invalid"),
    ({"legal_basis": None}, 422, "invalid"),
    ({"legal_basis": " "}, 422, "invalid"),
    ({"in": None}, 422, "invalid"),
    ({"in": "everything"}, 422, "invalid"),
    ({"in": "case:"}, 422, "invalid"),
    ({"in": "case:local:unknown"}, 404, "case_unknown"),
    ({"in": f"case:{SOUTH}"}, 404, "case_unknown"),
    ({"case_id": SOUTH}, 404, "case_unknown"),
    ({"case_id": "local:unknown"}, 404, "case_unknown"),
    ({"case_id": "no colon"}, 422, "invalid"),
    ({"limit": 0}, 422, "invalid"),
    ({"limit": 101}, 422, "invalid"),
    ({"faces": []}, 422, "invalid"),
    ({"faces": ["f" * 64]}, 404, "face_unknown"),
    ({"faces": ["not an id"]}, 422, "invalid"),
    ({"scope": "register"}, 422, "invalid"),
    ({"victim_id": "v1"}, 422, "invalid"),
    ({"faces": None}, 422, "invalid"),
    ({"faces": None, "victim_id": "nobody"}, 404, "not_found"),
]


async def test_an_incomplete_question_is_refused_and_leaves_nothing(
    api: httpx.AsyncClient, store: Store, scene: Scene, subtests: pytest.Subtests
) -> None:
    for changed, status, code in INCOMPLETE:
        with subtests.test(changed=str(changed)):
            answer = await api.post("/searches", json=question(**{"faces": [scene.faces["n1"]], **changed}))

            assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await outbox(store) == []
    assert await deeds(store) == []


async def test_uploads_are_refused_when_empty_too_large_or_not_a_form(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    async def code(**sent: Any) -> tuple[int, str]:
        answer = await api.post("/searches", **sent)
        return answer.status_code, answer.json()["code"]

    async def endless() -> Any:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(40):
            yield b"x" * 100_000
        raise AssertionError("the service read on beyond its limit")

    form = {"Content-Type": "multipart/form-data; boundary=b"}
    assert await code(data=question(), files={"file": ("a.jpg", b"", "image/jpeg")}) == (422, "empty_file")
    assert await code(data=question(), files={"file": ("a.jpg", b"x" * 2_000_000)}) == (413, "too_large")
    for junk in (b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7 ", b"<!doctype html><p>face</p>"):
        sent = {"file": ("a.jpg", junk, "image/jpeg")}
        assert await code(data=question(), files=sent) == (415, "unsupported_content_type")
    assert await code(json=question(faces=["0" * 64], limit=True)) == (422, "invalid")
    assert await code(json=question(faces=["0" * 64], purpose="\u200b\u202e")) == (422, "invalid")
    assert await code(content=endless(), headers=form) == (413, "too_large")
    assert await code(data=question(), files={"other": ("a.jpg", b"x")}) == (422, "invalid")
    assert await code(data=question(), files=[("file", ("a", b"x")), ("file", ("b", b"x"))]) == (400, "malformed_body")
    assert await code(content=b"junk", headers=form) == (400, "malformed_body")
    assert await code(content=b"junk", headers={"Content-Type": "multipart/form-data"}) == (400, "malformed_body")
    assert await code(content=b"junk", headers={"Content-Type": "text/plain"}) == (415, "unsupported_content_type")
    assert await code(content=b"{", headers={"Content-Type": "application/json"}) == (400, "malformed_body")
    assert await code(content=b" " * 300_000, headers={"Content-Type": "application/json"}) == (413, "too_large")
    assert await outbox(store) == []
