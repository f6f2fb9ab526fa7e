"""How long each route takes, beside a bare driver that runs the same statements in the same transactions.

`python -m tests.bench.routes` on the Neo4j of REDTHREAD_TEST_NEO4J_URI (`python -m infra.local.stack` prints it), whose
graph it empties and fills: 588 pictures with a face each, in two cases of two districts. Each route is asked over HTTP
from a process of its own, on a kept connection. Its statements are recorded once, in a run that is rolled back, and
then run again by the driver alone: reads are read, writes rolled back with one property committed in their place.
`--code DIR` measures the API of another checkout. Times are in milliseconds; the last line is a JSON object.
"""

import argparse
import asyncio
import json
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import neo4j
import psutil

from api.app import build_app
from api.deps import Services
from api.readiness import Readiness
from graph.actions.access import AccessLog
from graph.domain import ids
from graph.domain.people import Person, Role
from graph.files import MediaStore
from graph.store.migrate import migrate
from graph.store.session import Store, Tx
from tests.bench.review.graph import Sizes, build
from tests.integration.test_api_process import running
from tests.support.factories import drawn_face
from tests.support.graph_contents import empty
from tests.support.harness import new_store
from tests.support.signed_in import as_, sign_in, sign_in_env

SIZES = Sizes(588, 900, cases=2, districts=2)
ANNA = Person("anna", frozenset({Role.INVESTIGATOR, Role.SUPERVISOR}), "d0")
HEADERS = {**as_(ANNA), "Redthread-Purpose": "measurement"}
WARM_UP = 15


@dataclass(frozen=True)
class Ask:
    """One request of a route."""

    method: str
    path: str
    json: Any = None
    headers: dict[str, str] = field(default_factory=dict[str, str])


Transaction = tuple[bool, list[tuple[str, dict[str, Any]]]]
"""Whether it writes, and its statements with their values."""


class Recorded(Store):
    """Keeps what is run, and takes back what is written."""

    def __init__(self, *given: str) -> None:
        super().__init__(*given)
        self.transactions: list[Transaction] = []

    async def read(self, work: Callable[[Tx], Awaitable[Any]]) -> Any:
        return await self._run(work, writes=False)

    async def write(self, work: Callable[[Tx], Awaitable[Any]]) -> Any:
        return await self._run(work, writes=True)

    async def _run(self, work: Callable[[Tx], Awaitable[Any]], *, writes: bool) -> Any:
        statements: list[tuple[str, dict[str, Any]]] = []
        self.transactions.append((writes, statements))

        class Recording(Tx):
            async def rows(self, query: Any, **values: Any) -> Any:
                statements.append((query, values))
                return await super().rows(query, **values)

            async def do(self, query: Any, **values: Any) -> None:
                statements.append((query, values))
                await super().do(query, **values)

        async with self._driver.session(default_access_mode="WRITE" if writes else "READ") as session:
            tx = await session.begin_transaction()
            try:
                return await work(Recording(tx))  # type: ignore[arg-type]
            finally:
                await tx.rollback()


