"""What a supervisor has erased is absent at once, and gone once link has read it; nothing else is touched."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
import pytest

from graph.actions.decide.erase import do_erase
from graph.domain import ids
from graph.domain.errors import Forbidden, NotFound
from graph.files import MediaStore
from graph.store.session import Store
from streams.faces.models import MODEL_ID
from streams.gallery.load import load_gallery
from streams.records.gallery import ErasureRecord
from tests.integration.conftest import entries
from tests.support import factories_streams as make
from tests.support.access import access_of
from tests.support.factories import ANNA, NORTH, NOW, SAM, SOUTH, SUE, Scene
from tests.support.harness import current_notices
from tests.support.link_in_process import LinkInProcess, link_in_process
from tests.support.register import Register, batch_of
from tests.support.signed_in import as_

pytestmark = pytest.mark.anyio


@pytest.fixture
def api(api: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client signed in as a supervisor of north."""
    api.headers.update(as_(SUE))
    return api


async def ask(api: httpx.AsyncClient, kind: str, subject: str, reason: str = "review date passed") -> httpx.Response:
    return await api.post("/erasures", json={"subject": {kind: subject}, "reason": reason})


async def statuses(api: httpx.AsyncClient, *paths: str) -> list[int]:
    return [(await api.get(path)).status_code for path in paths]


def ways_to(scene: Scene, name: str, *faces: str) -> list[str]:
    media_id = ids.media_id(name.encode())
    paths = [f"/media/{media_id}", f"/media/{media_id}/faces"]
    for face in faces:
        paths += [f"/faces/{scene.faces[face]}/crop", f"/faces/{scene.faces[face]}/labels"]
    return paths


