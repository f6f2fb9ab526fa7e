"""What a person may not see changes nothing that the service answers: two worlds that differ in that alone are alike.

Each drawn story is built twice in the real graph, one after the other, with other scores, other ids, further acts and
other people in the other district. Every operation of the OpenAPI document is then asked by one viewer in the north,
with ids that they know and ids that they guess: status, headers and body are the same in both. REDTHREAD_TEST_WORLDS
sets how many stories are drawn.
"""

import asyncio
import json
import os
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from api.app import build_app
from api.deps import Services
from api.readiness import Readiness
from graph.actions.access import AccessLog
from graph.actions.read.agreement import read_agreement
from graph.actions.read.inbox import read_inbox
from graph.domain import ids
from graph.domain.people import Person, Role
from graph.files import MediaStore
from graph.store.migrate import migrate
from graph.store.session import Store
from tests.support.access import access_of
from tests.support.factories import NOW
from tests.support.graph_contents import empty
from tests.support.harness import new_store
from tests.support.signed_in import as_, sign_in
from tests.support.world_requests import REQUESTS, Pool, Request, requests
from tests.support.worlds import OPENED, SEALED, SOUTHERN, VIEWERS, WIDE, Hidden, Ids, Step, World, place_of

STORIES = int(os.environ.get("REDTHREAD_TEST_WORLDS", "3"))
AGAIN = 60
"""Requests beyond one of every operation."""

TELLING = [
    Step("bob", "confirm", place_of(("n1", "s1"))),
    Step("ben", "dismiss_all", place_of(("n7", "s1"), ("n7", "s2"))),
    Step("bob", "dismiss", place_of(("n1", "n2"))),
    Step("bob", "confirm", place_of(("x1", "s7"))),
    Step("bob", "confirm", place_of(("n9", "s8"))),
]
"""What every story begins with: a confirmation across districts, an act of the south, a pair held to be two people."""

one_step = st.builds(
    Step,
    who=st.sampled_from(["bob", "bob", "sol", "ben", "sam"]),
    what=st.sampled_from(
        [
            "confirm",
            "confirm",
            "dismiss",
            "unsure",
            "return",
            "reopen",
            "confirm_all",
            "dismiss_all",
            "unsure_all",
            "undo",
        ]
    ),
    links=st.lists(st.integers(0, len(OPENED) + len(SEALED) - 1), min_size=1, max_size=3, unique=True).map(tuple),
)


@st.composite
def hidden(draw: st.DrawFn, name: str) -> Hidden:
    score = st.floats(0.45, 0.95)
    act = st.tuples(
        st.sampled_from(["confirm", "confirm", "dismiss", "unsure", "reopen"]),
        st.lists(st.integers(0, len(SOUTHERN) - 1), min_size=1, max_size=1).map(tuple),
    )
    return Hidden(
        name,
        {pair: draw(score) for pair in (*SEALED, *SOUTHERN, *WIDE)},
        tuple(draw(st.lists(act, max_size=5))),
        draw(st.sampled_from(["not", "proposed", "approved"])),
        1 if name == "a" else 2,
    )


stories = st.tuples(
    st.lists(one_step, min_size=2, max_size=8),
    hidden("a"),
    hidden("b"),
    st.sampled_from(VIEWERS),
    st.integers(0, 2**32),
)


def test_every_operation_of_the_api_is_asked_for() -> None:
    document = build_app(_nothing, upload_limit=1, version="test").openapi()
    operations = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert operations == set(REQUESTS)


@asynccontextmanager
async def _nothing() -> Any:
    yield None


