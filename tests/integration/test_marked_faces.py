"""A face that the detector missed, from the investigator's box to the candidate, and its end."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from confluent_kafka import Producer

from graph.actions.decide.mark import do_mark
from graph.actions.operate.quarantine import replay
from graph.domain import ids
from graph.domain.errors import Conflict
from graph.files import MediaStore
from graph.store.session import Store
from streams import topics
from streams.client.publish import CaseSystem
from streams.faces.models import MODEL_ID, ModelFiles
from streams.gallery.load import load_gallery
from streams.settings import Addresses
from tests.integration.conftest import entries
from tests.support import factories_streams as make
from tests.support.access import access_of
from tests.support.factories import ANNA, BEN, NORTH, NOW, SAM, SOUTH, SUE, Scene
from tests.support.factories_pictures import astronaut, encoded, upside_down_photograph
from tests.support.harness import Site, current_notices, installation
from tests.support.link_in_process import LinkInProcess, link_in_process
from tests.support.signed_in import as_

pytestmark = pytest.mark.anyio
FREE = [300, 200, 60, 80]
"""A place in the scene's picture `n` where no face is; n1 lies at [10, 20, 60, 80]."""


async def mark(api: httpx.AsyncClient, name: str, box: Any, **sent: Any) -> httpx.Response:
    return await api.post(f"/media/{ids.media_id(name.encode())}/faces", json={"box": box}, **sent)


async def outbox(store: Store) -> list[dict[str, Any]]:
    rows = await store.read(lambda tx: tx.rows("MATCH (o:Outbox) RETURN o {.*} AS o ORDER BY o.seq"))
    return [{**row["o"], "body": json.loads(row["o"]["body"])} for row in rows]


