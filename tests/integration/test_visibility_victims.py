"""Under which name a victim of two districts is known, that it can be opened under it, and under no hidden one."""

import httpx
import pytest

from graph.actions.decide import contact_sheet, verdicts
from graph.actions.decide.contact_sheet import SheetJudgement
from graph.actions.decide.decision import Judgement, Seen
from graph.domain.link import Decision
from graph.domain.people import Person
from graph.domain.victim import formed_id
from graph.store.migrate import name_victims
from graph.store.session import Store
from tests.support.access import access_of
from tests.support.decisions import approve, judge
from tests.support.factories import ANNA, BEN, NORTH, NOW, SAM, Scene

pytestmark = pytest.mark.anyio


async def confirm(store: Store, link_id: str, by: Person = ANNA) -> None:
    said = Judgement(link_id, 0, Decision.CONFIRMED, ("ears",), "")
    await verdicts.do_verdict(access_of(store, by, NOW), said)


@pytest.mark.parametrize("number", range(4))
async def test_a_person_who_confirms_a_group_with_another_districts_victim_can_open_the_result(
    api: httpx.AsyncClient, store: Store, scene: Scene, number: int
) -> None:
    """It was named by a link of the act that nobody had stored as a name."""
    faces = [f"g{number}-{place}" for place in range(4)]
    for face in faces:
        await scene.media(face, NORTH, faces=[face])
    await scene.group("g", NORTH, *faces)
    await scene.depicts("s1", "other:child")
    link = await scene.link(faces[0], "s1")
    others = tuple(scene.faces[face] for face in faces[1:])
    said = SheetJudgement((Seen(link, 0),), Decision.CONFIRMED, ("ears",), "", faces=others)

    done = await contact_sheet.do_act(access_of(store, ANNA, NOW), said)

    [victim] = done.victims
    answer = await api.get(f"/victims/{victim.victim_id}")
    assert answer.status_code == 200


async def test_a_name_that_a_link_of_another_district_gives_leads_nowhere(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    """Guessed from two known faces, it told that somebody elsewhere had confirmed them to be one person."""
    inner, mine = await scene.link("s1", "t1"), await scene.link("n1", "s1")
    await confirm(store, inner, BEN)
    await confirm(store, mine)

    assert (await api.get(f"/victims/{formed_id(inner)}", follow_redirects=False)).status_code == 404
    assert (await api.get(f"/victims/{formed_id(mine)}")).status_code == 200


async def test_a_victim_of_before_this_release_can_be_opened_by_each_district(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    await scene.depicts("s1", "other:child")
    link = await scene.link("n1", "s1")
    await confirm(store, link)
    path = f"/victims/{formed_id(link)}"
    await store.write(lambda tx: tx.do("MATCH (v:Victim) WHERE v.from_link IS NOT NULL DETACH DELETE v"))
    assert (await api.get(path)).status_code == 404

    for _ in range(2):
        await name_victims(store)

    answer = await api.get(path)
    assert (answer.status_code, answer.json()["victim_id"]) == (200, formed_id(link))


async def test_every_face_that_approved_links_join_has_its_picture(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    """Also one behind another district's face: without it nobody could judge a sheet that shows it."""
    west = await scene.case("west:1", "west")
    await scene.media("w", west, faces=["w1"])
    mine, theirs = await scene.link("n1", "s1"), await scene.link("s1", "w1")
    path = f"/faces/{scene.faces['w1']}/crop"
    await judge(store, mine)
    await approve(store, mine)
    await judge(store, theirs, by=BEN)
    assert (await api.get(path)).status_code == 404
    await approve(store, theirs, by=SAM)
    assert (await api.get(path)).status_code == 200