def test_what_a_viewer_may_not_see_changes_nothing_that_is_answered(
    stack: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_id = Ids()
    monkeypatch.setattr(ids, "new_id", new_id)
    with asyncio.Runner() as runner:
        store = runner.run(_opened(stack))
        try:

            @settings(
                max_examples=STORIES,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate],
                derandomize="REDTHREAD_TEST_WORLDS" not in os.environ,
            )
            @given(stories)
            def story(drawn: tuple[list[Step], Hidden, Hidden, Person, int]) -> None:
                steps, one, other, viewer, seed = drawn
                pool = Pool(Random(seed), (one, other), len(TELLING) + len(steps))
                asked = requests(Random(seed), pool, AGAIN)
                told = [
                    runner.run(
                        _answers(
                            store, new_store(tmp_path), world, new_id, viewer, [*TELLING, *steps], asked, monkeypatch
                        )
                    )
                    for world in (one, other)
                ]
                assume(told[0][0] == told[1][0])
                both = zip([*asked, "inbox", "agreement"], told[0][1], told[1][1], strict=True)
                differ = [
                    f"{viewer.actor}: {request}\n  " + "\n  ".join(_differences(*answers))
                    for request, *answers in both
                    if answers[0] != answers[1]
                ]
                assert not differ, "\n".join(differ[:5])

            story()
        finally:
            runner.run(store.close())


async def _opened(stack: Any) -> Store:
    store = Store(*stack.neo4j)
    await migrate(store)
    return store


async def _answers(
    store: Store,
    files: MediaStore,
    hidden: Hidden,
    new_id: Ids,
    viewer: Person,
    steps: list[Step],
    asked: list[Request],
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[list[str], list[Any]]:
    """What became of the common steps, and what each request was answered, in one world."""
    await empty(store)
    world = World(store, files, hidden, new_id, viewer)
    await world.build(steps)

    @asynccontextmanager
    async def services() -> Any:
        who = sign_in()
        readiness = Readiness(store, files, who, fresh=0)
        yield Services(store, files, AccessLog(store), who, readiness, now=lambda: now)
        await readiness.close()

    now = NOW
    app = build_app(services, upload_limit=1_000_000, version="test")
    told: list[Any] = []
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1", headers=as_(viewer)
        ) as client,
    ):
        for number, request in enumerate(asked):
            new_id.call(f"request {number}")
            now = NOW + timedelta(hours=1, seconds=number)
            told.append(await _ask(client, request))
    told += await _news(store, viewer, now)
    return world.outcomes, told


async def _news(store: Store, viewer: Person, now: datetime) -> list[Any]:
    """What actions without a route in the API tell the viewer."""
    inbox = await read_inbox(access_of(store, viewer, now, "test"), limit=3)
    supervises = Role.SUPERVISOR in viewer.roles
    return [asdict(inbox), asdict(await read_agreement(access_of(store, viewer, now))) if supervises else None]


async def _ask(client: httpx.AsyncClient, request: Request) -> Any:
    headers: dict[str, str] = {}
    if request.purpose is not None:
        headers["Redthread-Purpose"] = request.purpose
    if request.version is not None:
        headers["If-Match"] = f'"{request.version}"'
    sent: dict[str, Any] = {"json": request.body} if request.body is not None else {}
    if request.form is not None:
        sent = {"data": dict(request.form), "files": {"file": ("a.jpg", b"no picture", "image/jpeg")}}
    answer = await client.request(request.method, request.path, params=dict(request.query), headers=headers, **sent)
    body = answer.text
    try:
        body = json.loads(body)
    except ValueError:
        body = answer.content.hex()
    return answer.status_code, sorted(answer.headers.items()), body


def _differences(one: Any, other: Any, where: str = "") -> list[str]:
    """The places in which two answers differ, each with what stands there."""
    if isinstance(one, dict) and isinstance(other, dict):
        return [
            line
            for key in one.keys() | other.keys()
            for line in _differences(one.get(key), other.get(key), f"{where}.{key}")
        ]
    if isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        return [
            line
            for place, pair in enumerate(zip(one, other, strict=True))
            for line in _differences(*pair, f"{where}[{place}]")
        ]
    return [] if one == other else [f"{where}: {str(one)[:300]} | {str(other)[:300]}"]
