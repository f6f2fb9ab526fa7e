"""What waits for a second person: who sees it, as how many items, and how little it tells."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from graph.actions.decide.decision import Judgement
from graph.actions.decide.verdicts import do_verdict
from graph.actions.read.approvals import Approval, read_approvals
from graph.domain.errors import Forbidden
from graph.domain.link import Decision
from graph.domain.people import Person, Role
from graph.domain.queue import read_position
from graph.domain.victim import formed_id
from graph.paging import Page
from graph.store.session import Store
from tests.integration.conftest import entries
from tests.support.access import access_of
from tests.support.factories import ANNA, BEN, NORTH, NOW, SAM, SOUTH, SUE, Scene, every_face
from tests.support.signed_in import as_

pytestmark = pytest.mark.anyio


async def waiting(store: Store, person: Person = SUE, **more: Any) -> Page[Approval]:
    values: dict[str, Any] = {"limit": 50, "after": None} | more
    return await read_approvals(access_of(store, person, NOW, "approval"), **values)


async def confirm(store: Store, link_id: str, actor: Person = ANNA, minutes: int = 0) -> None:
    said = Judgement(link_id, 0, Decision.CONFIRMED, ("ears",), "the scar", await every_face(store))
    await do_verdict(access_of(store, actor, NOW + timedelta(minutes=minutes)), said)


async def as_one_act(
    store: Store, scene: Scene, act_id: str, links: list[str], *victims: tuple[str, list[str]]
) -> None:
    """All verdicts on the links belong to one act, and the faces depict the victims, as `core` writes it."""

    async def work(tx: Any) -> None:
        await tx.do(
            "CREATE (act:Act {act_id: $act, kind: 'verdict', by: 'anna@north', at: $at}) WITH act "
            "MATCH (old:Act)-[w:WROTE]->(v:Verdict) WHERE v.link_id IN $links "
            "DELETE w WITH act, old, v CREATE (act)-[:WROTE]->(v) WITH DISTINCT old DELETE old",
            act=act_id,
            at=NOW.isoformat(),
            links=links,
        )
        for victim_id, faces in victims:
            await tx.do(
                "MERGE (v:Victim {victim_id: $id}) WITH v MATCH (f:Face) WHERE f.face_id IN $faces "
                "CREATE (f)-[:DEPICTS {basis: 'confirmed', at: $at}]->(v)",
                id=victim_id,
                faces=[scene.faces[name] for name in faces],
                at=NOW.isoformat(),
            )

    await store.write(work)


async def identification(
    store: Store, victim_id: str, face_id: str, by: str = "anna@north", state: str = "proposed"
) -> None:
    row = {
        "identification_id": f"i-{victim_id}-{state}",
        "victim_id": victim_id,
        "person_ref": "north:person/7",
        "basis": "document",
        "reason": "the passport",
        "by": by,
        "at": NOW.isoformat(),
        "state": state,
        "version": 0,
        "face_ids": [face_id],
    }
    await store.write(
        lambda tx: tx.do(
            "MATCH (v:Victim {victim_id: $row.victim_id}) CREATE (i:Identification)-[:OF]->(v) SET i = $row", row=row
        )
    )


def links_of(found: list[Approval]) -> list[set[str]]:
    return [{link.link_id for link in approval.links} for approval in found]


async def test_a_confirmed_link_waits_for_supervisors_of_either_district_but_never_for_who_confirmed_it(
    store: Store, scene: Scene
) -> None:
    link_id = await scene.link("n1", "s1")
    both = Person("anna@north", ANNA.roles | SUE.roles, "north")
    await confirm(store, link_id)

    assert links_of((await waiting(store, SUE)).items) == links_of((await waiting(store, SAM)).items) == [{link_id}]
    assert (await waiting(store, both)).items == []
    assert (await waiting(store, Person("wes@west", SUE.roles, "west"))).items == []
    with pytest.raises(Forbidden):
        await waiting(store, BEN)


async def test_several_links_of_one_act_and_one_victim_are_one_item_and_of_two_victims_are_two(
    store: Store, scene: Scene
) -> None:
    await scene.media("m", NORTH, faces=["m1"])
    await scene.media("w", SOUTH, faces=["w1", "w2"])
    one, two = await scene.link("n1", "s1"), await scene.link("m1", "s1")
    other = await scene.link("n2", "w1")
    for link_id in (one, two, other):
        await confirm(store, link_id)
    await as_one_act(
        store,
        scene,
        "act",
        [one, two, other],
        ("v-1", ["n1", "m1", "s1"]),
        ("v-2", ["n2", "w1"]),
    )

    found = (await waiting(store)).items

    assert sorted(links_of(found), key=len) == [{other}, {one, two}]
    assert {approval.act_id for approval in found} == {"act"}
    names = {approval.victim_ids for approval in found}
    assert len(names) == 2 and names <= {(formed_id(link_id),) for link_id in (one, two, other)}


async def test_what_is_approved_or_returned_waits_no_more(store: Store, scene: Scene) -> None:
    link_id = await scene.link("n1", "s1")
    await confirm(store, link_id)
    for state in ("approved", "returned"):
        await store.write(
            lambda tx, s=state: tx.do(
                "MATCH ()-[r:CANDIDATE {link_id: $id}]->() SET r.state = $state", id=link_id, state=s
            )
        )
        assert (await waiting(store)).items == []


async def test_the_most_urgent_comes_first_and_then_the_oldest(store: Store, scene: Scene) -> None:
    await scene.media("d", NORTH, faces=["d1"], urgency="danger_now")
    danger, old, new = await scene.link("d1", "s1"), await scene.link("n1", "s1"), await scene.link("n2", "t1")
    await confirm(store, new, minutes=9)
    await confirm(store, old, minutes=1)
    await confirm(store, danger, minutes=20)

    assert links_of((await waiting(store)).items) == [{danger}, {old}, {new}]


async def test_pages_hold_each_item_once(store: Store, scene: Scene) -> None:
    links = []
    for number in range(7):
        await scene.media(f"p{number}", NORTH, faces=[f"p{number}"])
        links.append(await scene.link(f"p{number}", "s1"))
        await confirm(store, links[-1])
    await as_one_act(store, scene, "act", links[:3], ("v-1", ["p0", "p1", "p2", "s1"]))

    found: list[Approval] = []
    page = await waiting(store, limit=2)
    while page.next is not None:
        found += page.items
        page = await waiting(store, limit=2, after=read_position(page.next))
    found += page.items

    assert sorted(map(len, links_of(found))) == [1, 1, 1, 1, 3]
    assert set.union(*links_of(found)) == set(links)


async def test_identifications_wait_too_without_their_reason(
    api: httpx.AsyncClient, store: Store, scene: Scene
) -> None:
    await as_one_act(store, scene, "act", [], ("v-1", ["n1"]), ("v-2", ["s1"]))
    await scene.depicts("n1", "v-1")
    for state in ("proposed", "to_be_approved_again", "approved"):
        await identification(store, "v-1", scene.faces["n1"], state=state)
    await identification(store, "v-2", scene.faces["s1"])

    answer = await api.get("/approvals", headers=as_(SUE))

    found = answer.json()["items"]
    assert [item["identification"]["state"] for item in found] == ["proposed", "to_be_approved_again"]
    assert {item["victim_ids"][0] for item in found} == {"v-1"}
    assert "passport" not in answer.text
    both = Person(ANNA.actor, frozenset(Role), "north")
    assert (await api.get("/approvals", headers=as_(both))).json()["items"] == [], "never for who identified"


async def test_an_approver_learns_neither_score_nor_reasons(api: httpx.AsyncClient, store: Store, scene: Scene) -> None:
    link_id = await scene.link("n1", "s1", score=0.52)
    await confirm(store, link_id)

    answer = await api.get("/approvals", headers=as_(SUE))

    [item] = answer.json()["items"]
    assert (item["by"], item["links"][0]["link_id"], item["links"][0]["score"]) == ("anna@north", link_id, None)
    assert not any(secret in json.dumps(item) for secret in ("0.52", "scar", "ears"))
    [*_, entry] = await entries(store)
    assert (entry.action, entry.actor) == ("approvals.seen", "sue@north")
