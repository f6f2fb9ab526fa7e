"""What waits, in which order, for whom; and that two people never have one item."""

from datetime import timedelta

import pytest

from graph.actions.read.queue_items import QueueItem
from graph.domain.people import Person
from graph.domain.queue import Filters, Kind, read_position
from graph.store.queries import ingest
from graph.store.session import Store
from tests.integration.conftest import entries
from tests.support.factories import ANNA, BEN, NORTH, NOW, SOUTH, Scene
from tests.support.queue import LATER, change, claim, judge, links_of, pairs, queue, victim

pytestmark = pytest.mark.anyio


async def test_all_links_between_two_units_are_one_item_the_poorest_picture_first(store: Store, scene: Scene) -> None:
    await scene.media("new", NORTH, faces=["new"])
    await scene.media("v", SOUTH, faces=["v1", "v2", "v3"])
    await victim(store, scene, "v-1", "v1", "v2", "v3")
    good = await scene.link("new", "v1", score=0.45)
    poor = await scene.link("new", "v2", score=0.8)
    middle = await scene.link("new", "v3", score=0.6)
    for called, quality in (("new", 0.9), ("v1", 0.8), ("v2", 0.2), ("v3", 0.5)):
        await change(
            store, "MATCH (f:Face {face_id: $id}) SET f.quality = $quality", id=scene.faces[called], quality=quality
        )

    found = [queued for queued in await claim(store, 5) if len(queued.links) > 1]

    assert links_of(found) == [[poor, middle, good]]
    assert [link.score for link in found[0].links] == [None] * 3
    first, second = found[0].subjects
    assert (first.kind, first.id, first.face_ids) == (Kind.FACE, scene.faces["new"], (scene.faces["new"],))
    assert (second.kind, second.id, len(second.face_ids)) == (None, None, 3), "the other district's side is masked"


async def test_a_group_is_reviewed_as_one_side(store: Store, scene: Scene) -> None:
    await scene.media("g", NORTH, faces=["g1"])
    await scene.media("h", NORTH, faces=["g2"])
    await scene.media("w", SOUTH, faces=["w"])
    both = [await scene.link("g1", "w", score=0.5), await scene.link("g2", "w", score=0.6)]
    await scene.group("g", NORTH, "g1", "g2")

    found = [queued for queued in await claim(store, 5) if len(queued.links) > 1]

    assert links_of(found) == [sorted(both)]
    assert found[0].subjects[0].kind is Kind.GROUP


async def test_a_groups_sheet_shows_all_its_faces_to_its_own_district_and_only_linked_ones_to_the_other(
    store: Store, scene: Scene
) -> None:
    await scene.media("g", NORTH, faces=["g1"])
    await scene.media("h", NORTH, faces=["g2"])
    await scene.media("w", SOUTH, faces=["w"])
    link_id = await scene.link("g1", "w", score=0.5)
    await scene.group("g", NORTH, "g1", "g2")
    g1, g2, w = (scene.faces[name] for name in ("g1", "g2", "w"))

    [north] = [one for one in (await queue(store, ANNA)).items if one.links[0].link_id == link_id]
    [south] = [one for one in (await queue(store, BEN)).items if one.links[0].link_id == link_id]

    assert [(unit.kind, unit.id, set(unit.face_ids)) for unit in north.subjects] == [
        (Kind.GROUP, "g", {g1, g2}),
        (None, None, {w}),
    ]
    assert [(unit.kind, unit.id, set(unit.face_ids)) for unit in south.subjects] == [
        (Kind.FACE, w, {w}),
        (None, None, {g1}),
    ]


async def test_faces_that_people_gave_to_a_victim_wait_no_more_with_their_group(store: Store, scene: Scene) -> None:
    for name in ("g1", "g2", "g3"):
        await scene.media(name, NORTH, faces=[name])
    await scene.group("g", NORTH, "g1", "g2", "g3")
    await victim(store, scene, "v-1", "g3")
    await scene.link("g1", "g2")

    [item] = [one for one in (await queue(store)).items if one.subjects[0].kind is Kind.GROUP]

    assert set(item.subjects[0].face_ids) == {scene.faces["g1"], scene.faces["g2"]}


