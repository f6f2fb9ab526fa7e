"""What opens a link and what does not, what a refusal tells and to whom, what becomes of an act of two districts."""

import httpx
import pytest

from graph.actions.decide import acts, contact_sheet, identify, verdicts
from graph.actions.decide.contact_sheet import SheetJudgement
from graph.actions.decide.decision import Judgement, Seen
from graph.actions.identification import Proposal
from graph.actions.read.claims import do_claim
from graph.actions.read.links import read_link
from graph.domain.errors import Conflict, Forbidden, NotFound
from graph.domain.identification import Basis
from graph.domain.link import Decision, SecondDecision, State
from graph.domain.people import Person, Role
from graph.domain.queue import SKIPPED_FOR, Filters
from graph.domain.victim import formed_id
from graph.domain.visibility import VisibleLink
from graph.store.migrate import migrations
from graph.store.session import Store
from tests.integration.conftest import deeds, entries
from tests.support.access import access_of
from tests.support.factories import ANNA, BEN, NORTH, NOW, SAM, SOUTH, SUE, Scene, every_face
from tests.support.signed_in import as_

pytestmark = pytest.mark.anyio
BOB = Person("bob@north", frozenset({Role.INVESTIGATOR}), "north")
SOL = Person("sol@north", frozenset({Role.SUPERVISOR}), "north")


async def judge(
    store: Store, link_id: str, version: int, decision: str = "confirmed", by: Person = ANNA
) -> VisibleLink:
    said = Judgement(link_id, version, Decision(decision), ("ears",), "the left ear", await every_face(store))
    return await verdicts.do_verdict(access_of(store, by, NOW), said)


async def second(store: Store, link_id: str, version: int, decision: str = "approved", by: Person = SUE) -> VisibleLink:
    seen = Seen(link_id, version)
    return await verdicts.do_approval(
        access_of(store, by, NOW), seen, SecondDecision(decision), "look again", faces=await every_face(store)
    )


async def reopen(store: Store, link_id: str, version: int, by: Person = SUE) -> VisibleLink:
    return await verdicts.do_reopening(access_of(store, by, NOW), Seen(link_id, version), "a mistake")


async def seen(store: Store, link_id: str, by: Person) -> VisibleLink:
    return await read_link(access_of(store, by, NOW, "test"), link_id)


async def blind(store: Store, link_id: str, by: Person) -> list[bool | None]:
    return [past.blind for past in (await seen(store, link_id, by)).history]


async def test_a_supervisor_who_reopens_or_returns_learns_nothing_and_may_still_approve_blind(
    store: Store, link_id: str
) -> None:
    await judge(store, link_id, 0)
    reopened = await reopen(store, link_id, 1)
    assert (reopened.score, reopened.band, reopened.history) == (None, None, ())

    await judge(store, link_id, 2, by=BOB)
    returned = await second(store, link_id, 3, "returned")
    assert (returned.score, returned.history) == (None, ())
    await judge(store, link_id, 4, by=BOB)
    before = await seen(store, link_id, SUE)
    assert before.score is None
    assert all(past.reasons is None and past.text is None for past in before.history)

    approved = await second(store, link_id, 5)
    assert (approved.score, approved.history[-1].blind) == (0.52, True)


async def test_a_person_who_reopened_a_link_decides_again_not_blind_and_after_others(
    store: Store, link_id: str
) -> None:
    assert (await judge(store, link_id, 0)).score == 0.52
    assert (await reopen(store, link_id, 1, by=ANNA)).score is None

    mine = await do_claim(access_of(store, ANNA, NOW), Filters(), 5, seed="1")
    assert link_id not in {link.link_id for queued in mine.items for link in queued.links}
    others = await do_claim(access_of(store, BOB, NOW), Filters(), 5, seed="1")
    assert link_id in {link.link_id for queued in others.items for link in queued.links}
    later = await do_claim(access_of(store, ANNA, NOW + SKIPPED_FOR), Filters(), 5, seed="1")
    assert link_id in {link.link_id for queued in later.items for link in queued.links}

    await judge(store, link_id, 2)
    assert await blind(store, link_id, ANNA) == [True, None, False]


