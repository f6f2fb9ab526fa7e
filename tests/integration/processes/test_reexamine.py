"""`redthread reexamine` on real workers: stored pictures are examined again, and what can't be is in quarantine."""

import asyncio
import io
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from graph.store.session import Row, Store
from streams.client.publish import CaseSystem
from streams.faces.models import DETECTOR_ID, ModelsUnavailable, ensure_models
from streams.settings import Addresses, cache_folder
from tests.support.commands import command
from tests.support.factories_pictures import astronaut, encoded, group_photograph
from tests.support.harness import Site, current_notices, installation, until

pytestmark = pytest.mark.anyio
OLDER = "a detector of before"
AS_BEFORE = """
MATCH (m:Media)
SET m.detector_id = $older
REMOVE m.frames_examined, m.partial_percent
WITH m MATCH (f:Face)-[:SEEN_IN]->(m)
REMOVE f.page, f.context_view
"""
FORGET = """
MATCH (f:Face)-[:SEEN_IN]->(:Media {media_id: $media})
WITH f ORDER BY f.ordinal LIMIT 1
OPTIONAL MATCH (e:Embedding)-[:OF]->(f)
DETACH DELETE f, e
"""
"""The detector of before had not found the first of the faces."""
FACES = """
MATCH (f:Face)-[:SEEN_IN]->(:Media {media_id: $media})
RETURN f.face_id AS id, f.context_view AS context ORDER BY f.ordinal
"""
MEDIA = "MATCH (m:Media) RETURN m.media_id AS id, m.detector_id AS detector, m.not_reexamined AS failed"


@pytest.fixture
async def site(stack: Addresses, store: Store, tmp_path: Path) -> AsyncIterator[Site]:
    try:
        ensure_models(cache_folder() / "models")
    except ModelsUnavailable as absent:
        pytest.skip(absent.message)
    (tmp_path / "media").mkdir()
    roots = f'["{(tmp_path / "media").as_uri()}/"]'
    async with installation(stack, store, tmp_path, REDTHREAD_MEDIA_ROOTS=roots) as site:
        yield site


async def run(site: Site, *arguments: str) -> subprocess.CompletedProcess[str]:
    line, env = command("reexamine", *arguments)
    return await asyncio.to_thread(
        subprocess.run, line, env={**env, **site.env}, capture_output=True, text=True, timeout=240, check=False
    )


async def test_stored_pictures_are_brought_up_to_date_once_and_what_cannot_be_waits_in_quarantine(
    site: Site, tmp_path: Path
) -> None:
    group = encoded(Image.open(io.BytesIO(group_photograph())).convert("RGB"), "JPEG", quality=90)
    person = encoded(astronaut(), "JPEG", quality=90)
    files = {"group": group, "person": person, "broken": b"no picture at all"}
    cases, places = CaseSystem(site.stack.kafka_connection), dict[str, str]()
    for name, data in files.items():
        path = tmp_path / "media" / name
        path.write_bytes(data)
        event = {"case_id": "local:n1", "district": "north", "url": path.as_uri(), "scope": "register"}
        event |= {"purpose": "identification", "legal_basis": "test"}
        cases.submit(event, lambda place, name=name: places.update({name: place}))
        cases.flush()
    site.start("embed")
    link = site.start("link")
    await site.noticed(f"event:{place}" for place in places.values())
    notices = current_notices(site.notices())
    media = {name: notices[f"event:{places[name]}"]["media_id"] for name in ("group", "person")}
    found = await site.rows(FACES, media=media["group"])
    await site.stop(link)
    await site.do(AS_BEFORE, older=OLDER)
    await site.do(FORGET, media=media["group"])
    (tmp_path / "media" / "person").rename(tmp_path / "away")
    site.start("link")

    dry = await run(site, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert {"media that an older detector examined 2", "not_an_image 1"} <= _lines(dry.stdout)
    nobody = await run(site)
    assert nobody.returncode != 0

    first = await run(site, "--by", "olga@ops", "--purpose", "upgrade", "--code", "nothing")
    assert first.returncode == 0, first.stderr
    assert "1 media are up to date, 1 could not be examined" in first.stderr

    renewed = await site.rows(FACES, media=media["group"])
    assert sorted(row["id"] for row in renewed) == sorted(row["id"] for row in found)
    assert all((site.data / "store" / row["context"]).stat().st_size > 0 for row in renewed)
    states = {row["id"]: row for row in await site.rows(MEDIA)}
    assert states[media["group"]]["detector"] == DETECTOR_ID
    assert states[media["person"]]["detector"] == OLDER
    assert states[media["person"]]["failed"] is not None
    [told] = await _reexamined(site)
    assert (told["media_id"], told["new_faces"], told["faces"]) == (media["group"], [found[0]["id"]], len(found))
    acts = await site.rows(
        "MATCH (a:AuditEntry {action: 'reexamination.begun'}) RETURN a.actor AS by, a.purpose AS why"
    )
    assert acts == [{"by": "olga@ops", "why": "upgrade"}]

    (tmp_path / "away").rename(tmp_path / "media" / "person")
    (tmp_path / "media" / "broken").write_bytes(person)
    second = await run(site, "--by", "olga@ops", "--purpose", "upgrade", "--again")
    assert second.returncode == 0, second.stderr
    assert "1 media are up to date, 0 could not be examined" in second.stderr
    assert "1 events of the quarantine are processed, 0 are there again" in second.stderr
    assert {row["detector"] for row in await site.rows(MEDIA)} == {DETECTOR_ID}
    assert "up to date" in (await run(site, "--by", "olga@ops", "--purpose", "upgrade")).stderr


def _lines(text: str) -> set[str]:
    return {" ".join(line.split()) for line in text.splitlines()}


async def _reexamined(site: Site) -> list[Row]:
    def there() -> list[Row]:
        return [notice for notice in site.notices() if notice["outcome"] == "reexamined"]

    await until(lambda: bool(there()), "the notice of the reexamination is sent")
    return there()
