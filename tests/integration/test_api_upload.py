"""Uploading a picture into a case: what is refused, what is published, and that its faces end up in the case."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from graph.actions.link import commit
from graph.actions.link.writes import GraphWrites
from graph.actions.operate import quarantine
from graph.domain import ids
from graph.files import MediaStore
from graph.store.session import Row, Store
from streams.client.publish import CaseSystem
from streams.settings import Addresses
from tests.integration.conftest import deeds, entries
from tests.support.factories import BEN, NORTH, NOW, SOUTH, Scene, drawn_face
from tests.support.factories_pictures import astronaut, encoded
from tests.support.harness import Site, current_notices, installation
from tests.support.signed_in import as_

pytestmark = pytest.mark.anyio


def fields(**changed: Any) -> dict[str, Any]:
    told = {"case_id": NORTH, "purpose": "victim identification", "legal_basis": "StPO 98c", "scope": "register"}
    return {key: value for key, value in {**told, **changed}.items() if value is not None}


async def outbox(store: Store) -> list[Row]:
    rows = await store.read(lambda tx: tx.rows("MATCH (o:Outbox) RETURN o {.*} AS o ORDER BY o.seq"))
    return [{**row["o"], "body": json.loads(row["o"]["body"])} for row in rows]


async def test_an_upload_is_stored_first_and_published_like_a_case_systems_event(
    api: httpx.AsyncClient, store: Store, files: MediaStore, scene: Scene
) -> None:
    picture = drawn_face()
    told = fields(exhibit="A-7", urgency="urgent", captured_at="2026-01-02T03:04:05+01:00", source_ref="4711")
    answer = await api.post("/media", data=told, files={"file": ("a.jpg", picture, "image/jpeg")})

    media_id = ids.media_id(picture)
    assert (answer.status_code, answer.headers["location"]) == (202, f"/media/{media_id}")
    assert answer.json() == {"media_id": media_id, "status": "submitted"}
    assert files.read_upload(media_id) == picture
    [out] = await outbox(store)
    assert (out["kind"], out["key"], out["source"]) == ("media", media_id, "local")
    del out["body"]["ce_id"]
    assert out["body"] == {
        **told,
        "district": "north",
        "sha256": media_id,
        "url": files.upload_url(media_id),
        "content_type": "image/jpeg",
    }
    [entry] = await entries(store)
    assert (entry.action, entry.subject, entry.purpose) == ("media.uploaded", media_id, "victim identification")


async def test_while_the_media_store_is_away_uploads_are_refused_and_nothing_is_reported_missing(
    api: httpx.AsyncClient, store: Store, scene: Scene, tmp_path: Path
) -> None:
    """A face whose store was not mounted was told as gone (404), and an upload went below the mount point."""
    (tmp_path / "store").rename(tmp_path / "away")
    (tmp_path / "store").mkdir()
    file = {"file": ("a.jpg", drawn_face(), "image/jpeg")}

    crop = await api.get(f"/faces/{scene.faces['n1']}/crop")
    upload = await api.post("/media", data=fields(), files=file)
    ready = await api.get("/readyz")

    assert [(answer.status_code, answer.json()["code"]) for answer in (crop, upload, ready)] == [
        (503, "media_store_unavailable"),
        (503, "media_store_unavailable"),
        (503, "not_ready"),
    ]
    assert crop.headers["retry-after"] == "5"
    assert ready.json()["parts"]["media_store"].startswith("The media store is away")
    assert str(tmp_path) not in crop.text + upload.text + ready.text
    assert list((tmp_path / "store").iterdir()) == []
    assert await outbox(store) == [] and await deeds(store) == []
    (tmp_path / "store").rmdir()
    (tmp_path / "away").rename(tmp_path / "store")
    assert (await api.get(f"/faces/{scene.faces['n1']}/crop")).status_code == 200


async def test_an_upload_in_progress_is_shown_in_its_own_district_only(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    """Symptom: who followed the Location of an upload at once was told that there is no such media."""
    sent = {"file": ("a.jpg", drawn_face(), "image/jpeg")}
    place = (await api.post("/media", data=fields(), files=sent)).headers["location"]

    waiting = await api.get(place)
    assert (waiting.status_code, waiting.json()["status"]) == (202, "submitted")
    assert (await api.get(place, headers=as_(BEN))).status_code == 404
    assert (await api.get(f"{place}/faces")).status_code == 404
    assert [entry.action for entry in await deeds(store)] == ["media.uploaded", "media.seen"]

    # What can't be processed says so; what came to an end, as an erased media does, is no longer on its way.
    [out] = await outbox(store)
    event: dict[str, Any] = {
        "event": "redthread.media.submitted.local.v1/0/0",
        "attempts": 1,
        "source": "local",
        "code": "x",
        "reason": "x",
        "headers": [],
        "host": None,
        "ce_id": out["body"]["ce_id"],
    }
    await quarantine.index(store, [event], now=NOW)
    assert (await api.get(place)).json()["status"] == "quarantined"
    ended = GraphWrites(0, 0, processed_ce_ids=[out["body"]["ce_id"]])
    await commit.commit(store, 0, ended, now=NOW)
    assert (await api.get(place)).status_code == 404


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"scope": None}, 422, "invalid"),
    ({"scope": "everything"}, 422, "invalid"),
    ({"purpose": " "}, 422, "invalid"),
    ({"purpose": "Claim:x"}, 422, "invalid"),
    ({"legal_basis": None}, 422, "invalid"),
    ({"captured_at": "yesterday"}, 422, "invalid"),
    ({"captured_at": "2026-01-02T03:04:05"}, 422, "invalid"),
    ({"urgency": "now"}, 422, "invalid"),
    ({"exhibit": "x" * 301}, 422, "invalid"),
    ({"district": "north"}, 422, "invalid"),
    ({"case_id": "no colon"}, 422, "invalid"),
    ({"case_id": "local:unknown"}, 404, "case_unknown"),
    ({"case_id": SOUTH}, 404, "case_unknown"),
]


async def test_an_upload_that_leaves_something_open_is_refused_and_leaves_nothing(
    api: httpx.AsyncClient, store: Store, scene: Scene, subtests: pytest.Subtests
) -> None:
    for changed, status, code in REFUSED:
        with subtests.test(changed=str(changed)):
            sent = {"file": ("a.jpg", drawn_face(), "image/jpeg")}
            answer = await api.post("/media", data=fields(**changed), files=sent)

            assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await outbox(store) == []
    assert await deeds(store) == []


async def test_a_file_that_is_empty_too_large_or_no_media_is_refused(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    async def code(**sent: Any) -> tuple[int, str]:
        answer = await api.post("/media", **sent)
        return answer.status_code, answer.json()["code"]

    assert await code(data=fields(), files={"file": ("a.jpg", b"")}) == (422, "empty_file")
    assert await code(data=fields(), files={"file": ("a.jpg", b"x" * 2_000_000)}) == (413, "too_large")
    for junk in (b"%PDF-1.7", b"PK\x03\x04", b"<html>", b"{}", b"\x00" * 64):
        assert await code(data=fields(), files={"file": ("a.jpg", junk)}) == (415, "unsupported_content_type")
    assert await code(data=fields(), files={"other": ("a.jpg", b"x")}) == (422, "invalid")
    assert await code(json=fields()) == (415, "unsupported_content_type")
    assert await outbox(store) == []


@pytest.fixture
async def site(stack: Addresses, store: Store, tmp_path: Path) -> AsyncIterator[Site]:
    async with installation(stack, store, tmp_path) as site:
        yield site


@pytest.mark.usefixtures("models")
async def test_a_face_of_an_uploaded_picture_ends_up_in_its_case_and_the_same_bytes_twice_harm_nobody(
    site: Site, api: httpx.AsyncClient
) -> None:
    case, places = CaseSystem(site.stack.kafka_connection), set[str]()
    case.change_case({"case_id": NORTH, "district": "north", "status": "open", "version": 1}, places.add)
    case.flush()
    site.start("embed")
    site.start("link")
    await site.noticed(f"event:{place}" for place in places)
    picture = encoded(astronaut().crop((100, 0, 400, 300)), "JPEG", quality=95)

    for _ in range(2):
        sent = {"file": ("a.jpg", picture, "image/jpeg")}
        answer = await api.post("/media", data=fields(source_ref="4711"), files=sent)
        assert answer.status_code == 202
    await site.wait_until(lambda: len(site.notices()) == 3, "both uploads are told")

    media = (await api.get(answer.headers["location"])).json()
    assert (media["faces"], media["memberships"][0]["case_id"]) == (1, NORTH)
    [face] = (await api.get(f"{answer.headers['location']}/faces")).json()["items"]
    assert (await api.get(f"/faces/{face['face_id']}/crop")).status_code == 200
    assert (await api.get(f"/cases/{quote(NORTH)}")).json()["faces"] == 1
    told = {
        notice["subject"][-1]: notice for notice in current_notices(site.notices()).values() if notice.get("media_id")
    }
    assert {offset: notice["outcome"] for offset, notice in told.items()} == {"0": "faces_found", "1": "duplicate"}
    assert {notice["source_ref"] for notice in told.values()} == {"4711"}
    assert await site.rows("MATCH (u:Upload) RETURN u") == []