@asynccontextmanager
async def recording(store: Recorded, files: MediaStore) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service in this process, on the recorded store."""

    @asynccontextmanager
    async def services() -> AsyncIterator[Services]:
        who = sign_in()
        readiness = Readiness(store, files, who)
        yield Services(store, files, AccessLog(store), who, readiness)
        await readiness.close()

    app = build_app(services, upload_limit=1_000_000, version="bench")
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1", headers=HEADERS
        ) as client,
    ):
        yield client


async def bare(driver: neo4j.AsyncDriver, transactions: list[Transaction]) -> None:
    """The recorded statements, by the driver alone."""
    for writes, statements in transactions:
        mode = "WRITE" if writes else "READ"
        async with driver.session(database="neo4j", default_access_mode=mode) as session:
            if not writes:

                async def work(tx: Any, statements: Any = statements) -> None:
                    for query, values in statements:
                        await (await tx.run(query, values)).data()

                await session.execute_read(work)
                continue
            tx = await session.begin_transaction()
            for query, values in statements:
                await (await tx.run(query, values)).data()
            await tx.rollback()
            await (await session.run("MERGE (b:Bench {name: 'commit'}) SET b.n = coalesce(b.n, 0) + 1")).consume()


def spread(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {"median": round(ordered[len(ordered) // 2], 1), "p95": round(ordered[int(0.95 * len(ordered))], 1)}


async def ask(client: httpx.AsyncClient, one: Ask) -> httpx.Response:
    answer = await client.request(one.method, one.path, json=one.json, headers=one.headers)
    assert answer.is_success, (one.method, one.path, answer.status_code, answer.text[:500])
    return answer


async def routes(client: httpx.AsyncClient, store: Store) -> dict[str, Iterator[Ask]]:
    """Each route with what is asked of it; writing ones find something new each time."""
    chance = random.Random(1)
    rows = await store.read(
        lambda tx: tx.rows(
            "MATCH (a:Face)-[r:CANDIDATE {state: 'candidate', version: 0}]->(b:Face) "
            "WHERE NOT (a)-[:DEPICTS]->() AND NOT (b)-[:DEPICTS]->() AND EXISTS { UNWIND [a, b] AS f "
            "MATCH (f)-[:SEEN_IN]->()-[:IN_CASE]->(:Case {district: 'd0'}) RETURN f } "
            "RETURN r.link_id AS link, a.face_id AS a, b.face_id AS b ORDER BY link"
        )
    )
    used: set[str] = set()
    lone = [row for row in rows if not {row["a"], row["b"]} & used and not used.update((row["a"], row["b"]))]
    parts = {name: iter(lone[start::3]) for start, name in enumerate(("verdict", "act", "preview"))}
    case = quote("bench:00000", safe="")

    def sheet(row: Any) -> Any:
        links = [{"link_id": row["link"], "version": 0}]
        return {"links": links, "faces": [], "decision": "confirmed", "reasons": ["ears"]}

    def verdict(row: Any) -> Ask:
        said = {"decision": "dismissed", "reasons": []}
        return Ask("POST", f"/links/{row['link']}/verdicts", said, {"If-Match": '"0"'})

    def again(path: Callable[[Any], str]) -> Iterator[Ask]:
        while True:
            yield Ask("GET", path(chance.choice(lone)))

    del client
    preview = list(parts["preview"])
    return {
        "crop": again(lambda row: f"/faces/{row['a']}/crop"),
        "one link": again(lambda row: f"/links/{row['link']}"),
        "list of links": again(lambda _: "/links?limit=50"),
        "queue": again(lambda _: "/queue?limit=10"),
        "claim": iter(lambda: Ask("POST", "/queue/claims", {"n": 1}), None),  # type: ignore[arg-type]
        "preview": iter(lambda: Ask("POST", "/acts/preview", sheet(chance.choice(preview))), None),  # type: ignore[arg-type]
        "act": (Ask("POST", "/acts", sheet(row)) for row in parts["act"]),
        "verdict": (verdict(row) for row in parts["verdict"]),
        "approvals": again(lambda _: "/approvals?limit=20"),
        "case graph": again(lambda _: f"/cases/{case}/graph"),
    }


async def measure(code: Path | None, number: int, only: str, clients: int) -> dict[str, Any]:
    """By route: how often its statements go to the database, times over HTTP and of the bare driver."""
    uri, password = os.environ["REDTHREAD_TEST_NEO4J_URI"], os.environ["REDTHREAD_TEST_NEO4J_PASSWORD"]
    given = uri, "neo4j", password
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        files = new_store(data)
        async with Store(*given) as store, Recorded(*given) as recorded:
            await migrate(store)
            await empty(store)
            media = ids.digest("bench")
            await build(store, SIZES, files.put_crop(media, media, "display", drawn_face()), 1, print)
            env = {
                **{key: value for key, value in os.environ.items() if not key.startswith("REDTHREAD_")},
                "REDTHREAD_NEO4J_URI": uri,
                "REDTHREAD_NEO4J_USER": "neo4j",
                "REDTHREAD_NEO4J_PASSWORD": password,
                "REDTHREAD_DATA": str(data),
                "REDTHREAD_API_PORT": "0",
                **sign_in_env(data),
                "PYTHONPATH": str(code or Path.cwd()),
                "PYTHONSAFEPATH": "1",
            }
            driver = neo4j.AsyncGraphDatabase.driver(uri, auth=("neo4j", password), notifications_min_severity="OFF")
            async with (
                running(env) as service,
                recording(recorded, files) as inside,
                httpx.AsyncClient(base_url=service.url, headers=HEADERS, timeout=30, trust_env=False) as client,
            ):
                known = await routes(client, store)
                if clients:
                    await at_once(service.url, service.process.pid, known, clients, 5)
                    found["at once"] = await at_once(service.url, service.process.pid, known, clients, 10)
                    print(found)
                for name, asked in known.items():
                    if not re.search(only, name):
                        continue
                    found[name] = await _route(name, asked, inside, recorded, client, driver, store, number)
                    print(name, found[name])
            await driver.close()
    return found


async def at_once(url: str, api: int, asked: dict[str, Iterator[Ask]], clients: int, seconds: float) -> dict[str, Any]:
    """Requests a second, and their times, of people who look at faces, links, lists and the queue all the time.

    With the processor milliseconds that a request takes in the API, process `api`, in Neo4j and in the clients: what
    else the machine does changes these least, and their sum says how many requests its cores can carry.
    """
    port = int(os.environ["REDTHREAD_TEST_NEO4J_URI"].rpartition(":")[2])
    listening = (item for item in psutil.net_connections("tcp") if item.status == psutil.CONN_LISTEN)
    neo4j_pid = next(item.pid for item in listening if item.laddr.port == port)
    processes = [psutil.Process(pid) for pid in (api, neo4j_pid, os.getpid()) if pid is not None]
    busy = [sum(process.cpu_times()[:2]) for process in processes]
    looks = [asked[name] for name in ("crop", "crop", "crop", "one link", "one link", "list of links", "queue")]
    times: list[float] = []
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx.AsyncClient(base_url=url, headers=HEADERS, timeout=60, trust_env=False, limits=limits) as client:
        until = time.perf_counter() + seconds

        async def person(number: int) -> None:
            chance = random.Random(number)
            while time.perf_counter() < until:
                started = time.perf_counter()
                await ask(client, next(chance.choice(looks)))
                times.append((time.perf_counter() - started) * 1000)

        await asyncio.gather(*(person(number) for number in range(clients)))
    spent = [sum(process.cpu_times()[:2]) - before for process, before in zip(processes, busy, strict=True)]
    cpu = [round(1000 * part / len(times), 1) for part in spent]
    return {
        "clients": clients,
        "a second": round(len(times) / seconds, 1),
        **spread(times),
        "api_cpu_ms": cpu[0],
        "neo4j_cpu_ms": cpu[1],
        "clients_cpu_ms": cpu[2],
    }


async def _route(
    name: str,
    asked: Iterator[Ask],
    inside: httpx.AsyncClient,
    recorded: Recorded,
    client: httpx.AsyncClient,
    driver: neo4j.AsyncDriver,
    store: Store,
    number: int,
) -> dict[str, Any]:
    one = next(asked)
    recorded.transactions.clear()
    await ask(inside, one)
    transactions = list(recorded.transactions)
    alone: list[float] = []
    for turn in range(number + WARM_UP):
        started = time.perf_counter()
        await bare(driver, transactions)
        if turn >= WARM_UP:
            alone.append((time.perf_counter() - started) * 1000)
    times: list[float] = []
    for turn in range(number + WARM_UP):
        one = next(asked, None)
        if one is None:
            break
        started = time.perf_counter()
        answer = await ask(client, one)
        if turn >= WARM_UP:
            times.append((time.perf_counter() - started) * 1000)
        if name == "claim":
            for item in answer.json()["items"]:
                skip = f"/queue/claims/{item['claim']['claim_id']}/skips"
                (await client.post(skip)).raise_for_status()
                await store.write(lambda tx: tx.do("MATCH (k:Claim) DELETE k"))
    here, there = spread(times), spread(alone)
    return {
        "transactions": len(transactions),
        "statements": sum(len(part) for _, part in transactions),
        "api": here,
        "bare": there,
        "ratio": round(here["median"] / there["median"], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--code", type=Path, help="the checkout whose API is measured")
    parser.add_argument("--number", type=int, default=80, help="requests of each route")
    parser.add_argument("--only", default="", help="a pattern of the routes' names")
    parser.add_argument("--clients", type=int, default=0, help="so many people look at once, before the routes")
    given = parser.parse_args()
    print(json.dumps(asyncio.run(measure(given.code, given.number, given.only, given.clients))))


if __name__ == "__main__":
    sys.exit(main())
