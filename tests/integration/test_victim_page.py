"""What a victim's page shows besides its faces: dates, acts, what waits for a second person, and its identity."""

import pytest

from graph.actions.decide import identify, verdicts
from graph.actions.decide.decision import Judgement, Seen
from graph.actions.identification import Proposal
from graph.actions.read.victim import Moved
from graph.actions.read.victim_page import VictimPage, read_identifications, read_links_of_victim, read_victim_page
from graph.domain.errors import NotFound
from graph.domain.identification import Basis
from graph.domain.link import Decision, SecondDecision, State
from graph.domain.people import Person, Role
from graph.domain.victim import formed_id
from graph.store.session import Store
from tests.integration.conftest import entries
from tests.support.access import access_of
from tests.support.factories import ANNA, BEN, NORTH, NOW, SOUTH, SUE, Scene, every_face

pytestmark = pytest.mark.anyio
BOB = Person("bob@north", frozenset({Role.INVESTIGATOR}), "north")
CHILD = "local:child"


async def confirm(
    store: Store, link_id: str, who: Person = ANNA, decision: str = "confirmed", version: int = 0
) -> None:
    said = Judgement(link_id, version, Decision(decision), ("ears",), "the left ear", await every_face(store))
    await verdicts.do_verdict(access_of(store, who, NOW), said)


async def approve(store: Store, link_id: str, version: int = 1) -> None:
    faces = await every_face(store)
    await verdicts.do_approval(
        access_of(store, SUE, NOW), Seen(link_id, version), SecondDecision.APPROVED, "yes", faces=faces
    )


async def page(store: Store, victim_id: str, who: Person = ANNA) -> VictimPage:
    found = await read_victim_page(access_of(store, who, NOW, "test"), victim_id)
    assert isinstance(found, VictimPage)
    return found


async def test_a_face_has_the_date_that_the_viewer_may_know(store: Store, scene: Scene) -> None:
    await scene.media("dated", NORTH, faces=["d1"], captured_at="2019-05-01T00:00:00")
    await scene.media("theirs", SOUTH, faces=["w1"], captured_at="2021-05-01T00:00:00")
    await scene.depicts("d1", CHILD)
    link = await scene.link("d1", "w1")
    await confirm(store, link)
    masked = await page(store, CHILD)
    assert scene.faces["w1"] not in masked.pictures
    await approve(store, link)

    pictures = (await page(store, CHILD)).pictures

    assert pictures[scene.faces["d1"]].captured_at == "2019-05-01T00:00:00"
    assert pictures[scene.faces["w1"]].captured_at is None  # the API tells a band of years at most


async def test_acts_stand_as_on_the_links_and_one_act_stands_once(store: Store, scene: Scene) -> None:
    await scene.media("x", NORTH, faces=["x1"])
    await scene.media("y", NORTH, faces=["y1"])
    link = await scene.link("n1", "x1")
    await confirm(store, link)
    second = await scene.link("x1", "y1")
    await confirm(store, second, BOB)
    victim = formed_id(min(link, second))

    acts = (await page(store, victim)).acts
    assert [(act.verdict.by, act.verdict.decision, act.links) for act in acts] == [
        ("bob@north", "confirmed", 1),
        ("anna@north", "confirmed", 1),
    ]
    # ANNA has decided her own link alone: of the other she learns who, and not why.
    assert [act.verdict.reasons for act in acts] == [None, ("ears",)]
    assert {act.verdict.text for act in (await page(store, victim, SUE)).acts} == {None}


async def test_what_waits_for_a_second_person_is_listed_and_what_blocks_an_identification(
    store: Store, scene: Scene
) -> None:
    await scene.media("x", NORTH, faces=["x1"])
    here, there = await scene.link("n1", "x1"), await scene.link("n1", "s1")
    await confirm(store, here)
    await confirm(store, there)
    victim = formed_id(min(here, there))

    missing = (await page(store, victim)).missing

    assert {(link.link_id, link.elsewhere) for link in missing} == {(here, False), (there, True)}
    await approve(store, there)
    assert [link.link_id for link in (await page(store, victim)).missing] == [here]


async def test_before_the_approval_only_the_two_persons_learn_who_it_is(store: Store, scene: Scene) -> None:
    await scene.depicts("n1", CHILD)
    said = Proposal("person 12", Basis.DOCUMENT, "a passport", await every_face(store))
    made = await identify.do_identification(access_of(store, ANNA, NOW), CHILD, said)

    async def seen(who: Person) -> tuple[str, str, str | None]:
        [one] = (await page(store, CHILD, who)).identifications
        assert (one.identification_id, one.by) == (made.identification_id, ANNA.actor)
        assert await read_identifications(access_of(store, who, NOW, "test"), CHILD) == (one,)
        return one.person_ref, one.reason, one.decision_reason

    assert await seen(ANNA) == ("person 12", "a passport", None)
    assert await seen(SUE) == ("person 12", "", None)
    assert await seen(BOB) == ("", "", None)
    await identify.do_identification_approval(
        access_of(store, SUE, NOW),
        made.identification_id,
        0,
        SecondDecision.APPROVED,
        "I agree",
        faces=await every_face(store),
    )
    assert await seen(BOB) == ("person 12", "", None)
    assert await seen(ANNA) == ("person 12", "a passport", "I agree")
    assert (await page(store, CHILD, BOB)).victim.identity == "person 12"


async def test_leads_come_on_request_in_an_order_that_discloses_no_score(store: Store, scene: Scene) -> None:
    await scene.depicts("n2", CHILD)
    lead = await scene.link("n2", "t1", state="lead", score=0.37)
    access = access_of(store, ANNA, NOW, "test")

    leads = await read_links_of_victim(access, CHILD, [State.LEAD], after="", limit=9)

    assert [(link.link_id, link.score) for link in leads.items] == [(lead, None)]
    assert (await read_links_of_victim(access, CHILD, [State.CANDIDATE], after="", limit=9)).items == []
    with pytest.raises(NotFound):
        await read_links_of_victim(access_of(store, BEN, NOW, "test"), CHILD, [State.LEAD], after="", limit=9)


async def test_a_former_id_leads_on_and_a_hidden_victim_is_none(store: Store, scene: Scene) -> None:
    await scene.media("x", NORTH, faces=["x1"])
    link = await scene.link("n1", "x1")
    await confirm(store, link)
    await scene.depicts("n1", CHILD)
    await scene.depicts("x1", CHILD)
    moved = await read_victim_page(access_of(store, ANNA, NOW, "test"), formed_id(link))
    assert moved == Moved(CHILD)
    await scene.depicts("s1", "other:child")
    with pytest.raises(NotFound):
        await page(store, "other:child")
    assert [entry.action for entry in await entries(store)][-1] == "victim.seen"
