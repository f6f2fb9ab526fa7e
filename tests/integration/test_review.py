"""People judge links, in the real graph: nothing is lost, changed by a machine, or unlogged."""

import asyncio

import pytest

from graph.actions.decide.decision import Judgement
from graph.actions.decide.verdicts import do_verdict
from graph.actions.read.links import find_link
from graph.domain import audit
from graph.domain.errors import Conflict, Invalid, NotFound
from graph.domain.link import Decision, State
from graph.domain.people import Person
from graph.domain.visibility import VisibleLink
from graph.store.session import Store
from tests.integration.conftest import entries
from tests.support.access import access_of
from tests.support.factories import ANNA, BEN, MODEL, NORTH, NOW, Scene, every_face

pytestmark = pytest.mark.anyio

WHY = ("ears",)


async def judge(
    store: Store, link_id: str, version: int, decision: Decision = Decision.CONFIRMED, actor: Person = ANNA
) -> VisibleLink:
    said = Judgement(link_id, version, decision, WHY, "", await every_face(store))
    return await do_verdict(access_of(store, actor, NOW), said)


async def seen(store: Store, link_id: str, viewer: Person) -> VisibleLink:
    return await store.read(lambda tx: find_link(tx, link_id, viewer=viewer))


async def test_a_verdict_sets_the_state_keeps_the_score_of_then_and_is_in_the_audit(store: Store, link_id: str) -> None:
    link = await judge(store, link_id, 0)

    assert (link.state, link.version, link.score, link.model_id) == (State.CONFIRMED, 1, 0.52, MODEL)
    [row] = await store.read(lambda tx: tx.rows("MATCH (a:Act)-[:WROTE]->(v:Verdict) RETURN a, v"))
    assert row["a"]["by"] == ANNA.actor
    assert (row["v"]["score_then"], row["v"]["state_then"], row["v"]["link_id"]) == (0.52, "candidate", link_id)
    [entry] = await entries(store)
    assert (entry.actor, entry.action, entry.subject) == (ANNA.actor, "link.judged", link_id)


async def test_a_lead_may_be_judged(store: Store, scene: Scene) -> None:
    lead = await scene.link("n2", "t1", state="lead", score=0.37)

    assert (await judge(store, lead, 0, Decision.DISMISSED)).state is State.DISMISSED


async def test_a_second_verdict_supersedes_the_first_and_overwrites_nothing(store: Store, link_id: str) -> None:
    await judge(store, link_id, 0, Decision.UNSURE)
    link = await judge(store, link_id, 1, Decision.DISMISSED, BEN)

    first, second = link.history
    told = (first.by, first.decision, second.by, second.decision)
    assert told == ("investigator of north", "unsure", BEN.actor, "dismissed")
    assert (first.supersedes, second.supersedes) == (None, first.verdict_id)


async def test_of_two_people_who_judge_at_once_exactly_one_wins(store: Store, link_id: str) -> None:
    people = [Person(f"person{number}@north", ANNA.roles, "north") for number in range(8)]
    decisions = [Decision.CONFIRMED, Decision.DISMISSED]
    outcomes = await asyncio.gather(
        *(judge(store, link_id, 0, decisions[number % 2], who) for number, who in enumerate(people)),
        return_exceptions=True,
    )

    won = [outcome for outcome in outcomes if isinstance(outcome, VisibleLink)]
    lost = [outcome for outcome in outcomes if isinstance(outcome, Conflict)]
    assert (len(won), len(lost)) == (1, 7)
    winner = won[0].history[0].by
    assert {error.code for error in lost} == {"stale_version"}
    assert all(error.current["by"] == winner and winner in error.disclosed for error in lost)
    assert len(await entries(store)) == 1


async def test_the_machine_never_touches_a_judged_link(store: Store, scene: Scene, link_id: str) -> None:
    await judge(store, link_id, 0, Decision.DISMISSED)
    before = await seen(store, link_id, ANNA)

    await scene.link("n1", "s1", state="candidate", score=0.99)

    assert await seen(store, link_id, ANNA) == before


async def test_a_verdict_that_races_with_the_machines_refresh_stands(store: Store, scene: Scene) -> None:
    """The refresh reads `version`, then writes: without the edge's lock it would undo a verdict in between."""
    for number in range(10):
        await scene.media(f"r{number}", NORTH, faces=[f"r{number}"])
        link_id = await scene.link(f"r{number}", "s1", score=0.5)
        refresh = [scene.link(f"r{number}", "s1", state="lead", score=0.36 + step / 1000) for step in range(4)]
        verdict, *_ = await asyncio.gather(judge(store, link_id, 0, Decision.DISMISSED), *refresh)

        after = await seen(store, link_id, ANNA)
        assert (after.state, after.version) == (State.DISMISSED, 1)
        assert after.score == verdict.score


async def test_two_faces_of_one_picture_are_never_confirmed_as_one_person(store: Store, scene: Scene) -> None:
    link_id = await scene.link("n1", "n2")

    with pytest.raises(Conflict) as refused:
        await judge(store, link_id, 0)

    assert refused.value.code == "contradiction"
    assert await entries(store) == []
    assert (await judge(store, link_id, 0, Decision.DISMISSED)).state is State.DISMISSED


async def test_a_decided_link_waits_for_no_verdict(store: Store, link_id: str) -> None:
    await judge(store, link_id, 0)

    with pytest.raises(Conflict) as refused:
        await judge(store, link_id, 1, Decision.DISMISSED, BEN)

    assert refused.value.code == "already_decided"
    assert refused.value.current["by"] == "investigator of north"


async def test_a_confirmation_without_a_reason_for_it_is_refused(store: Store, link_id: str) -> None:
    for reasons in ((), ("against:ears",), ("looks",)):
        with pytest.raises(Invalid):
            said = Judgement(link_id, 0, Decision.CONFIRMED, reasons, "", await every_face(store))
            await do_verdict(access_of(store, ANNA, NOW), said)


async def test_an_unknown_link_is_not_found(store: Store, scene: Scene) -> None:
    with pytest.raises(NotFound):
        await judge(store, "f" * 64, 0)


async def test_the_score_stays_hidden_from_who_has_not_judged(store: Store, link_id: str) -> None:
    await judge(store, link_id, 0, Decision.UNSURE)
    assert (await seen(store, link_id, ANNA)).score is None, "who is unsure may still judge blind"
    await judge(store, link_id, 1, Decision.DISMISSED)

    assert (await seen(store, link_id, ANNA)).score == 0.52
    other = await seen(store, link_id, BEN)
    assert (other.score, other.band, other.model_id, other.threshold) == (None, None, None, None)
    assert [(past.decision, past.reasons) for past in other.history] == [("unsure", None), ("dismissed", None)]


async def test_the_chain_is_whole_after_verdicts_of_many_at_once(store: Store, scene: Scene) -> None:
    made: list[str] = []
    for number in range(6):
        await scene.media(f"c{number}", NORTH, faces=[f"c{number}"])
        made.append(await scene.link(f"c{number}", "s1"))

    await asyncio.gather(*(judge(store, link_id, 0) for link_id in made))

    chain = await entries(store)
    assert len(chain) == 6
    assert audit.first_fault(chain) is None
