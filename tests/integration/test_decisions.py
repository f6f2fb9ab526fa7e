"""What people decide, on the real graph: who may, what follows for victims, and what is told to case systems."""

from __future__ import annotations

import json
from typing import Any

import pytest

from graph.actions.decide import acts, contact_sheet, identify, verdicts
from graph.actions.decide.contact_sheet import SheetJudgement
from graph.actions.decide.decision import Judgement, Seen
from graph.actions.decide.identification import Proposal
from graph.actions.read.approvals import read_approvals
from graph.actions.read.links import read_link
from graph.actions.read.queue import read_queue
from graph.domain.errors import Conflict, Forbidden, Invalid, NotFound
from graph.domain.identification import Basis, IdentificationState
from graph.domain.link import Decision, SecondDecision, State
from graph.domain.people import Person, Role
from graph.domain.queue import Filters
from graph.domain.victim import formed_id
from graph.domain.visibility import VisibleLink
from graph.store.session import Store
from tests.integration.conftest import entries
from tests.support.access import access_of
from tests.support.factories import ANNA, BEN, NORTH, NOW, SAM, SOUTH, SUE, Scene, every_face

pytestmark = pytest.mark.anyio
WHO_LEFT = Person("wes@west", frozenset({Role.INVESTIGATOR, Role.SUPERVISOR}), "west")
YES, NO = Decision.CONFIRMED, Decision.DISMISSED


async def judge(
    store: Store, link_id: str, decision: Decision = YES, *, version: int = 0, by: Person = ANNA
) -> VisibleLink:
    said = Judgement(link_id, version, decision, ("ears",), "", await every_face(store))
    return await verdicts.do_verdict(access_of(store, by, NOW), said)


async def approve(
    store: Store, link_id: str, version: int = 1, by: Person = SUE, *, returned: bool = False
) -> VisibleLink:
    decision = SecondDecision.RETURNED if returned else SecondDecision.APPROVED
    return await verdicts.do_approval(
        access_of(store, by, NOW), Seen(link_id, version), decision, "look at the ears", faces=await every_face(store)
    )


async def reopen(store: Store, link_id: str, version: int, by: Person = ANNA) -> VisibleLink:
    return await verdicts.do_reopening(access_of(store, by, NOW), Seen(link_id, version), "a mistake")


async def victims_of(scene: Scene) -> dict[str, str]:
    """The victim of each face by the name that the test gave it."""
    rows = await scene.store.read(
        lambda tx: tx.rows(
            "MATCH (f:Face)-[:DEPICTS {basis: 'confirmed'}]->(v:Victim) RETURN f.face_id AS f, v.victim_id AS v"
        )
    )
    names = {face: called for called, face in scene.faces.items()}
    found = {names[row["f"]]: row["v"] for row in rows}
    assert len(found) == len(rows), "a face has two victims"
    return found


async def told(store: Store) -> list[dict[str, Any]]:
    rows = await store.read(lambda tx: tx.rows("MATCH (o:Outbox {kind: 'notice'}) RETURN o ORDER BY o.seq"))
    return [{"source": row["o"]["source"], **json.loads(row["o"]["body"])} for row in rows]


async def outbox(store: Store, kind: str) -> list[dict[str, Any]]:
    query = "MATCH (o:Outbox {kind: $kind}) RETURN o.body AS body ORDER BY o.seq"
    return [json.loads(row["body"]) for row in await store.read(lambda tx: tx.rows(query, kind=kind))]


async def declare(store: Store, scene: Scene, called: str, victim_id: str) -> None:
    query = (
        "MATCH (f:Face {face_id: $face}) MERGE (v:Victim {victim_id: $victim}) SET v.registered = true "
        "MERGE (f)-[:DEPICTS {basis: 'declared', declared_by: 'source'}]->(v)"
    )
    await store.write(lambda tx: tx.do(query, face=scene.faces[called], victim=victim_id))


@pytest.fixture
async def link_id(scene: Scene) -> str:
    return await scene.link("n1", "s1", score=0.52)


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
    notices = {notice["subject"]: notice for notice in await told(store)}
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

    notices = [notice for notice in await told(store) if notice["outcome"] == "decided"]
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
    assert ANNA.actor not in json.dumps(await told(store))


