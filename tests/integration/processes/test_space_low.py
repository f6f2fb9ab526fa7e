"""While space is low, pictures wait, uploads are refused, and everything else goes on; nothing ends in quarantine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from api.app import build_app
from api.deps import Services
from api.readiness import Readiness
from graph.actions.access import AccessLog
from graph.files import MediaStore
from graph.space import Space
from graph.store.session import Store
from streams import topics
from streams.client.publish import CaseSystem
from streams.settings import Addresses
from tests.integration.conftest import HEADERS
from tests.support.factories import NORTH, Scene, drawn_face
from tests.support.harness import installation, until
from tests.support.signed_in import sign_in

pytestmark = pytest.mark.anyio
MORE_THAN_ANY_DISK = 2**40
"""MiB below which space is low."""


async def test_an_upload_is_refused_and_reading_goes_on(
    store: Store, files: MediaStore, scene: Scene, tmp_path: Path
) -> None:
    @asynccontextmanager
    async def services() -> AsyncIterator[Services]:
        who = sign_in()
        readiness = Readiness(store, files, who)
        yield Services(store, files, AccessLog(store), who, readiness, Space([tmp_path], MORE_THAN_ANY_DISK))
        await readiness.close()

    app = build_app(services, upload_limit=1_000_000, version="test")
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=HEADERS) as api,
    ):
        told = {"case_id": NORTH, "purpose": "p", "legal_basis": "l", "scope": "register"}
        file = {"file": ("a.jpg", drawn_face(), "image/jpeg")}
        upload = await api.post("/media", data=told, files=file)
        search = await api.post("/searches", data={"case_id": NORTH}, files=file)
        read = await api.get(f"/cases/{NORTH}")

    assert [(answer.status_code, answer.json()["code"]) for answer in (upload, search)] == [(507, "no_space")] * 2
    assert str(tmp_path) not in upload.text
    assert read.status_code == 200


@pytest.mark.usefixtures("models")
async def test_embed_waits_with_pictures_and_relays_changes_until_there_is_space(
    stack: Addresses, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(drawn_face())
    event = {
        "case_id": "local:n1",
        "district": "north",
        "purpose": "p",
        "legal_basis": "l",
        "scope": "register",
        "url": (tmp_path / "a.jpg").as_uri(),
    }
    roots = f'["{tmp_path.as_uri()}/"]'
    async with installation(stack, store, tmp_path, REDTHREAD_MEDIA_ROOTS=roots) as site:
        # Given a picture and a change of its case, and too little space
        cases = CaseSystem(site.stack.kafka_connection)
        cases.submit(event)
        cases.flush()
        embed = site.start("embed", REDTHREAD_SPACE_MIB=str(MORE_THAN_ANY_DISK))
        await site.wait_until(lambda: "embed waits: too little free space" in embed.log_tail, "embed waits")
        # Then the change is relayed, and the picture is not
        cases.change_case({"case_id": "local:n1", "district": "north", "status": "open", "version": 1})
        cases.flush()
        await site.wait_until(lambda: site.end_of(topics.GALLERY) == 1, "the change is in the gallery log")
        assert site.end_of(topics.QUARANTINE) == 0
        # And embed ends in order, though it waits, and goes on with the picture where there is space
        await site.stop(embed)
        assert embed.process.returncode == 0, embed.log_tail
        site.start("embed")
        await until(lambda: site.end_of(topics.GALLERY) == 2, "the picture is in the gallery log")
        assert site.end_of(topics.QUARANTINE) == 0
