"""The service as a process of its own: loopback only, an orderly end, and a log that tells nothing about people."""

import asyncio
import os
import re
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from graph.store.queries import audit as audit_queries
from graph.store.session import Store, Tx
from tests.integration.conftest import HEADERS, entries
from tests.support.factories import two_cases
from tests.support.forked import Forked, Start, start
from tests.support.graph_contents import has_waiting
from tests.support.harness import LONG_S, new_store, until
from tests.support.signed_in import sign_in_env

pytestmark = pytest.mark.anyio
LOOKS = 20
"""How often readiness is asked for under load."""


@dataclass
class Running:
    """A process of the service, whose output goes to a file."""

    process: Forked
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def url(self) -> str:
        found = re.search(r"http://127\.0\.0\.1:\d+", self.said)
        return found[0] if found else ""

    async def ended(self) -> int:
        await until(lambda: self.process.poll() is not None, "the service ends")
        return self.process.wait()


def environment(stack: Any, data: Path, **changed: str) -> dict[str, str]:
    own = {
        "REDTHREAD_NEO4J_URI": stack.neo4j_uri,
        "REDTHREAD_NEO4J_USER": stack.neo4j_user,
        "REDTHREAD_NEO4J_PASSWORD": stack.neo4j_password,
        "REDTHREAD_DATA": str(data),
        "REDTHREAD_API_PORT": "0",
        **sign_in_env(data),
        **changed,
    }
    return {key: value for key, value in os.environ.items() if not key.startswith("REDTHREAD_")} | own


def spawn(env: Mapping[str, str], log: Path) -> Running:
    with log.open("wb") as output:
        return Running(start(Start("api.main", [], env), output.fileno(), output.fileno()), log)


@asynccontextmanager
async def running(env: Mapping[str, str], log: Path) -> AsyncIterator[Running]:
    service = spawn(env, log)
    try:
        async with asyncio.timeout(LONG_S), httpx.AsyncClient(headers=HEADERS) as client:
            while not service.url or not await _answers(client, service.url):
                assert service.process.poll() is None, service.said
                await asyncio.sleep(0.05)
        yield service
    finally:
        service.process.kill()
        await service.ended()


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/healthz")).status_code == 200
    except httpx.TransportError:
        return False


async def test_it_serves_loopback_only_and_ends_its_requests_before_itself(
    stack: Any, store: Store, tmp_path: Path
) -> None:
    """Given a look that waits for the audit, When SIGTERM comes, Then the look is answered and the exit is clean."""
    scene = await two_cases(store, new_store(tmp_path))
    async with (
        running(environment(stack, tmp_path), tmp_path / "api.log") as service,
        httpx.AsyncClient(base_url=service.url, headers=HEADERS, timeout=LONG_S) as client,
    ):
        assert "this machine only" in service.said
        listening = psutil.Process(service.process.pid).net_connections("tcp")
        assert {item.laddr.ip for item in listening if item.status == psutil.CONN_LISTEN} == {"127.0.0.1"}
        assert (await client.get("/readyz")).status_code == 200
        foreign = await client.get("/healthz", headers={"Host": "rebound.example"})
        assert (foreign.status_code, foreign.json()["code"]) == (400, "host_refused")
        secret = await client.get("/links", params={"case_id": "local:a-secret-name"})
        assert secret.json()["items"] == []

        held, release = asyncio.Event(), asyncio.Event()

        async def hold(tx: Tx) -> None:
            await tx.do(audit_queries.LOCK_HEAD)
            held.set()
            await release.wait()

        holding = asyncio.create_task(store.write(hold))
        await held.wait()
        looking = asyncio.create_task(client.get(f"/faces/{scene.faces['n1']}/crop"))
        await until(lambda: has_waiting(store), "the look waits for the audit")
        assert not looking.done()
        service.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.3)
        release.set()
        await holding
        answer = await looking

        assert answer.status_code == 200
        assert await service.ended() == 0
    assert "secret" not in service.said
    assert "face.seen" in {entry.action for entry in await entries(store)}


async def test_under_load_it_stays_ready(stack: Any, store: Store, tmp_path: Path) -> None:
    """With 50 clients one look in twelve at /readyz was a 503: it stood in line with their requests."""
    scene = await two_cases(store, new_store(tmp_path))
    async with (
        running(environment(stack, tmp_path), tmp_path / "api.log") as service,
        httpx.AsyncClient(
            base_url=service.url, headers=HEADERS, timeout=60, limits=httpx.Limits(max_connections=60)
        ) as client,
    ):
        loaded = True

        async def ask(path: str) -> None:
            while loaded:
                await client.get(path)

        paths = ("/links", f"/faces/{scene.faces['n1']}/crop", "/queue", "/cases/local:north/graph", "/searches")
        asking = [asyncio.create_task(ask(paths[number % len(paths)])) for number in range(50)]
        found: list[int] = []
        for _ in range(LOOKS):
            found.append((await client.get("/readyz")).status_code)
            await asyncio.sleep(0.05)
        loaded = False
        await asyncio.gather(*asking)

    assert found == [200] * LOOKS


async def refusal(env: Mapping[str, str], log: Path) -> tuple[int, str]:
    service = spawn(env, log)
    return await service.ended(), service.said


async def test_it_refuses_to_start_beyond_this_machine_on_a_taken_port_or_without_a_password(
    stack: Any, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        env = environment(stack, tmp_path)
        without = {name: value for name, value in env.items() if name != "REDTHREAD_NEO4J_PASSWORD"}
        beyond, busy, keyless = await asyncio.gather(
            refusal(env | {"REDTHREAD_API_HOST": "0.0.0.0"}, tmp_path / "beyond"),
            refusal(env | {"REDTHREAD_API_PORT": port}, tmp_path / "busy"),
            refusal(without, tmp_path / "keyless"),
        )

    assert beyond[0] == 2
    assert "on this machine only" in beyond[1]
    assert busy[0] == 2
    assert f"port {port}" in busy[1]
    assert keyless[0] == 2
    assert "REDTHREAD_NEO4J_PASSWORD" in keyless[1]
    assert "Traceback" not in beyond[1] + busy[1] + keyless[1]