async def test_a_link_by_hand_is_confirmed_and_names_who_made_it(scene: Scene) -> None:
    store = scene.store
    await scene.media("x", NORTH, faces=["x1"])
    pair = (scene.faces["n1"], scene.faces["x1"])
    link = await contact_sheet.do_link(access_of(store, ANNA, NOW), pair, ["marks"], "")
    assert (link.state, link.proposed_by, link.score) == (State.CONFIRMED, ANNA.actor, None)
    assert set(await victims_of(scene)) == {"n1", "x1"}
    with pytest.raises(Conflict) as refused:
        await contact_sheet.do_link(access_of(store, ANNA, NOW), pair, ["marks"], "")
    assert (refused.value.code, refused.value.current["link_id"]) == ("link_exists", link.link_id)
    with pytest.raises(NotFound):  # a face of another district, which no search has shown
        await contact_sheet.do_link(access_of(store, ANNA, NOW), (scene.faces["n1"], scene.faces["t1"]), ["marks"], "")
    assert (await reopen(store, link.link_id, 1)).state is State.WITHDRAWN


async def sheet(scene: Scene) -> list[str]:
    """One face of the north against a victim of two faces in the south."""
    await scene.media("w", SOUTH, faces=["w1"])
    await judge(scene.store, await scene.link("s1", "w1"), by=BEN)
    query = "MATCH (f:Face {face_id: $id}) SET f.quality = 0.4"
    await scene.store.write(lambda tx: tx.do(query, id=scene.faces["s1"]))
    return [await scene.link("n1", "s1", score=0.45), await scene.link("n1", "w1", score=0.6)]


async def test_one_act_settles_a_contact_sheet_and_is_undone_as_one(scene: Scene) -> None:
    store, links = scene.store, await sheet(scene)
    said = SheetJudgement(tuple(Seen(link, 0) for link in links), YES, ("ears",), "")
    foreseen = await contact_sheet.preview(access_of(store, ANNA, NOW, "test"), said)
    done = await contact_sheet.do_act(access_of(store, ANNA, NOW), said)

    assert (foreseen.faces, foreseen.cases, foreseen.victims) == (done.faces, done.cases, done.victims)
    assert (done.faces, done.cases) == (2, 1), "the own face and the one at the other end of the link"
    assert [row.link_id for row in done.links] == [links[1]], "the better picture, not the better score"
    assert len(set((await victims_of(scene)).values())) == 1
    assert set(await victims_of(scene)) == {"n1", "s1", "w1"}

    assert done.act_id is not None
    undone = await acts.do_act_reopening(access_of(store, ANNA, NOW), done.act_id, "wrong child")
    assert [row.state for row in undone.links] == ["candidate"]
    assert set(await victims_of(scene)) == {"s1", "w1"}


async def test_faces_ticked_off_are_dismissed_in_the_same_act(scene: Scene) -> None:
    store, links = scene.store, await sheet(scene)
    said = SheetJudgement(tuple(Seen(link, 0) for link in links), YES, ("ears",), "", (scene.faces["w1"],))
    with pytest.raises(Conflict) as refused:  # n1 = s1 = w1 is what others confirmed: w1 cannot differ from n1 then
        await contact_sheet.do_act(access_of(store, ANNA, NOW), said)
    assert refused.value.code == "contradiction"

    await scene.media("z", SOUTH, faces=["z1"])
    both = SheetJudgement(
        (Seen(links[1], 0), Seen(await scene.link("n1", "z1"), 0)), YES, ("ears",), "", (scene.faces["z1"],)
    )
    done = await contact_sheet.do_act(access_of(store, ANNA, NOW), both)
    assert sorted(row.state for row in done.links) == ["confirmed", "dismissed"]
    [entry] = [entry for entry in await entries(store) if entry.action == "links.judged"]
    assert entry.subject == f"act:{done.act_id}"