async def test_a_mark_its_act_audit_entry_and_event_are_one_and_it_is_seen_to_wait(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    media_id = ids.media_id(b"n")
    answer = await mark(api, "n", FREE)

    [out] = await outbox(store)
    act_id = out["key"]
    face_id = ids.marked_face_id(media_id, act_id)
    assert (answer.status_code, answer.headers["location"]) == (202, f"/media/{media_id}/faces")
    assert answer.json() == {"face_id": face_id, "media_id": media_id, "box": FREE, "status": "waiting"}
    assert (out["kind"], out["body"]) == (
        "mark",
        {
            "act_id": act_id,
            "media_id": media_id,
            "url": "file:///n.jpg",
            "content_type": "image/jpeg",
            "box": FREE,
            "ordinal": 2,
            "marked_on": {NORTH: 1_795_000_000_000},
        },
    )
    [entry] = await entries(store)
    assert (entry.action, entry.subject, entry.actor) == ("face.marked", face_id, "anna@north")
    assert entry.purpose == "victim identification"
    seen = (await api.get(answer.headers["location"])).json()
    assert [face["face_id"] for face in seen["items"]] == [scene.faces["n1"], scene.faces["n2"]]
    [waiting] = seen["waiting"]
    assert waiting == {
        "face_id": face_id,
        "box": FREE,
        "marked_by": "anna@north",
        "marked_at": waiting["marked_at"],
        "status": "waiting",
        "reason": None,
    }


async def test_a_face_is_marked_once_whether_it_is_stored_or_waits(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    x, y, w, h = FREE
    first = (await mark(api, "n", FREE)).json()["face_id"]

    stored, waits = await mark(api, "n", [12, 22, 60, 80]), await mark(api, "n", [x + 10, y, w, h])
    beside = await mark(api, "n", [x + 30, y, w, h])

    assert [(answer.status_code, answer.json()["code"]) for answer in (stored, waits)] == [(409, "face_exists")] * 2
    nearest = scene.faces["n2"]
    assert stored.json()["current"] == {"face_id": nearest, "box": [11, 20, 60, 80], "status": "stored"}
    assert waits.json()["current"] == {"face_id": first, "box": FREE, "status": "waiting"}
    assert beside.status_code == 202
    assert [out["body"]["ordinal"] for out in await outbox(store)] == [2, 3]


WRONG: list[Any] = [
    [300, 200, 15, 80],
    [300, 200, 60, 15],
    [600, 200, 60, 80],
    [300, 420, 60, 80],
    [-1, 0, 60, 80],
    [0, 0, 641, 80],
    [300, 200, 60],
    [*FREE, 1],
    [300.5, 200, 60, 80],
    ["300", 200, 60, 80],
    [True, 200, 60, 80],
    [10**30, 0, 60, 80],
    None,
    {},
    "all",
]


async def test_a_box_that_is_none_too_small_or_outside_the_picture_is_refused_and_leaves_nothing(
    api: httpx.AsyncClient, store: Store, scene: Scene, subtests: pytest.Subtests
) -> None:
    for box in WRONG:
        with subtests.test(box=str(box)):
            answer = await mark(api, "n", box)
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    outside = await mark(api, "n", [600, 200, 60, 80])
    assert "640 x 480 pixels" in outside.json()["detail"]
    assert await outbox(store) == []
    assert await entries(store) == []


async def test_investigators_of_the_district_mark_and_of_a_shared_picture_those_of_both(
    api: httpx.AsyncClient, scene: Scene
) -> None:
    await scene.media("shared", NORTH, SOUTH)

    async def status(name: str, person: Any) -> int:
        return (await mark(api, name, FREE, headers=as_(person))).status_code

    assert [await status("n", person) for person in (BEN, SUE, SAM)] == [404, 403, 403]
    assert [await status("t", person) for person in (ANNA, BEN)] == [404, 202]
    assert (await mark(api, "shared", FREE)).status_code == 202
    assert (await mark(api, "shared", [0, 0, 60, 80], headers=as_(BEN))).status_code == 202


@pytest.fixture
async def site(stack: Addresses, store: Store, tmp_path: Path) -> AsyncIterator[Site]:
    async with installation(stack, store, tmp_path) as site:
        yield site


@pytest.fixture
async def linked(store: Store, tmp_path: Path) -> AsyncIterator[LinkInProcess]:
    async with link_in_process(store, tmp_path) as site:
        yield site


async def test_link_adds_a_marked_face_loads_it_again_and_a_replay_changes_nothing(linked: LinkInProcess) -> None:
    site = linked
    rng = np.random.default_rng(6)
    child = make.unit(rng)

    def picture(name: str, case: str, place: int, *vectors: Any) -> Any:
        event = make.submitted(case, "register", make.CASES[case])
        return make.embedded(name, vectors, event, make.origin(place))

    one = make.media_id("one")
    site.write([picture("one", "local:n1", 0), picture("two", "local:s1", 1, child)])
    await site.linked()
    face_id = await do_mark(access_of(site.store, ANNA, datetime.now(UTC)), one, [200, 200, 60, 80])
    await site.linked()
    [published] = site.read(topics.PROBES)
    event = json.loads(published.value or b"")
    source = make.origin(0, kind="probes.submitted", source="")
    record = make.marked("one", event["act_id"], make.near(rng, child, 0.9), {"local:n1": 0}, source)
    assert record.face.face_id == face_id
    site.write([record, record])
    await site.linked()

    assert set(await site.links()) == {ids.ordered(face_id, make.face_id("two"))}
    acts = "MATCH (a:Act)-[r:MARKS|MARKED]->(f) RETURN a.by AS by, type(r) AS kind, f.face_id AS face"
    assert await site.rows(acts) == [{"by": "anna@north", "kind": "MARKED", "face": face_id}]
    await site.stop()
    loaded = (await load_gallery(site.store, MODEL_ID)).faces[face_id]
    assert loaded.marked_on == {"local:n1": make.START_MS}
    before, told = await site.snapshot(), site.notices()
    assert current_notices(told)[f"face:{face_id}@local"]["outcome"] == "face_marked"

    await site.do("MATCH (c:Cursor) SET c.offset = -1")
    site.write([picture("one", "local:n1", 0)])
    await site.linked()

    assert await site.snapshot() == before
    assert site.notices() == told


@pytest.fixture
async def running(models: ModelFiles, site: Site) -> Site:
    """The whole chain with the real models, and an open case in north and one in south."""
    system, places = CaseSystem(site.stack.kafka_connection), set[str]()
    for case, district in ((NORTH, "north"), ("local:s1", "south")):
        system.change_case({"case_id": case, "district": district, "status": "open", "version": 1}, places.add)
    system.flush()
    site.start("embed")
    site.start("link")
    await site.noticed(f"event:{place}" for place in places)
    return site


async def upload(api: httpx.AsyncClient, case: str, data: bytes, person: Any) -> str:
    told = {"case_id": case, "purpose": "victim identification", "legal_basis": "test", "scope": "register"}
    sent = {"file": ("a.jpg", data, "image/jpeg")}
    answer = await api.post("/media", data=told, files=sent, headers=as_(person))
    assert answer.status_code == 202
    return answer.json()["media_id"]


async def faces_of(api: httpx.AsyncClient, media_id: str) -> dict[str, Any]:
    return (await api.get(f"/media/{media_id}/faces")).json()


async def test_a_child_lying_upside_down_is_marked_proposed_with_its_other_picture_and_erased_for_good(
    running: Site, api: httpx.AsyncClient, files: MediaStore
) -> None:
    upright = encoded(astronaut().crop((100, 0, 400, 300)), "JPEG", quality=95)
    missed = await upload(api, NORTH, upside_down_photograph(), ANNA)
    await upload(api, "local:s1", upright, BEN)
    await running.wait_until(lambda: len(running.notices()) == 4, "both pictures are told")
    assert [face["box"][0] > 400 for face in (await faces_of(api, missed))["items"]] == [True]  # the bystander alone

    answer = await api.post(f"/media/{missed}/faces", json={"box": [255, 115, 65, 75]})
    blank = await api.post(f"/media/{missed}/faces", json={"box": [20, 300, 60, 80]})

    async def stored() -> bool:
        return len((await faces_of(api, missed))["items"]) == 3

    await running.wait_until(stored, "both boxes are embedded")
    found = await faces_of(api, missed)
    bystander, child, nobody = found["items"]
    assert found["waiting"] == []
    assert [face["face_id"] for face in (child, nobody)] == [answer.json()["face_id"], blank.json()["face_id"]]
    assert (child["box"], child["landmarks_seen"], child["too_poor_because"]) == ([255, 115, 65, 75], True, None)
    assert (child["marked_by"], child["marked_at"] is None) == ("anna@north", False)
    assert (nobody["landmarks_seen"], "eyes, nose and mouth" in nobody["too_poor_because"]) == (False, True)
    for picture in ("crop", "context"):
        assert (await api.get(f"/faces/{child['face_id']}/{picture}")).status_code == 200
    [link] = (await api.get("/links")).json()["items"]
    assert child["face_id"] in (link["a"]["face_id"], link["b"]["face_id"])

    asked = {"subject": {"face_id": child["face_id"]}, "reason": "asked for"}
    receipt = (await api.post("/erasures", json=asked, headers=as_(SUE))).headers["location"]

    async def done() -> bool:
        return (await api.get(receipt, headers=as_(SUE))).json()["state"] == "done"

    await running.wait_until(done, "it is erased")
    # Its event is sent once more, and the picture too: neither brings it back.
    log = running.end_of(topics.GALLERY)
    [again] = [record for record in running.read(topics.PROBES) if answer.json()["face_id"] == marked_by(record)]
    send_again(running, again)
    await upload(api, NORTH, upside_down_photograph(), ANNA)
    await running.wait_until(lambda: running.end_of(topics.GALLERY) == log + 2, "both are embedded")
    await running.linked()
    left = [face["face_id"] for face in (await faces_of(api, missed))["items"]]
    assert left == [bystander["face_id"], nobody["face_id"]]
    assert (await api.get("/links")).json()["items"] == []


def marked_by(record: Any) -> str:
    event = json.loads(record.value())
    return ids.marked_face_id(event["media_id"], event["act_id"])


def send_again(site: Site, record: Any) -> None:
    producer = Producer(site.connection)
    producer.produce(record.topic(), record.value(), record.key(), headers=record.headers())
    assert producer.flush(30) == 0


async def test_a_picture_that_is_gone_leaves_the_mark_in_quarantine_with_its_reason_until_it_is_replayed(
    running: Site, api: httpx.AsyncClient, tmp_path: Path
) -> None:
    media_id = await upload(api, NORTH, upside_down_photograph(), ANNA)
    await running.wait_until(lambda: len(running.notices()) == 3, "the picture is told")
    store = MediaStore((tmp_path / "store").as_uri())
    data = store.read_upload(media_id)
    store.delete_media(media_id)

    await api.post(f"/media/{media_id}/faces", json={"box": [255, 115, 65, 75]})

    async def failed() -> bool:
        waiting = (await faces_of(api, media_id))["waiting"]
        return [mark["status"] for mark in waiting] == ["quarantined"]

    await running.wait_until(failed, "the mark is in quarantine")
    [waiting] = (await faces_of(api, media_id))["waiting"]
    assert "upload it again" in waiting["reason"]
    with pytest.raises(Conflict) as there:
        await do_mark(access_of(running.store, ANNA, NOW), media_id, [255, 115, 65, 75])
    assert there.value.current["status"] == "quarantined"

    store.put_upload(data)
    [row] = await running.rows("MATCH (q:Quarantined) RETURN q.quarantine_id AS id")
    await replay(running.store, row["id"], actor="operator", now=datetime.now(UTC))

    async def stored() -> bool:
        return waiting["face_id"] in [face["face_id"] for face in (await faces_of(api, media_id))["items"]]

    await running.wait_until(stored, "the replay has brought it in")
    assert (await faces_of(api, media_id))["waiting"] == []
    [row] = await running.rows("MATCH (q:Quarantined) RETURN q.status AS status")
    assert row["status"] == "resolved"
