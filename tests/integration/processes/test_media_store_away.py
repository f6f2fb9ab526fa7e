"""The volume of the media store is unmounted in the middle of an ingest, and mounted again."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from graph.domain import ids
from graph.store.session import Store
from streams import topics
from streams.client.publish import CaseSystem
from streams.faces.models import ModelFiles
from streams.records.incoming import CE_ERASURE
from streams.settings import Addresses
from tests.integration.processes.test_chaos import pictures
from tests.support.harness import Site, current_notices, installation, new_store
from tests.support.mounts import bind, tmpfs, unmount

pytestmark = pytest.mark.anyio
SAYS = "embed waits: The media store is away"
TERMS = {
    "case_id": "local:n1",
    "district": "north",
    "purpose": "identification",
    "legal_basis": "test",
    "scope": "register",
}


@pytest.fixture
async def site(models: ModelFiles, stack: Addresses, store: Store, tmp_path: Path) -> AsyncIterator[Site]:
    """An installation whose media store is a volume of its own: `volume` in the folder of the test."""
    with tmpfs(tmp_path / "volume", "50m"):
        bind(tmp_path / "volume", tmp_path / "store")
        try:
            async with installation(stack, store, tmp_path) as site:
                kept = [asyncio.create_task(site.keep(kind, f"{kind}-0", [])) for kind in ("link", "embed")]
                yield site
                for task in kept:
                    task.cancel()
        finally:
            while (tmp_path / "store").is_mount():
                unmount(tmp_path / "store")


async def test_events_wait_for_the_store_and_none_is_reported_missing(site: Site, tmp_path: Path) -> None:
    """213 of 250 events were quarantined as *missing_file* for ever while the store's volume was away for 25 s."""
    folder, volume = tmp_path / "store", tmp_path / "volume"
    uploads, cases, places = new_store(tmp_path), CaseSystem(site.stack.kafka_connection), set[str]()
    sent = [uploads.put_upload(data) for data in pictures()]

    def submit(media: list[str]) -> None:
        for media_id in media:
            cases.submit({**TERMS, "url": uploads.upload_url(media_id), "sha256": media_id}, places.add)
        cases.flush()

    # Given some that are told, When the volume is unmounted and more come, and an erasure of a file that is away
    submit(sent[:4])
    await site.noticed({f"event:{place}" for place in places})
    unmount(folder)
    submit(sent[4:])
    await site.wait_until(lambda: any(SAYS in worker.log_tail for worker in site.workers), "embed says it")
    erasures: list[str] = []
    request = {"subject": {"media_id": sent[0]}, "reason": "court order"}
    cases.send(topics.erasures_requested("local"), CE_ERASURE, sent[0], request, erasures.append)
    cases.flush()
    await site.noticed({f"event:{erasures[0]}"})

    async def deletions() -> int:
        (row,) = await site.rows("RETURN COUNT { MATCH (:Outbox {kind: 'delete'}) } AS waiting")
        return row["waiting"]

    assert await deletions() > 0
    assert list(folder.iterdir()) == []
    # Then everything is told once it is back, nothing is in quarantine, and what was erased is gone
    bind(volume, folder)
    await site.noticed({f"event:{place}" for place in places})
    await site.linked()
    told = current_notices(site.notices())
    assert {told[f"event:{place}"]["outcome"] for place in places} <= {"faces_found", "too_poor", "no_face", "erased"}
    assert not site.read(topics.QUARANTINE)
    stored = {row["media"] for row in await site.rows("MATCH (m:Media) RETURN m.media_id AS media")}
    assert stored == set(sent[1:])
    assert await deletions() == 0
    faces = await site.rows("MATCH (f:Face) WHERE f.display_crop IS NOT NULL RETURN f.display_crop AS crop")
    assert all(uploads.read_crop(row["crop"]) for row in faces) and len(faces) > 10
    assert not (volume / "uploads" / sent[0][:2] / sent[0]).exists()
    assert all(ids.media_id(uploads.read_upload(media_id)) == media_id for media_id in sent[1:])
    unmount(folder)
    assert list(folder.iterdir()) == []
    bind(volume, folder)
    # And what is missing in a store that is there is told as missing
    submit(["f" * 64])
    await site.wait_until(lambda: len(site.read(topics.QUARANTINE)) == 1, "it is in quarantine")
    (record,) = site.read(topics.QUARANTINE)
    assert dict(record.headers() or [])["redthread-code"] == b"missing_file"
    assert json.loads(record.value() or b"{}")["sha256"] == "f" * 64