async def test_an_act_is_all_or_nothing_and_no_half_of_it_is_undone(scene: Scene) -> None:
    store, links = scene.store, await sheet(scene)
    await judge(store, links[0], Decision.UNSURE)
    said = SheetJudgement(tuple(Seen(link, 0) for link in links), NO, (), "")
    with pytest.raises(Conflict) as stale:
        await contact_sheet.do_act(access_of(store, BEN, NOW), said)
    assert (stale.value.code, stale.value.current["link_id"]) == ("stale_version", links[0])

    said = SheetJudgement((Seen(links[0], 1), Seen(links[1], 0)), NO, (), "")
    done = await contact_sheet.do_act(access_of(store, BEN, NOW), said)
    with pytest.raises(Conflict) as half:
        await reopen(store, links[0], 2, by=BEN)
    assert half.value.code == "half_undo"
    assert half.value.current == {"act_id": done.act_id, "links": [links[1]]}
    assert done.act_id is not None
    await acts.do_act_reopening(access_of(store, BEN, NOW), done.act_id, "too quick")
    [unsure] = await store.read(
        lambda tx: tx.rows("MATCH ()-[r:CANDIDATE {link_id: $l}]->() RETURN r.state AS s", l=links[0])
    )
    assert unsure["s"] == "unsure"


async def test_an_act_that_a_second_person_returns_is_recorded_as_returned(scene: Scene) -> None:
    store, links = scene.store, await sheet(scene)
    done = await contact_sheet.do_act(
        access_of(store, ANNA, NOW), SheetJudgement(tuple(Seen(link, 0) for link in links), YES, ("ears",), "")
    )
    assert done.act_id is not None
    seen = [Seen(row.link_id, row.version) for row in done.links]
    await acts.do_act_approval(access_of(store, SUE, NOW), done.act_id, seen, SecondDecision.RETURNED, "look again")

    assert [entry.action for entry in await entries(store)][-2:] == ["links.judged", "links.returned"]


async def test_an_act_is_not_undone_below_a_later_decision_which_is_named(scene: Scene) -> None:
    store, links = scene.store, await sheet(scene)
    done = await contact_sheet.do_act(
        access_of(store, ANNA, NOW), SheetJudgement(tuple(Seen(link, 0) for link in links), YES, ("ears",), "")
    )
    assert done.act_id is not None
    seen = [Seen(row.link_id, row.version) for row in done.links]
    await acts.do_act_approval(access_of(store, SUE, NOW), done.act_id, seen, SecondDecision.APPROVED, "")
    with pytest.raises(Conflict) as refused:
        await acts.do_act_reopening(access_of(store, SUE, NOW), done.act_id, "late")
    assert refused.value.code == "half_undo"
    assert [item["by"] for item in refused.value.current["links"]] == [SUE.actor]


@pytest.fixture
async def group(scene: Scene) -> str:
    """A group of three pictures of the north, of which one has a link to the south's face s1."""
    for name in ("g1", "g2", "g3"):
        await scene.media(name, NORTH, faces=[name])
    await scene.group("g", NORTH, "g1", "g2", "g3")
    return await scene.link("g1", "s1", score=0.5)


def shown(scene: Scene, link_id: str, *faces: str, apart: tuple[str, ...] = ()) -> SheetJudgement:
    named = tuple(scene.faces[name] for name in faces)
    return SheetJudgement((Seen(link_id, 0),), YES, ("ears",), "", tuple(scene.faces[name] for name in apart), named)


async def test_one_act_joins_all_faces_of_a_group_that_were_seen_and_none_that_came_later(
    scene: Scene, group: str
) -> None:
    await scene.media("late", NORTH, faces=["late"])
    await scene.group("g", NORTH, "late")

    done = await contact_sheet.do_act(access_of(scene.store, ANNA, NOW), shown(scene, group, "g1", "g2", "g3"))

    assert len(done.links) == 3
    found = await victims_of(scene)
    assert set(found) == {"g1", "g2", "g3", "s1"} and len(set(found.values())) == 1
    made = await scene.store.read(
        lambda tx: tx.rows("MATCH ()-[r:CANDIDATE {proposed_by: $by}]->() RETURN r.state AS s", by=ANNA.actor)
    )
    assert [row["s"] for row in made] == ["confirmed", "confirmed"]