async def test_a_media_is_absent_at_once_and_its_erasure_stands_in_the_log_and_the_audit(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    media_id = ids.media_id(b"n")
    await scene.depicts("n1", "v1")
    ways = [*ways_to(scene, "n", "n1", "n2"), "/victims/v1"]
    assert set(await statuses(api, *ways)) == {200}

    answer = await ask(api, "media_id", media_id)

    assert answer.status_code == 202
    assert set(await statuses(api, *ways)) == {404}
    assert (await api.get(f"/cases/{quote(NORTH)}")).json()["media"] == 0
    graph = (await api.get(f"/cases/{quote(NORTH)}/graph")).json()
    assert (graph["media"], graph["faces"], graph["links"]) == ([], [], [])
    assert (await api.get("/links")).json()["items"] == []
    receipt = (await api.get(answer.headers["location"])).json()
    assert (receipt["state"], receipt["waiting"], receipt["subject"]) == ("asked", 1, {"media_id": media_id})
    rows = await store.read(lambda tx: tx.rows("MATCH (o:Outbox) RETURN o.kind AS kind, o.body AS body"))
    assert [row["kind"] for row in rows] == ["erasure"]
    assert json.loads(rows[0]["body"])["erasure"]["subject"] == {"media_id": media_id}
    asked = next(entry for entry in await entries(store) if entry.action == "erasure.asked")
    assert (asked.subject, asked.purpose) == (f"media:{media_id}", "review date passed")
    assert (await ask(api, "media_id", media_id)).status_code == 404


async def test_a_case_is_absent_with_what_lies_in_it_alone(api: httpx.AsyncClient, scene: Scene) -> None:
    second = await scene.case("local:second")
    shared = await scene.media("shared", NORTH, second, faces=["shared"])

    await ask(api, "case_id", NORTH)

    case = f"/cases/{quote(NORTH)}"
    assert set(await statuses(api, case, f"{case}/media", f"{case}/graph", *ways_to(scene, "n", "n1"))) == {404}
    media = (await api.get(f"/media/{shared}")).json()
    assert [member["case_id"] for member in media["memberships"]] == [second]


async def test_every_case_system_with_the_picture_in_a_case_is_notified_of_its_erasure(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    """Symptom: a picture in cases of two case systems was erased, and neither heard of it."""
    both = await scene.media("both", NORTH, await scene.case("third:1"), faces=["both"])
    assert (await ask(api, "media_id", both)).status_code == 202
    [row] = await store.read(lambda tx: tx.rows("MATCH (o:Outbox {kind: 'erasure'}) RETURN o.body AS body"))
    record = ErasureRecord.model_validate_json(row["body"])

    for log in ([(0, record)], [(0, record), (1, record)]):
        notices = batch_of(Register(), MODEL_ID, log).changes.notices
        assert {(notice.source, notice.outcome, notice.body["media_id"]) for notice in notices} == {
            ("local", "erased", both),
            ("third", "erased", both),
        }
        assert len({notice.subject for notice in notices}) == 2, "told again it is the same notice"


async def test_a_case_that_is_larger_than_a_page_is_hidden_to_its_end(
    api: httpx.AsyncClient, store: Store, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Symptom: 503 for a case of 20,000 pictures. Cause: hiding it in one transaction overflowed Neo4j's memory."""
    monkeypatch.setattr("graph.actions.decide.erase.PAGE", 2)
    for name in ("a", "b", "c"):
        await scene.media(name, NORTH, faces=[name])
        await scene.link(name, "s1")

    answer = await ask(api, "case_id", NORTH)

    assert answer.status_code == 202
    rows = await store.read(lambda tx: tx.rows("MATCH ()-[h:HIDDEN_IN_CASE]->() RETURN h"))
    assert len(rows) == 4
    assert await store.read(lambda tx: tx.rows("MATCH ()-[i:IN_CASE]->(:Case {district: 'north'}) RETURN i")) == []
    assert await store.read(lambda tx: tx.rows("MATCH ()-[r:CANDIDATE]->() RETURN r")) == []
    assert [entry.action for entry in await entries(store)] == ["erasure.asked"]


async def test_a_face_is_absent_and_the_others_of_its_picture_stay(api: httpx.AsyncClient, scene: Scene) -> None:
    await ask(api, "face_id", scene.faces["n1"])

    assert set(await statuses(api, *ways_to(scene, "n", "n1")[2:])) == {404}
    [left] = (await api.get(f"/media/{ids.media_id(b'n')}/faces")).json()["items"]
    assert left["face_id"] == scene.faces["n2"]
    assert (await api.get("/links")).json()["items"] == []


async def test_of_a_victim_all_faces_go(api: httpx.AsyncClient, scene: Scene) -> None:
    for face in ("n1", "n2"):
        await scene.depicts(face, "v1")

    answer = await ask(api, "victim_id", "v1")

    assert set(await statuses(api, "/victims/v1", f"/faces/{scene.faces['n1']}/crop")) == {404}
    assert (await api.get(answer.headers["location"])).json()["subjects"] == 2
    assert (await api.get(f"/media/{ids.media_id(b'n')}")).json()["faces"] == 0


async def test_a_supervisor_of_every_district_concerned_erases_and_nobody_else(store: Store, scene: Scene) -> None:
    shared = await scene.media("shared", NORTH, SOUTH)
    with pytest.raises(NotFound):
        await do_erase(access_of(store, SAM, NOW), "media_id", ids.media_id(b"n"), "x")
    with pytest.raises(Forbidden):
        await do_erase(access_of(store, ANNA, NOW), "media_id", ids.media_id(b"n"), "x")
    with pytest.raises(Forbidden) as both:
        await do_erase(access_of(store, SUE, NOW), "media_id", shared, "x")

    assert both.value.code == "other_district"
    assert await entries(store) == []


async def test_a_wrong_erasure_is_refused(api: httpx.AsyncClient, scene: Scene, subtests: pytest.Subtests) -> None:
    face = scene.faces["n1"]
    wrong: list[Any] = [
        {},
        {"face_id": face, "media_id": "x"},
        {"link_id": "x"},
        {"face_id": None},
        {"face_id": ""},
        face,
    ]
    for subject in wrong:
        with subtests.test(subject=str(subject)[:30]):
            answer = await api.post("/erasures", json={"subject": subject, "reason": "x"})
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert (await ask(api, "face_id", face, " ")).status_code == 422
    assert (await ask(api, "victim_id", "nobody")).status_code == 404
    assert (await api.get("/erasures/none")).status_code == 404


@pytest.fixture
async def site(store: Store, tmp_path: Path) -> AsyncIterator[LinkInProcess]:
    async with link_in_process(store, tmp_path) as site:
        yield site


async def test_link_forgets_what_was_asked_also_when_it_started_in_between_and_the_receipt_says_done(
    site: LinkInProcess, api: httpx.AsyncClient, files: MediaStore
) -> None:
    rng = np.random.default_rng(9)
    child = make.unit(rng)

    def picture(name: str, case: str, place: int, faces: int = 1) -> Any:
        vectors = [make.near(rng, child, 0.95), make.unit(rng)][:faces]
        event = make.submitted(case, "register", make.CASES[case])
        return make.embedded(name, vectors, event, make.origin(place))

    pictures = [picture("one", "local:n1", 0, 2), picture("two", "local:n2", 1), picture("three", "local:n2", 2)]
    site.write([*pictures, picture("four", "local:s1", 3)])
    crops = [
        files.put_crop(make.media_id(name), make.face_id(name), kind, b"x")
        for name in ("one", "two")  # a face and a whole media
        for kind in ("display", "aligned", "context")
    ]
    await site.linked()
    assert len(await site.links()) == 6
    await site.stop()

    asked = [
        await ask(api, "face_id", make.face_id("one")),
        await ask(api, "media_id", make.media_id("two")),
        await ask(api, "case_id", "local:n2"),
    ]
    hidden = await load_gallery(site.store, MODEL_ID)
    assert (len(hidden.media), len(hidden.faces)) == (4, 5)
    # It comes into another case before the erasure stands in the log: there it stays, and is compared.
    site.write([picture("three", "local:n1", 4)])
    await site.linked()
    receipts = [(await api.get(answer.headers["location"])).json() for answer in asked]
    assert [(receipt["state"], receipt["waiting"]) for receipt in receipts] == [("done", 0)] * 3
    left = await site.rows(
        "MATCH (f:Face)-[:SEEN_IN]->(m:Media)-[:IN_CASE]->(c:Case) RETURN f.face_id AS face, c.case_id AS case"
    )
    assert {(row["face"], row["case"]) for row in left} == {
        (make.face_id("one", 1), "local:n1"),
        (make.face_id("three"), "local:n1"),
        (make.face_id("four"), "local:s1"),
    }
    assert set(await site.links()) == {ids.ordered(make.face_id("three"), make.face_id("four"))}
    assert await site.rows("MATCH ()-[r:HIDDEN_IN_CASE|HIDDEN_SEEN_IN]->() RETURN type(r) AS kind") == []
    assert await site.rows("MATCH (e:Embedding) RETURN count(e) AS n") == [{"n": 3}]
    assert [crop for crop in crops if files.has(crop)] == []
    told = [n for n in current_notices(site.notices()).values() if n["outcome"] == "erased"]
    assert {next(iter({"face_id", "media_id", "case_id"} & n.keys())) for n in told} == {
        "face_id",
        "media_id",
        "case_id",
    }

    # Submitted again later, on purpose, is a new event.
    after = int(datetime.now(UTC).timestamp() * 1000) - make.START_MS + 60_000
    event = make.submitted("local:n2", "register", "north")
    site.write([make.embedded("two", [make.near(rng, child, 0.95)], event, make.origin(9, at=after))])
    await site.linked()
    assert (await api.get(f"/media/{make.media_id('two')}")).status_code == 200
    assert (await api.get("/cases/local:n2")).status_code == 200
