"""Acts over a contact sheet: all links of one decision, and the faces of groups."""

import pytest

from graph.actions.decide import acts, contact_sheet
from graph.actions.decide.contact_sheet import SheetJudgement
from graph.actions.decide.decision import Seen
from graph.domain.errors import Conflict, Forbidden, Invalid, NotFound
from graph.domain.link import Decision, SecondDecision
from tests.integration.conftest import entries
from tests.support.access import access_of
from tests.support.decisions import NO, YES, judge, outbox, reopen, victims_of
from tests.support.factories import ANNA, BEN, NORTH, NOW, SOUTH, SUE, Scene

pytestmark = pytest.mark.anyio


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


async def confirmed_sheet(scene: Scene) -> tuple[str, list[Seen]]:
    """An act that confirms all links of a sheet: its id, and the links as it left them."""
    said = SheetJudgement(tuple(Seen(link, 0) for link in await sheet(scene)), YES, ("ears",), "")
    done = await contact_sheet.do_act(access_of(scene.store, ANNA, NOW), said)
    assert done.act_id is not None
    return done.act_id, [Seen(row.link_id, row.version) for row in done.links]


async def test_an_act_that_a_second_person_returns_is_recorded_as_returned(scene: Scene) -> None:
    store = scene.store
    act_id, seen = await confirmed_sheet(scene)
    await acts.do_act_approval(access_of(store, SUE, NOW), act_id, seen, SecondDecision.RETURNED, "look again")

    assert [entry.action for entry in await entries(store)][-2:] == ["links.judged", "links.returned"]


async def test_an_act_is_not_undone_below_a_later_decision_which_is_named(scene: Scene) -> None:
    store = scene.store
    act_id, seen = await confirmed_sheet(scene)
    await acts.do_act_approval(access_of(store, SUE, NOW), act_id, seen, SecondDecision.APPROVED, "")
    for person in (SUE, ANNA):
        with pytest.raises(Conflict) as refused:
            await acts.do_act_reopening(access_of(store, person, NOW), act_id, "late")
        assert refused.value.code == "half_undo"
        assert [item["by"] for item in refused.value.current["links"]] == [SUE.actor]
        assert refused.value.disclosed.startswith(f"{SUE.actor} decided since (approved, ")
        assert refused.value.disclosed.endswith("a supervisor of north or south may take that back first")
    with pytest.raises(Conflict) as one:
        await reopen(store, seen[0].link_id, seen[0].version + 1, by=ANNA)
    assert (one.value.code, one.value.current["act_id"]) == ("half_undo", act_id)
    with pytest.raises(Forbidden):
        await acts.do_act_reopening(access_of(store, BEN, NOW), act_id, "not mine")


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