async def test_a_candidate_inside_one_victim_is_settled(store: Store, scene: Scene) -> None:
    await victim(store, scene, "v-1", "n1", "s1")

    assert (await queue(store)).items == await claim(store) == []


async def test_two_victims_with_an_open_link_are_asked_about(store: Store, scene: Scene) -> None:
    await victim(store, scene, "v-1", "n1", "n2")
    await victim(store, scene, "v-2", "s1", "t1")

    [found] = await claim(store)

    assert found.subjects[0].id == "v-1"


async def test_urgent_items_come_first_and_a_new_request_makes_an_old_item_urgent(store: Store, scene: Scene) -> None:
    [danger] = await pairs(scene, 1, "danger_now", "d")
    [urgent] = await pairs(scene, 1, "urgent", "u")
    first = links_of((await queue(store)).items)
    await scene.media("s", SOUTH, urgency="danger_now")

    second = (await queue(store)).items

    assert first == [[danger], [urgent], [await scene.link("n1", "s1")]]
    assert [queued.urgency for queued in second] == [2, 2, 1]


async def test_within_one_urgency_the_order_is_by_the_seed_and_never_by_score(store: Store, scene: Scene) -> None:
    for number in range(12):
        await scene.media(f"a{number}", NORTH, faces=[f"a{number}"])
        await scene.link(f"a{number}", "t1", score=0.41 + number / 30)

    firsts = {
        links_of(await claim(store, actor=Person(f"p{n}@north", ANNA.roles, "north"), seed=f"seed {n}"))[0][0]
        for n in range(8)
    }
    assert len(firsts) == 8
    order = [queued.claim.seed for queued in await claim(store, 3, seed="mine") if queued.claim]
    assert len(set(order)) == 1


async def test_leads_come_only_on_request(store: Store, scene: Scene) -> None:
    lead = await scene.link("n2", "t1", state="lead", score=0.37)

    assert [lead] not in links_of((await queue(store)).items)
    assert [lead] in links_of((await queue(store, filters=Filters(leads=True))).items)


async def test_an_identified_victim_stays_out_unless_asked_for(store: Store, scene: Scene) -> None:
    await victim(store, scene, "v-1", "n1")
    await change(store, "MATCH (v:Victim {victim_id: 'v-1'}) SET v.identity = 'north:person/7'")

    assert (await queue(store)).items == []
    assert len((await queue(store, filters=Filters(identified=True))).items) == 1


@pytest.mark.parametrize("label", ["unrelated", "suspect"])
async def test_nobody_is_asked_about_a_face_with_such_a_label(store: Store, scene: Scene, label: str) -> None:
    await change(store, "MATCH (f:Face {face_id: $id}) SET f.label = $label", id=scene.faces["s1"], label=label)

    assert (await queue(store)).items == await claim(store) == []


async def test_a_pair_across_districts_waits_in_both_and_nobody_elses_queue(store: Store, scene: Scene) -> None:
    link_id = await scene.link("n1", "s1")
    west = Person("wim@west", ANNA.roles, "west")

    assert links_of((await queue(store, ANNA)).items) == links_of((await queue(store, BEN)).items) == [[link_id]]
    assert (await queue(store, west)).items == []
    assert await claim(store, actor=west) == []


async def test_a_picture_of_three_districts_waits_in_all_three(store: Store, scene: Scene) -> None:
    await scene.case("local:3", "west")
    await scene.case("local:4", "east")
    await scene.media("s", "local:3")

    for district in ("north", "south", "west"):
        assert len((await queue(store, Person("p@x", ANNA.roles, district))).items) == 1, district
    assert (await queue(store, Person("p@x", ANNA.roles, "east"))).items == []


