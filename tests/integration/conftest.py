"""The HTTP service on the real graph, in the test process.

`store` (in tests/conftest.py) is a connection to the empty graph; `scene` fills it with two cases and a link between
them; `api` is a client of the service on that graph.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import Mount

from api.app import build_app
from api.deps import Services
from api.pages.gate import COOKIE
from api.readiness import Readiness
from api.sign_in.development import DevelopmentSignIn
from graph.actions.access import AccessLog
from graph.actions.sessions import do_sign_in, find_session, state_purpose
from graph.domain import audit
from graph.domain.audit_actions import AuditAction
from graph.domain.people import Person
from graph.files import MediaStore
from graph.store.queries import audit as audit_queries
from graph.store.session import Store
from tests.support.access import access_of
from tests.support.factories import ANNA, Scene, two_cases
from tests.support.harness import new_store
from tests.support.signed_in import as_, sign_in

PURPOSE = "victim identification"
HEADERS = {**as_(ANNA), "Redthread-Purpose": PURPOSE}
"""Of a request by ANNA, investigator of north; `as_(SUE)` are those of another person, laid over them."""


@pytest.fixture
def files(tmp_path: Path) -> MediaStore:
    return new_store(tmp_path)


@pytest.fixture
async def scene(store: Store, files: MediaStore) -> Scene:
    return await two_cases(store, files)


@pytest.fixture
async def link_id(scene: Scene) -> str:
    """The candidate link between n1 and s1 of `scene`."""
    return await scene.link("n1", "s1")


@pytest.fixture
async def app(store: Store, files: MediaStore, tmp_path: Path) -> AsyncIterator[FastAPI]:
    """The service on the empty graph, started."""

    @asynccontextmanager
    async def services() -> AsyncIterator[Services]:
        who = sign_in()
        # Nothing is remembered: each test asks what is true now.
        readiness = Readiness(store, files, who, fresh=0)
        yield Services(store, files, AccessLog(store), who, readiness, pages=DevelopmentSignIn(tmp_path / "links"))
        await readiness.close()

    made = build_app(services, upload_limit=1_000_000, version="test")
    async with made.router.lifespan_context(made):
        yield made


def pages_of(app: FastAPI) -> FastAPI:
    """The application of the pages within the service; it has the services in its own state."""
    [pages] = [route.app for route in app.routes if isinstance(route, Mount) and route.path == "/app"]
    assert isinstance(pages, FastAPI)
    return pages


@pytest.fixture
async def api(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service, signed in as ANNA with a purpose; `headers=as_(SUE)` asks as somebody else."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=HEADERS) as client:
        yield client


Pages = Callable[..., Awaitable[httpx.AsyncClient]]
"""A browser's client of the pages, signed in as this person, who has stated a purpose: the second argument."""


@pytest.fixture
async def pages(app: FastAPI, store: Store) -> AsyncIterator[Pages]:
    """Signs people in to the pages: `anna = await pages(ANNA)`, then `await anna.get("/app/review")`."""
    async with AsyncExitStack() as stack:

        async def signed_in(person: Person, purpose: str = PURPOSE) -> httpx.AsyncClient:
            cookie = await session_cookie(store, person, purpose)
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app),
                base_url="http://127.0.0.1",
                headers={"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "document"},
                cookies={COOKIE: cookie},
            )
            session = await find_session(store, cookie, datetime.now(UTC), in_use=False)
            assert session is not None
            mark = session.mark

            async def as_a_form(request: httpx.Request) -> None:
                if request.method == "POST" and "session" not in request.url.params:
                    request.url = request.url.copy_merge_params({"session": mark})

            client.event_hooks = {"request": [as_a_form]}
            return await stack.enter_async_context(client)

        yield signed_in


async def session_cookie(store: Store, person: Person, purpose: str = PURPOSE) -> str:
    """The secret of a new session of this person, who has stated a purpose."""
    now = datetime.now(UTC)
    secret = await do_sign_in(access_of(store, person, now))
    session = await find_session(store, secret, now)
    assert session is not None
    if purpose:
        await state_purpose(store, session, purpose)
    return secret


async def entries(store: Store) -> list[audit.Entry]:
    """The whole audit, oldest first."""
    rows = await store.read(lambda tx: tx.rows(audit_queries.ENTRIES, after=0, limit=100_000))
    return [audit.Entry(**row) for row in rows]


async def deeds(store: Store) -> list[audit.Entry]:
    """The audit without the refusals and misses that are in it: what was done and looked at."""
    refusals = (AuditAction.ACCESS_MISSED, AuditAction.ACCESS_REFUSED)
    return [entry for entry in await entries(store) if entry.action not in refusals]
