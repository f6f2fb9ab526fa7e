"""What people decide, on the real graph: who may, what follows for victims, and what is told to case systems."""

import json

import pytest

from graph.actions.decide import verdicts
from graph.actions.decide.decision import Seen
from graph.actions.decide.pair import do_link
from graph.actions.read.approvals import read_approvals
from graph.actions.read.links import read_link
from graph.actions.read.queue import read_queue
from graph.domain.errors import Conflict, Forbidden, Invalid, NotFound
from graph.domain.link import SecondDecision, State
from graph.domain.people import Person, Role
from graph.domain.queue import Filters
from graph.domain.victim import formed_id
from tests.integration.conftest import entries
from tests.support.access import access_of
from tests.support.decisions import NO, WHO_LEFT, approve, decision_notices, declare, judge, reopen, victims_of
from tests.support.factories import ANNA, BEN, NORTH, NOW, SAM, SOUTH, SUE, Scene

pytestmark = pytest.mark.anyio


async def test_a_confirmed_link_makes_a_victim_and_its_reopening_restores_exactly(scene: Scene, link_id: str) -> None:
    store = scene.store
    await judge(store, link_id)
    assert await victims_of(scene) == {"n1": formed_id(link_id), "s1": formed_id(link_id)}

    link = await reopen(store, link_id, 1)
    assert (link.state, link.version) == (State.CANDIDATE, 2)
    assert await victims_of(scene) == {}
    with pytest.raises(Conflict) as refused:
        await reopen(store, link_id, 2)
    assert refused.value.code == "nothing_to_reopen"


async def test_a_second_person_approves_and_never_the_one_who_confirmed(scene: Scene, link_id: str) -> None:
    store = scene.store
    both = Person("anna@north", frozenset({Role.INVESTIGATOR, Role.SUPERVISOR}), "north")
    with pytest.raises(Conflict) as early:
        await approve(store, link_id, 0)
    assert early.value.code == "not_confirmed"
    await judge(store, link_id, by=both)
    with pytest.raises(Forbidden) as own:
        await approve(store, link_id, by=both)
    assert own.value.code == "own_decision"
    with pytest.raises(Forbidden):
        await approve(store, link_id, by=BEN)
    with pytest.raises(NotFound):
        await approve(store, link_id, by=WHO_LEFT)

    assert (await approve(store, link_id, by=SAM)).state is State.APPROVED


async def test_a_returned_link_goes_back_and_may_be_judged_again(scene: Scene, link_id: str) -> None:
    store = scene.store
    await judge(store, link_id)
    assert (await approve(store, link_id, returned=True)).state is State.RETURNED
    assert await victims_of(scene) == {}
    with pytest.raises(Invalid):
        await verdicts.do_approval(access_of(store, SUE, NOW), Seen(link_id, 2), SecondDecision.RETURNED, " ")
    assert [entry.action for entry in await entries(store)] == ["link.judged", "link.returned"]
    again = await judge(store, link_id, version=2)
    assert again.state is State.CONFIRMED
    assert (await reopen(store, link_id, 3)).state is State.RETURNED
    assert (await reopen(store, link_id, 4, by=SUE)).state is State.CONFIRMED
    assert set(await victims_of(scene)) == {"n1", "s1"}


async def test_an_act_is_reopened_by_who_made_it_or_by_a_supervisor_of_either_side(scene: Scene, link_id: str) -> None:
    store = scene.store
    await judge(store, link_id)
    with pytest.raises(Forbidden):
        await reopen(store, link_id, 1, by=BEN)
    with pytest.raises(NotFound):
        await reopen(store, link_id, 1, by=WHO_LEFT)
    assert (await reopen(store, link_id, 1, by=SAM)).state is State.CANDIDATE


async def test_a_chain_that_would_join_a_dismissed_pair_is_refused_with_its_weakest_link(scene: Scene) -> None:
    store = scene.store
    await scene.media("u", SOUTH, faces=["u1"])
    first, second = await scene.link("n1", "s1", score=0.6), await scene.link("s1", "u1", score=0.41)
    third = await scene.link("n1", "u1", score=0.5)
    await judge(store, first)
    await judge(store, third, NO)
    before = len(await entries(store))

    with pytest.raises(Conflict) as refused:
        await judge(store, second, by=BEN)

    assert refused.value.code == "contradiction"
    assert refused.value.current["kind"] == "dismissed"
    assert set(refused.value.current["path"]) == {first, second}
    assert refused.value.current["weakest"] == second
    assert len(await entries(store)) == before
    # The other way round: once joined, the pair cannot be dismissed.
    await reopen(store, third, 1)
    await judge(store, second, by=BEN)
    with pytest.raises(Conflict) as late:
        await judge(store, third, NO, version=2)
    assert late.value.code == "contradiction"