async def test_a_face_of_a_group_that_was_ticked_off_is_remembered_as_somebody_else(scene: Scene, group: str) -> None:
    await contact_sheet.do_act(access_of(scene.store, ANNA, NOW), shown(scene, group, "g1", "g2", "g3", apart=("g3",)))

    assert set(await victims_of(scene)) == {"g1", "g2", "s1"}
    [pairs] = [body for body in await outbox(scene.store, "pairs")]
    assert pairs == {"pairs": [sorted((scene.faces["g1"], scene.faces["g3"]))], "apart": True}


async def test_who_was_ticked_off_is_not_proposed_again_to_any_face_of_the_sheet(scene: Scene, group: str) -> None:
    """The link between two faces of the group was not named in the act, and asked about the same face once more."""
    asked_again = await scene.link("g2", "g3", score=0.7)

    done = await contact_sheet.do_act(
        access_of(scene.store, ANNA, NOW), shown(scene, group, "g1", "g2", "g3", apart=("g3",))
    )

    states = {row.link_id: row.state for row in done.links}
    assert states[asked_again] == "dismissed"
    assert set(await victims_of(scene)) == {"g1", "g2", "s1"}


async def test_reopening_a_dismissal_tells_link_that_the_two_may_be_one_group_again(scene: Scene) -> None:
    link_id = await scene.link("n1", "s1")
    await judge(scene.store, link_id, NO)
    await reopen(scene.store, link_id, 1)

    assert [body["apart"] for body in await outbox(scene.store, "pairs")] == [True, False]


async def test_an_act_names_faces_of_its_groups_only_and_of_the_persons_own_district(scene: Scene, group: str) -> None:
    with pytest.raises(Conflict) as moved:
        await contact_sheet.do_act(access_of(scene.store, ANNA, NOW), shown(scene, group, "g1", "n2"))
    assert (moved.value.code, moved.value.current) == ("stale_version", {"faces": [scene.faces["n2"]]})
    with pytest.raises(NotFound):
        await contact_sheet.do_act(access_of(scene.store, ANNA, NOW), shown(scene, group, "g1", "t1"))
    with pytest.raises(NotFound):
        await contact_sheet.do_act(access_of(scene.store, BEN, NOW), shown(scene, group, "g1", "g2"))
    assert await victims_of(scene) == {}


async def test_links_of_two_items_are_not_one_act(scene: Scene) -> None:
    links = [await scene.link("n1", "s1"), await scene.link("n2", "t1")]
    with pytest.raises(Invalid) as refused:
        await contact_sheet.do_act(
            access_of(scene.store, ANNA, NOW), SheetJudgement(tuple(Seen(x, 0) for x in links), YES, ("ears",), "")
        )
    assert refused.value.code == "several_items"


async def test_a_victim_is_identified_by_two_people_and_the_identity_falls_with_the_faces(
    scene: Scene, link_id: str
) -> None:
    store = scene.store
    await judge(store, link_id)
    await approve(store, link_id)
    name = formed_id(link_id)
    said = Proposal("north:person-1", Basis.INTERVIEW, "named by a teacher", await every_face(store))
    found = await identify.do_identification(access_of(store, ANNA, NOW), name, said)
    assert found.state is IdentificationState.PROPOSED
    with pytest.raises(Forbidden):
        await identify.do_identification_approval(
            access_of(store, BEN, NOW), found.identification_id, 0, SecondDecision.APPROVED, ""
        )
    with pytest.raises(NotFound):
        await identify.do_identification(access_of(store, WHO_LEFT, NOW), name, said)
    await identify.do_identification_approval(
        access_of(store, SAM, NOW), found.identification_id, 0, SecondDecision.APPROVED, ""
    )
    assert await identity(store, name) == "north:person-1"

    await reopen(store, link_id, 2, by=SUE)
    await reopen(store, link_id, 3)
    assert await identity(store, name) is None
    [row] = await store.read(lambda tx: tx.rows("MATCH (i:Identification) RETURN i.state AS state"))
    assert row["state"] == "to_be_approved_again"
    assert any(notice["outcome"] == "to_be_approved_again" for notice in await told(store))


