"""What a person may not see changes nothing of what pages read: the worlds of `tests.support.worlds` are alike.

`test_two_worlds` asks every operation of the API so; these reads are called by pages alone.
"""

from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from graph.actions.access import Access
from graph.actions.read.case_graph import read_case_graph
from graph.actions.read.case_list import read_cases
from graph.actions.read.outcomes import read_completeness, read_outcomes
from graph.actions.read.threads import read_threads
from graph.actions.read.victim_page import read_links_of_victim, read_victim_page
from graph.domain import ids
from graph.domain.errors import RedthreadError
from graph.domain.link import State
from graph.domain.people import Person
from graph.domain.threads import Strength
from graph.store.session import Store
from tests.integration.test_two_worlds import TELLING
from tests.support.access import access_of
from tests.support.factories import NOW
from tests.support.graph_contents import empty
from tests.support.harness import new_store
from tests.support.world_requests import Pool
from tests.support.worlds import OPENED, SEALED, SOUTHERN, VIEWERS, WIDE, Hidden, Ids, Step, World, place_of

pytestmark = pytest.mark.anyio
MORE = [
    Step("bob", "confirm_all", place_of(("n4", "s1"), ("n4", "s2"))),
    Step("bob", "confirm", place_of(("n2", "s2"))),
    Step("bob", "unsure", place_of(("x2", "s6"))),
]
PAIRS = (*SEALED, *SOUTHERN, *WIDE)
WORLDS = (
    Hidden("a", {pair: 0.5 for pair in PAIRS}, (("confirm", (0,)), ("confirm", (3,))), "proposed", 1),
    Hidden("b", {pair: 0.9 for pair in PAIRS}, (("dismiss", (4,)), ("confirm", (2,))), "approved", 2),
)


@pytest.mark.parametrize("viewer", VIEWERS, ids=lambda viewer: viewer.actor)
async def test_pages_read_the_same_in_both_worlds(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, viewer: Person
) -> None:
    new_id = Ids()
    monkeypatch.setattr(ids, "new_id", new_id)
    steps = [*TELLING, *MORE]
    pool = Pool(Random(1), WORLDS, len(steps))
    told: list[dict[str, Any]] = []
    for hidden in WORLDS:
        await empty(store)
        world = World(store, new_store(tmp_path), hidden, new_id, viewer)
        await world.build(steps)
        told.append(await everything(access_of(store, viewer, NOW + timedelta(hours=1), "test"), pool))

    assert told[0].keys() == told[1].keys()
    assert {what: (told[0][what], told[1][what]) for what in told[0] if told[0][what] != told[1][what]} == {}
    assert "columns" in str(told[0]) and "pictures" in str(told[0])
    assert OPENED


async def everything(access: Access, pool: Pool) -> dict[str, Any]:
    """What every read answers, by its name and what was asked."""
    found: dict[str, Any] = {"cases": await answer(read_cases(access, limit=50))}
    for case_id in pool.cases:
        for strengths in (list(Strength), [Strength.CANDIDATE], [Strength.CONFIRMED, Strength.APPROVED]):
            asked = {"strengths": strengths}
            name = f"{case_id} {strengths}"
            found[f"threads {name}"] = await answer(read_threads(access, case_id, limit=4, **asked))
            found[f"graph {name}"] = await answer(read_case_graph(access, case_id, **asked))
        found[f"completeness {case_id}"] = await answer(read_completeness(access, case_id))
        found[f"outcomes {case_id}"] = await answer(read_outcomes(access, case_id, limit=50))
    for victim_id in pool.victims:
        found[f"victim {victim_id}"] = await answer(read_victim_page(access, victim_id))
        leads = read_links_of_victim(access, victim_id, list(State), after="", limit=50)
        found[f"links of {victim_id}"] = await answer(leads)
    return found


async def answer(read: Any) -> str:
    try:
        return repr(await read)
    except RedthreadError as refused:
        return repr((refused.code, refused.message, getattr(refused, "current", None)))