async def test_two_faces_of_one_picture_are_not_joined_by_way_of_a_third(scene: Scene) -> None:
    store = scene.store
    first, second = await scene.link("n1", "s1"), await scene.link("n2", "s1")
    await judge(store, first)
    with pytest.raises(Conflict) as refused:
        await judge(store, second)
    assert refused.value.current["kind"] == "one_frame"
    assert (await judge(store, second, NO)).state is State.DISMISSED


async def test_two_registered_victims_are_joined_only_by_approval(scene: Scene, link_id: str) -> None:
    store = scene.store
    await declare(store, scene, "n1", "r2")
    await declare(store, scene, "s1", "r1")

    await judge(store, link_id)
    assert await victims_of(scene) == {}
    notices = {notice["subject"]: notice for notice in await decision_notices(store)}
    # That the other side is registered too is no case system's to know before the approval.
    assert not any(notice["pending"] for notice in notices.values() if notice["outcome"] == "decided")

    await approve(store, link_id)
    assert await victims_of(scene) == {"n1": "r1", "s1": "r1"}
    await reopen(store, link_id, 2, by=SUE)
    assert await victims_of(scene) == {}


async def test_each_case_system_hears_of_its_own_cases_only_and_in_order(scene: Scene, link_id: str) -> None:
    store = scene.store
    await judge(store, link_id)
    await approve(store, link_id)
    await reopen(store, link_id, 2, by=SUE)

    notices = [notice for notice in await decision_notices(store) if notice["outcome"] == "decided"]
    by_source = {source: [n for n in notices if n["source"] == source] for source in ("local", "other")}
    for source, mine in by_source.items():
        assert [n["number"] for n in mine] == [1, 2, 3]
        assert [n["standing"] for n in mine] == ["assessed", "approved", "assessed"]
        assert [n["decision"] for n in mine] == ["confirmed", "approved", "reopened"]
        assert mine[1]["supersedes"] == mine[0]["notice_id"]
        for notice in mine:
            own = [side for side in notice["faces"] if "face_id" in side]
            other = [side for side in notice["faces"] if "face_id" not in side]
            assert len(own) == 1 and all(case.startswith(source) for case in own[0]["case_ids"])
            assert [set(side) for side in other] == [{"district"}]
    assert ANNA.actor not in json.dumps(await decision_notices(store))


async def test_a_link_by_hand_is_confirmed_and_names_who_made_it(scene: Scene) -> None:
    store = scene.store
    await scene.media("x", NORTH, faces=["x1"])
    pair = (scene.faces["n1"], scene.faces["x1"])
    link = await do_link(access_of(store, ANNA, NOW), pair, ["marks"], "")
    assert (link.state, link.proposed_by, link.score) == (State.CONFIRMED, ANNA.actor, None)
    assert set(await victims_of(scene)) == {"n1", "x1"}
    with pytest.raises(Conflict) as refused:
        await do_link(access_of(store, ANNA, NOW), pair, ["marks"], "")
    assert (refused.value.code, refused.value.current["link_id"]) == ("link_exists", link.link_id)
    with pytest.raises(NotFound):  # a face of another district, which no search has shown
        await do_link(access_of(store, ANNA, NOW), (scene.faces["n1"], scene.faces["t1"]), ["marks"], "")
    assert (await reopen(store, link.link_id, 1)).state is State.WITHDRAWN


async def test_a_person_of_another_district_is_named_once_the_link_is_approved(scene: Scene, link_id: str) -> None:
    store = scene.store
    await judge(store, link_id, by=BEN)
    [confirmed] = (await read_link(access_of(store, ANNA, NOW, "test"), link_id)).history
    [page] = (await read_approvals(access_of(store, SUE, NOW, "test"), limit=9, after=None)).items
    with pytest.raises(Conflict) as stale:
        await judge(store, link_id, by=ANNA)
    with pytest.raises(Conflict) as at_home:
        await judge(store, link_id, by=Person("bea@south", BEN.roles, "south"))

    assert confirmed.by == page.by == stale.value.current["by"] == "investigator of south"
    assert stale.value.disclosed.startswith("investigator of south acted first")
    assert BEN.actor not in f"{stale.value.disclosed} {stale.value.current}"
    assert at_home.value.current["by"] == BEN.actor

    await approve(store, link_id)
    seen = await read_link(access_of(store, ANNA, NOW, "test"), link_id)
    assert [past.by for past in seen.history] == [BEN.actor, SUE.actor]


async def test_who_returned_what_another_district_confirmed_is_a_role_and_a_district(
    scene: Scene, link_id: str
) -> None:
    store = scene.store
    await judge(store, link_id, by=BEN)
    await approve(store, link_id, returned=True)
    page = await read_queue(access_of(store, BEN, NOW, "test"), Filters(), limit=9, after=None)

    assert [queued.returned.by for queued in page.items if queued.returned] == ["supervisor of north"]
