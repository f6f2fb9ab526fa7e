"""Alive and ready differ, and readiness names what is missing."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from api.app import build_app
from api.deps import open_services
from api.readiness import Readiness
from api.settings import Settings
from graph.domain.people import Person, Role
from graph.files import MediaStore
from graph.store.session import Store
from tests.support.harness import new_store
from tests.support.signed_in import as_, sign_in

pytestmark = pytest.mark.anyio


async def test_a_migrated_graph_and_a_writable_store_are_ready(api: httpx.AsyncClient) -> None:
    answer = await api.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "parts": {"graph": "ready", "media_store": "ready", "sign_in": "ready"}}


async def test_health_needs_neither_token_nor_purpose(api: httpx.AsyncClient) -> None:
    for name in ("Authorization", "Redthread-Purpose"):
        del api.headers[name]

    assert (await api.get("/healthz")).status_code == 200
    assert (await api.get("/readyz")).status_code == 200


async def test_metrics_count_answers_by_route_and_name_nothing_that_was_asked_for(api: httpx.AsyncClient) -> None:
    operator = as_(Person("olga", frozenset({Role.OPERATOR})))
    assert (await api.get("/links/a-secret-name", headers=operator)).status_code == 403
    assert (await api.request("INVENTED", "/nowhere/a-secret-name", headers=operator)).status_code == 404

    answer = await api.get("/metrics", headers=operator)

    lines = answer.text.splitlines()
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert 'redthread_api_requests_total{method="GET",route="/links/{link_id}",status="403"} 1.0' in lines
    assert 'redthread_api_requests_total{method="other",route="other",status="404"} 1.0' in lines
    assert 'redthread_stored{kind="faces"} 0.0' in lines and 'redthread_waiting{kind="outbox"} 0.0' in lines
    assert "a-secret-name" not in answer.text


async def test_a_graph_without_its_migrations_is_not_ready(api: httpx.AsyncClient, store: Store) -> None:
    migrations = await store.read(lambda tx: tx.rows("MATCH (m:Migration) RETURN properties(m) AS properties"))
    await store.statement("MATCH (m:Migration) DELETE m")
    try:
        answer = await api.get("/readyz")
    finally:
        create = "UNWIND $rows AS row CREATE (m:Migration) SET m = row.properties"
        await store.write(lambda tx: tx.do(create, rows=migrations))

    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert answer.headers["retry-after"] == "5"
    assert "0001_schema" in answer.json()["parts"]["graph"]


async def test_without_neo4j_the_service_lives_and_is_not_ready(tmp_path: Path) -> None:
    settings = Settings(  # type: ignore[call-arg]
        neo4j_uri="bolt://127.0.0.1:1",
        neo4j_password="none",
        data=tmp_path,  # type: ignore[arg-type]
        oidc_issuer="http://127.0.0.1:1",
        oidc_jwks="http://127.0.0.1:1/keys",
    )
    app = build_app(lambda: open_services(settings), upload_limit=1000, version="test")
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client,
    ):
        assert (await client.get("/healthz")).status_code == 200
        ready = await client.get("/readyz")

    assert ready.status_code == 503
    assert ready.json()["parts"]["graph"] == "Neo4j does not answer"
    assert ready.json()["parts"]["sign_in"] == "the keys of the sign-in service cannot be fetched"


async def test_a_media_store_that_cannot_be_written_is_named(api: httpx.AsyncClient, tmp_path: Path) -> None:
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    (tmp_path / "store").write_text("a file where the folder should be")

    answer = await api.get("/readyz")

    assert answer.status_code == 503
    parts = answer.json()["parts"]
    assert parts.pop("media_store").startswith("The media store is away (Not a directory): mount its volume")
    assert set(parts.values()) == {"ready"}


async def test_a_neo4j_that_is_there_and_silent_is_not_ready(tmp_path: Path) -> None:
    async with silent_port() as port, Store(f"bolt://127.0.0.1:{port}", "neo4j", "none") as store:
        readiness = Readiness(store, new_store(tmp_path), sign_in(), patience=0.5)
        assert await readiness.parts() == {"graph": "Neo4j does not answer", "media_store": "ready", "sign_in": "ready"}
        await readiness.close()


@asynccontextmanager
async def silent_port() -> AsyncIterator[int]:
    """A port where connections are taken and nothing is ever said, as by a process that was stopped."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


async def test_many_who_ask_at_once_are_one_check(store: Store, tmp_path: Path) -> None:
    checks = 0

    class Counted(MediaStore):
        def check_writable(self) -> None:
            nonlocal checks
            checks += 1
            super().check_writable()

    new_store(tmp_path)
    readiness = Readiness(store, Counted((tmp_path / "store").as_uri()), sign_in(), fresh=60)
    found = await asyncio.gather(*(readiness.parts() for _ in range(50)))
    await readiness.close()

    assert checks == 1
    assert all(set(parts.values()) == {"ready"} for parts in found)
