"""The pages on the bench's graph: how long each takes, beside the time that its transactions take in the database.

Both are of the same requests: the application runs in this process, and its store adds up the time of its transactions.
One case is given 10,000 media of the others before, or as many as there are.
"""

import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from statistics import median
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx
from fastapi import FastAPI

from api.app import build_app
from api.deps import Services
from api.pages.gate import COOKIE
from api.readiness import Readiness
from api.sign_in.development import DevelopmentSignIn
from graph.actions.access import Access, AccessLog
from graph.actions.sessions import do_sign_in, find_session, state_purpose
from graph.domain.people import Person, Role
from graph.files import MediaStore
from graph.paging import chunks
from graph.store.session import Store, Tx
from infra.local.system import RunningSystem
from tests.bench.review import cypher
from tests.bench.review.graph import Sizes, media_ids
from tests.support.signed_in import sign_in

T = TypeVar("T")
LARGE: Final = "bench:large"
LARGE_MEDIA: Final = 10_000
ROUNDS: Final = 7
WHO: Final = Person("p000@d0", frozenset({Role.INVESTIGATOR, Role.SUPERVISOR}), "d0")
PAGES: Final[Mapping[str, str]] = {
    "review": "/app/review",
    "approvals": "/app/approvals",
    "cases": "/app/cases",
    "case": f"/app/cases/{quote(LARGE, safe='')}",
    "pictures of a case": f"/app/cases/{quote(LARGE, safe='')}/pictures",
    "graph of a case": f"/app/cases/{quote(LARGE, safe='')}/graph",
    "victim": "/app/victims/bench-0000000",
    "inbox": "/app/inbox",
    "search": "/app/search",
}


class TimedStore(Store):
    """Adds up how long its transactions take, in seconds."""

    spent = 0.0

    async def read(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        return await self._timed(super().read(work))

    async def write(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        return await self._timed(super().write(work))

    async def _timed(self, done: Awaitable[T]) -> T:
        began = time.monotonic()
        try:
            return await done
        finally:
            self.spent += time.monotonic() - began


async def measure_pages(system: RunningSystem, sizes: Sizes) -> dict[str, Any]:
    """By page: its median time and that of its transactions in milliseconds, their ratio, and its size in KiB."""
    async with TimedStore(*system.addresses.neo4j) as store:
        await _fill_large_case(store, sizes)
        app = _app(store, MediaStore(system.env["REDTHREAD_MEDIA_STORE"]), system)
        transport = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=300) as client,
        ):
            client.cookies.set(COOKIE, await session_of(store))
            gc.freeze()  # as in the API's own process
            return {name: await _measured(client, store, path) for name, path in PAGES.items()}


async def _measured(client: httpx.AsyncClient, store: TimedStore, path: str) -> dict[str, Any]:
    times: list[float] = []
    spent: list[float] = []
    answer = await client.get(path)  # plans are compiled at the first request
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    for _ in range(ROUNDS):
        before, began = store.spent, time.monotonic()
        answer = await client.get(path)
        times.append(time.monotonic() - began)
        spent.append(store.spent - before)
    page, queries = 1000 * median(times), 1000 * median(spent)
    size = round(len(answer.content) / 1024)
    return {"ms": round(page, 1), "queries_ms": round(queries, 1), "ratio": round(page / queries, 2), "kib": size}


def _app(store: Store, files: MediaStore, system: RunningSystem) -> FastAPI:
    @asynccontextmanager
    async def services() -> AsyncIterator[Services]:
        who = sign_in()
        readiness = Readiness(store, files, who)
        yield Services(store, files, AccessLog(store), who, readiness, pages=DevelopmentSignIn(system.data / "links"))
        await readiness.close()

    return build_app(services, upload_limit=1_000_000, version="bench")


async def session_of(store: Store) -> str:
    """The secret of a session of one who reviews and approves in the first district."""
    now = datetime.now(UTC)
    secret = await do_sign_in(Access(store, AccessLog(store), WHO, "", now))
    session = await find_session(store, secret, now)
    assert session is not None
    await state_purpose(store, session, "measurement")
    return secret


async def _fill_large_case(store: Store, sizes: Sizes) -> None:
    await store.write(lambda tx: tx.do(cypher.LARGE_CASE, case_id=LARGE, district=sizes.district(0)))
    for chunk in chunks(media_ids(min(LARGE_MEDIA, sizes.faces))):
        await store.write(lambda tx, chunk=chunk: tx.do(cypher.MOVE_TO_CASE, case_id=LARGE, media=chunk))