async def test_an_approved_identification_can_be_taken_back_and_the_case_system_is_told(
    scene: Scene, link_id: str
) -> None:
    store = scene.store
    await judge(store, link_id)
    await approve(store, link_id)
    name = formed_id(link_id)
    said = Proposal("north:person-1", Basis.INTERVIEW, "named by a teacher", await every_face(store))
    named = (await identify.do_identification(access_of(store, ANNA, NOW), name, said)).identification_id
    with pytest.raises(Conflict) as stale:
        await identify.do_identification_approval(access_of(store, SUE, NOW), named, 7, SecondDecision.APPROVED, "")
    assert stale.value.current == {"state": "proposed", "version": 0, "by": ANNA.actor}
    await identify.do_identification_approval(access_of(store, SUE, NOW), named, 0, SecondDecision.APPROVED, "")
    with pytest.raises(Forbidden):
        await identify.do_identification_reopening(access_of(store, ANNA, NOW), named, 1, "another child")

    found = await identify.do_identification_reopening(access_of(store, SAM, NOW), named, 1, "another child")

    assert (found.state, found.version, found.decided_by) == (IdentificationState.PROPOSED, 2, None)
    assert await identity(store, name) is None
    last = [notice for notice in await told(store) if notice["subject"].startswith("identification:")][-1]
    assert (last["outcome"], last["standing"]) == ("identification_reopened", "assessed")
    with pytest.raises(Conflict):
        await identify.do_identification_reopening(access_of(store, SAM, NOW), named, 2, "once more")
    await identify.do_identification_approval(access_of(store, SUE, NOW), named, 2, SecondDecision.APPROVED, "")
    assert await identity(store, name) == "north:person-1"


async def test_who_identified_in_another_district_is_a_role_and_a_district_until_it_is_approved(
    scene: Scene, link_id: str
) -> None:
    store = scene.store
    await judge(store, link_id)
    await approve(store, link_id)
    said = Proposal("north:person-1", Basis.INTERVIEW, "named by a teacher", await every_face(store))
    named = (await identify.do_identification(access_of(store, ANNA, NOW), formed_id(link_id), said)).identification_id
    assert ANNA.district != SAM.district

    with pytest.raises(Conflict) as stale:
        await identify.do_identification_approval(access_of(store, SAM, NOW), named, 7, SecondDecision.APPROVED, "")
    returned = await identify.do_identification_approval(
        access_of(store, SAM, NOW), named, 0, SecondDecision.RETURNED, "which teacher?"
    )
    again = await identify.do_identification_reopening(access_of(store, SAM, NOW), named, 1, "she is named")
    approved = await identify.do_identification_approval(
        access_of(store, SAM, NOW), named, 2, SecondDecision.APPROVED, ""
    )

    assert (stale.value.current or {})["by"] == returned.by == again.by == f"investigator of {ANNA.district}"
    assert (returned.decided_by, again.decided_by) == (SAM.actor, None)
    assert (approved.by, approved.decided_by) == (ANNA.actor, SAM.actor)
    with pytest.raises(Conflict) as late:
        await identify.do_identification_reopening(access_of(store, SUE, NOW), named, 7, "late")
    assert (late.value.current or {})["by"] == SAM.actor


async def test_two_people_with_two_identities_are_not_joined(scene: Scene) -> None:
    store = scene.store
    links = [await scene.link("n1", "s1"), await scene.link("n2", "t1")]
    for number, link in enumerate(links):
        await judge(store, link)
        await approve(store, link)
        said = Proposal(f"person-{number}", Basis.DOCUMENT, "passport", await every_face(store))
        made = await identify.do_identification(access_of(store, ANNA, NOW), formed_id(link), said)
        await identify.do_identification_approval(
            access_of(store, SUE, NOW), made.identification_id, 0, SecondDecision.APPROVED, ""
        )
    await scene.media("y", SOUTH, faces=["y1"])
    await judge(store, await scene.link("s1", "y1"), by=BEN)
    with pytest.raises(Conflict) as refused:
        await judge(store, await scene.link("t1", "y1"), by=BEN)
    assert refused.value.current["kind"] in ("identified_apart", "one_frame")


async def identity(store: Store, victim_id: str) -> str | None:
    [row] = await store.read(lambda tx: tx.rows("MATCH (v:Victim {victim_id: $v}) RETURN v.identity AS i", v=victim_id))
    return row["i"]


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