async def test_a_membership_that_goes_takes_its_district_and_urgency_with_it(store: Store, scene: Scene) -> None:
    await scene.case("local:3", "west")
    await scene.media("s", "local:3", urgency="danger_now")
    gone = await store.read(
        lambda tx: tx.rows("MATCH ()-[i:IN_CASE]->(:Case {case_id: 'local:3'}) RETURN i.membership_id AS id")
    )
    await change(store, ingest.REMOVE_MEMBERSHIPS, rows=[gone[0]["id"]])

    [left] = (await queue(store)).items

    assert left.urgency == 0
    assert (await queue(store, Person("p@west", ANNA.roles, "west"))).items == []


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(case_id=NORTH), 2),
        (Filters(case_id="local:3"), 1),
        (Filters(case_id=SOUTH), 0),
        (Filters(district="south"), 1),
        (Filters(victim_id="v-9"), 1),
        (Filters(submitted_before=1_795_000_000_000), 0),
        (Filters(submitted_after=1_794_999_999_999), 2),
    ],
)
async def test_filters_narrow_the_queue(store: Store, scene: Scene, filters: Filters, expected: int) -> None:
    await scene.case("local:3", "north")
    await scene.media("x", "local:3", faces=["x1"])
    await scene.link("n2", "x1")
    await scene.depicts("x1", "v-9")

    assert len((await queue(store, filters=filters)).items) == expected
    assert len(await claim(store, 5, filters=filters)) == expected


async def test_unsure_comes_back_only_when_a_side_has_gained_a_face_since(store: Store, scene: Scene) -> None:
    link_id = await scene.link("n1", "s1")
    await judge(store, link_id, "unsure", now=LATER)
    before = (await queue(store)).items

    await victim(store, scene, "v-1", "s1", "t1", at=NOW.isoformat())
    still = (await queue(store)).items
    await scene.media("u", SOUTH, faces=["u1"])
    await victim(store, scene, "v-1", "u1", at=(LATER + timedelta(seconds=1)).isoformat())

    assert before == still == []
    assert links_of((await queue(store)).items) == [[link_id]]
    assert links_of(await claim(store, now=LATER)) == [[link_id]]


async def returned(store: Store, link_id: str, reason: str) -> None:
    """Confirmed by Anna, returned by Sam."""
    await judge(store, link_id, "confirmed")
    await change(
        store,
        "MATCH ()-[r:CANDIDATE {link_id: $id}]->() SET r.state = 'returned', r.version = 2 "
        "CREATE (:Act {act_id: 'ret', kind: 'approval', by: 'sam@south', role: 'supervisor', district: 'south', "
        "              at: $at})-[:WROTE]->"
        "(:Verdict {verdict_id: 'ret', link_id: $id, decision: 'returned', reasons: [], text: $reason, version: 2})",
        id=link_id,
        at=LATER.isoformat(),
        reason=reason,
    )


async def test_a_returned_link_goes_back_to_who_confirmed_it_with_the_reason_and_to_nobody_else(
    store: Store, scene: Scene
) -> None:
    link_id = await scene.link("n1", "s1")
    await pairs(scene, 1, "danger_now")
    await returned(store, link_id, "the ears are hidden")
    other = Person("otto@north", ANNA.roles, "north")

    first, second = (await queue(store)).items

    assert links_of([first]) == [[link_id]]
    assert first.returned is not None
    assert (first.returned.by, first.returned.reason) == ("supervisor of south", "the ears are hidden")
    assert second.returned is None
    assert [queued.returned for queued in (await queue(store, other)).items] == [None]


async def test_pages_hold_each_item_once(store: Store, scene: Scene) -> None:
    made = await pairs(scene, 9)
    await scene.media("v", SOUTH, faces=["v1", "v2"])
    await victim(store, scene, "v-1", "v1", "v2")
    await scene.media("new", NORTH, faces=["new"])
    both = {await scene.link("new", "v1"), await scene.link("new", "v2")}

    found: list[QueueItem] = []
    page = await queue(store, limit=3)
    while True:
        found += page.items
        if page.next is None:
            break
        page = await queue(store, limit=3, after=read_position(page.next))

    assert len(found) == 11
    assert {link for links in links_of(found) for link in links} == {*made, *both, await scene.link("n1", "s1")}


async def test_a_look_at_the_queue_is_in_the_audit(store: Store, scene: Scene) -> None:
    await queue(store)

    [entry] = await entries(store)
    assert (entry.action, entry.actor, bool(entry.digest)) == ("queue.seen", ANNA.actor, True)