async def test_the_reasons_of_an_approved_link_are_visible_and_later_decisions_not_blind(
    store: Store, link_id: str
) -> None:
    await judge(store, link_id, 0)
    await second(store, link_id, 1)
    assert [past.text for past in (await seen(store, link_id, SOL)).history] == ["the left ear", "look again"]
    await reopen(store, link_id, 2)
    await second(store, link_id, 3, by=SOL)
    assert (await blind(store, link_id, SOL))[-1] is False


async def test_decisions_of_older_releases_are_derived_from_their_acts(store: Store, link_id: str) -> None:
    """As the release before wrote it: every act opened its link to who made it."""
    await judge(store, link_id, 0, "unsure")
    await judge(store, link_id, 1)
    await store.write(lambda tx: tx.do("MATCH (v:Verdict) REMOVE v.opened, v.blind"))
    [text] = [text for number, _, text in migrations() if number == 11]
    for _ in range(2):
        for statement in filter(None, (part.strip() for part in text.split(";"))):
            await store.statement(statement)  # type: ignore[arg-type]

    assert await blind(store, link_id, ANNA) == [True, False]
    await reopen(store, link_id, 2, by=ANNA)
    await judge(store, link_id, 3)
    assert await blind(store, link_id, ANNA) == [True, False, None, False]


async def test_a_name_in_other_letters_is_no_second_person(store: Store, link_id: str) -> None:
    await judge(store, link_id, 0)
    with pytest.raises(Forbidden) as refused:
        await second(store, link_id, 1, by=Person("Anna@North", frozenset({Role.SUPERVISOR}), "north"))
    assert refused.value.code == "own_decision"


@pytest.mark.parametrize("name", ["machine", "Machine", "link", "relay"])
async def test_nobody_signs_in_under_the_programs_own_names(api: httpx.AsyncClient, link_id: str, name: str) -> None:
    answer = await api.get(f"/links/{link_id}", headers=as_(Person(name, ANNA.roles, "north")))
    assert (answer.status_code, answer.json()["code"]) == (403, "actor_missing")


async def test_a_refusal_shows_the_current_state_to_people_who_state_a_purpose_and_is_audited(
    api: httpx.AsyncClient, store: Store, link_id: str
) -> None:
    await judge(store, link_id, 0, by=BOB)
    body = {"decision": "confirmed", "reasons": ["ears"]}
    path, headers = f"/links/{link_id}/verdicts", {"If-Match": '"99"'}

    without = await api.post(path, json=body, headers={**headers, "Redthread-Purpose": ""})
    assert (without.status_code, without.json()["code"]) == (409, "stale_version")
    assert "current" not in without.json() and BOB.actor not in without.text and "confirmed" not in without.text
    assert [entry.action for entry in await entries(store)] == ["link.judged"]

    stated = await api.post(path, json=body, headers=headers)
    assert stated.json()["current"]["by"] == BOB.actor
    *_, entry = await entries(store)
    assert (entry.action, entry.actor, entry.purpose) == ("access.refused", ANNA.actor, "victim identification")
    assert entry.subject == "POST /links/{link_id}/verdicts"


