"""What a person decided last, read again from the graph."""

from datetime import timedelta

import pytest

from graph.actions.decide.acts import do_act_reopening
from graph.actions.decide.identify import do_identification_approval
from graph.actions.read.last_act import read_last_act
from graph.domain.link import SecondDecision
from graph.store.session import Store
from tests.support.access import access_of
from tests.support.access_table import THINGS
from tests.support.decisions import judge
from tests.support.factories import ANNA, BEN, NOW, SUE, Scene

pytestmark = pytest.mark.anyio

SINCE = (NOW - timedelta(hours=1)).isoformat()


async def test_the_last_verdict_is_the_persons_own_and_of_this_session(scene: Scene, store: Store) -> None:
    anna = access_of(store, ANNA, NOW)
    assert await read_last_act(anna, "verdict", SINCE) is None
    link_id = await scene.link("n1", "s1")
    await judge(store, link_id, by=ANNA)
    last = await read_last_act(anna, "verdict", SINCE)
    assert last is not None and (last.decision, last.link_ids, last.is_undone) == ("confirmed", (link_id,), False)
    assert await read_last_act(access_of(store, BEN, NOW), "verdict", SINCE) is None
    assert await read_last_act(anna, "approval", SINCE) is None
    assert await read_last_act(anna, "verdict", (NOW + timedelta(days=1)).isoformat()) is None
    await do_act_reopening(access_of(store, ANNA, NOW + timedelta(minutes=1)), last.act_id, "wrong")
    last = await read_last_act(anna, "verdict", SINCE)
    assert last is not None and last.is_undone
    assert await read_last_act(anna, "approval", SINCE) is None, "a verdict was taken back"


async def test_the_last_approval_may_be_of_an_identification(scene: Scene, store: Store) -> None:
    found = await THINGS["identification"](scene)
    sue = access_of(store, SUE, NOW + timedelta(minutes=5))
    decided = await do_identification_approval(
        sue, found["identification_id"], 0, SecondDecision.RETURNED, "the ears differ"
    )
    last = await read_last_act(sue, "approval", SINCE)
    assert last is not None and last.decision == "returned"
    assert last.identification == (decided.identification_id, decided.version)