async def test_every_miss_is_in_the_audit_without_what_was_asked_for(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    secret = await scene.link("s1", "t1")
    for link in (secret, "0" * 64, "0" * 64):
        assert (await api.get(f"/links/{link}")).status_code == 404
    found = await entries(store)

    assert [(entry.action, entry.actor, entry.subject) for entry in found] == [
        ("access.missed", ANNA.actor, "GET /links/{link_id}")
    ] * 3
    assert found[0].digest != found[1].digest == found[2].digest
    assert secret not in str(found)


async def sheet_of_two_districts(store: Store, scene: Scene) -> tuple[str, str, str]:
    """Ben's act on a link of his own district and on one that reaches the north."""
    across, south = await scene.link("n1", "s1"), await scene.link("s1", "t1")
    said = SheetJudgement((Seen(across, 0), Seen(south, 0)), Decision.DISMISSED, (), "")
    done = await contact_sheet.do_act(access_of(store, BEN, NOW), said)
    assert done.act_id is not None
    return done.act_id, across, south


async def test_each_district_takes_back_its_own_share_of_an_act(store: Store, scene: Scene) -> None:
    act_id, across, south = await sheet_of_two_districts(store, scene)
    with pytest.raises(Conflict) as half:
        await reopen(store, across, 1, by=SAM)
    assert half.value.current == {"act_id": act_id, "links": [south]}

    undone = await acts.do_act_reopening(access_of(store, SUE, NOW), act_id, "a mistake")

    assert [row.link_id for row in undone.links] == [across]
    assert undone.in_part
    assert (await seen(store, south, SAM)).state is State.DISMISSED
    rest = await acts.do_act_reopening(access_of(store, SAM, NOW), act_id, "a mistake")
    assert ([row.link_id for row in rest.links], rest.in_part) == ([south], False)


async def test_one_link_is_reopened_where_the_rest_of_its_act_is_another_persons(store: Store, scene: Scene) -> None:
    _, across, _ = await sheet_of_two_districts(store, scene)
    assert (await reopen(store, across, 1, by=SUE)).state is State.CANDIDATE


async def test_an_act_is_approved_over_its_visible_links(api: httpx.AsyncClient, store: Store, scene: Scene) -> None:
    act_id, across, south = await sheet_of_two_districts(store, scene)
    foreign = await scene.link("n2", "t1")
    path, sue = f"/acts/{act_id}/approvals", as_(SUE)

    async def approve(*links: str) -> tuple[int, str]:
        body = {"links": [{"link_id": link, "version": 1} for link in links], "decision": "approved"}
        answer = await api.post(path, json=body, headers=sue)
        return answer.status_code, answer.json()["code"]

    assert await approve(across, south) == await approve(across, "0" * 64) == (404, "not_found")
    assert await approve(across, foreign) == (422, "invalid")


async def test_another_districts_group_is_joined_over_ones_own_links_only(store: Store, scene: Scene) -> None:
    """It confirmed links between two faces of the other district, which its maker may not see."""
    links = [await scene.link("n1", "s1"), await scene.link("n1", "t1")]
    inner = await scene.link("s1", "t1")
    await scene.group("g", SOUTH, "s1", "t1")

    done = await contact_sheet.do_act(
        access_of(store, ANNA, NOW),
        SheetJudgement(tuple(Seen(link, 0) for link in links), Decision.CONFIRMED, ("ears",), ""),
    )

    assert {row.link_id for row in done.links} == set(links)
    assert (await seen(store, inner, BEN)).version == 0


async def test_nobody_identifies_a_victim_over_one_persons_decision_about_another_district(
    store: Store, scene: Scene, link_id: str
) -> None:
    await scene.depicts("s1", "other:child")
    await judge(store, link_id, 0)
    said = Proposal("person", Basis.DOCUMENT, "why", await every_face(store))
    with pytest.raises(NotFound):
        await identify.do_identification(access_of(store, ANNA, NOW), "other:child", said)
    with pytest.raises(Conflict) as refused:
        await identify.do_identification(access_of(store, ANNA, NOW), formed_id(link_id), said)
    assert (refused.value.code, refused.value.current) == ("unapproved_link", {"links": [link_id]})

    await second(store, link_id, 1)
    made = await identify.do_identification(access_of(store, ANNA, NOW), "other:child", said)
    assert set(made.face_ids) == {scene.faces["n1"], scene.faces["s1"]}


async def test_a_contradiction_in_another_district_names_the_district_to_call(store: Store, scene: Scene) -> None:
    await scene.media("m", NORTH, faces=["m1"])
    await scene.media("w", SOUTH, faces=["w1"])
    await judge(store, await scene.link("s1", "w1"), 0, "dismissed", by=BEN)
    one, other = await scene.link("m1", "s1"), await scene.link("m1", "w1")
    await judge(store, one, 0)

    with pytest.raises(Conflict) as refused:
        await judge(store, other, 0)

    told = refused.value.current
    assert (refused.value.code, told["kind"], told["faces"]) == ("contradiction", "elsewhere", [])
    assert sorted(told["path"]) == sorted((one, other))  # type: ignore[call-overload]
    assert told["districts"] == [{"district": "south", "contact": None}]
    assert "district south, call its duty desk" in refused.value.disclosed
    assert "south" not in refused.value.message
    assert [entry.action for entry in await deeds(store)] == ["link.judged"] * 2
