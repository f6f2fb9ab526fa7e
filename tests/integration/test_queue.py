"""What waits, in which order, for whom; and that two people never have one item."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from graph.actions.decide.contact_sheet import SheetJudgement, do_act
from graph.actions.decide.decision import Judgement, Seen
from graph.actions.decide.verdicts import do_verdict
from graph.actions.read.claims import do_claim, do_renewal, do_skip
from graph.actions.read.queue import read_queue
from graph.actions.read.queue_items import QueueItem
from graph.domain.errors import Conflict, Forbidden, NotFound
from graph.domain.link import Decision
from graph.domain.people import Person, Role
from graph.domain.queue import CLAIMS_MAX, LEASE, SKIPPED_FOR, Filters, Kind, read_position
from graph.paging import Page
from graph.store.queries import ingest
from graph.store.session import Store
from tests.integration.conftest import entries
from tests.support.access import access_of
from tests.support.factories import ANNA, BEN, NORTH, NOW, SOUTH, SUE, Scene, every_face

pytestmark = pytest.mark.anyio

LATER = NOW + timedelta(minutes=1)


async def claim(
    store: Store, wanted: int = 1, actor: Person = ANNA, filters: Filters | None = None, seed: str = "seed", **more: Any
) -> Sequence[QueueItem]:
    now = more.pop("now", NOW)
    return (await do_claim(access_of(store, actor, now), filters or Filters(), wanted, seed=seed, **more)).items


async def queue(store: Store, person: Person = ANNA, filters: Filters | None = None, **more: Any) -> Page[QueueItem]:
    values: dict[str, Any] = {"limit": 50, "after": None} | more
    now = values.pop("now", NOW)
    access = access_of(store, person, now, "victim identification")
    return await read_queue(access, filters or Filters(), **values)


def links_of(found: Sequence[QueueItem]) -> list[list[str]]:
    return [[link.link_id for link in queued.links] for queued in found]


async def judge(store: Store, link_id: str, decision: str, version: int = 0, **more: Any) -> None:
    said = Judgement(link_id, version, Decision(decision), ("ears",), "", await every_face(store))
    await do_verdict(access_of(store, more.get("actor", ANNA), more.get("now", NOW)), said)


async def victim(store: Store, scene: Scene, victim_id: str, *faces: str, at: str = NOW.isoformat()) -> None:
    """The faces depict the victim, as confirmations say."""
    await store.write(
        lambda tx: tx.do(
            "MERGE (v:Victim {victim_id: $victim_id}) WITH v UNWIND $faces AS id MATCH (f:Face {face_id: id}) "
            "CREATE (f)-[:DEPICTS {basis: 'confirmed', at: $at}]->(v)",
            victim_id=victim_id,
            faces=[scene.faces[name] for name in faces],
            at=at,
        )
    )


async def change(store: Store, query: Any, **values: Any) -> None:
    await store.write(lambda tx: tx.do(query, **values))


async def pairs(scene: Scene, number: int, urgency: str = "routine", name: str = "p") -> list[str]:
    """New faces in NORTH, each with a link to a face in SOUTH."""
    made: list[str] = []
    for one in range(number):
        a, b = f"{name}{one}n", f"{name}{one}s"
        await scene.media(a, NORTH, faces=[a], urgency=urgency)
        await scene.media(b, SOUTH, faces=[b])
        made.append(await scene.link(a, b))
    return made


async def test_a_claimed_item_is_nobody_elses_until_its_lease_ends(store: Store, scene: Scene) -> None:
    link_id = await scene.link("n1", "s1")

    [mine] = await claim(store)

    assert links_of([mine]) == [[link_id]]
    assert await claim(store, actor=BEN) == []
    assert (await queue(store, BEN)).items == []
    [again] = (await queue(store, ANNA)).items
    assert again.claim == mine.claim
    assert links_of(await claim(store, actor=BEN, now=NOW + LEASE)) == [[link_id]]


async def test_a_claim_ends_when_its_links_are_decided(store: Store, scene: Scene) -> None:
    [mine] = await claim(store)
    await judge(store, mine.links[0].link_id, "dismissed")

    assert (await queue(store)).items == []
    assert await claim(store, now=LATER) == []
    rows = await store.read(lambda tx: tx.rows("MATCH (k:Claim) RETURN k"))
    assert len(rows) == 1, "nothing was claimed, so nothing was written"


async def test_a_claim_ends_when_one_decision_settled_all_its_links(store: Store, scene: Scene) -> None:
    """One act confirms a sheet by few of its links: the others stayed open in the claim, and 20 sheets later the
    limit of open claims was reached."""
    await scene.media("w", SOUTH, faces=["w"])
    await judge(store, await scene.link("s1", "w"), "confirmed", actor=BEN)
    await scene.link("n1", "w", score=0.6)
    [mine] = await claim(store)
    assert len(mine.links) == 2

    seen = tuple(Seen(link.link_id, 0) for link in mine.links)
    await do_act(access_of(store, ANNA, NOW), SheetJudgement(seen, Decision.CONFIRMED, ("ears",), ""))

    assert (await queue(store)).items == []


async def test_a_claim_and_what_it_shows_are_in_the_audit(store: Store, scene: Scene) -> None:
    [mine] = await claim(store)
    assert mine.claim is not None
    await do_skip(access_of(store, ANNA, NOW), mine.claim.claim_id)

    claimed, skipped = await entries(store)

    subject = f"claim:{mine.claim.claim_id}"
    assert (claimed.action, claimed.subject, claimed.purpose, bool(claimed.digest)) == (
        "queue.claimed",
        subject,
        subject,
        True,
    )
    assert (skipped.action, skipped.subject, skipped.actor) == ("queue.skipped", subject, ANNA.actor)


async def test_a_skipped_item_stays_away_from_one_person_for_a_while_and_is_others_at_once(
    store: Store, scene: Scene
) -> None:
    [mine] = await claim(store)
    assert mine.claim is not None
    await do_skip(access_of(store, ANNA, NOW), mine.claim.claim_id)

    assert await claim(store, now=LATER) == []
    [bens] = await claim(store, actor=BEN, now=LATER)
    assert bens.claim is not None
    await do_skip(access_of(store, BEN, LATER), bens.claim.claim_id)
    assert len(await claim(store, now=NOW + SKIPPED_FOR)) == 1


async def test_a_renewed_claim_lasts_a_whole_lease_longer_and_an_expired_one_is_not_renewed(
    store: Store, scene: Scene
) -> None:
    [mine] = await claim(store)
    assert mine.claim is not None
    name = mine.claim.claim_id

    renewed = await do_renewal(access_of(store, ANNA, LATER), name)

    assert renewed.until == (LATER + LEASE).isoformat()
    assert await claim(store, actor=BEN, now=NOW + LEASE) == []
    with pytest.raises(NotFound):
        await do_renewal(access_of(store, BEN, LATER), name)
    with pytest.raises(Conflict) as refused:
        await do_renewal(access_of(store, ANNA, LATER + LEASE), name)
    assert refused.value.code == "claim_expired"


async def test_eight_who_claim_at_once_never_get_the_same_item(store: Store, scene: Scene) -> None:
    made = await pairs(scene, 20)
    people = [Person(f"p{n}@north", frozenset({Role.INVESTIGATOR}), "north") for n in range(8)]

    found = await asyncio.gather(
        *(claim(store, 2, person, seed="one for all") for person in people),
        *(claim(store, 1, person, seed="one for all") for person in people),
    )

    given = [link_id for got in found for links in links_of(got) for link_id in links]
    assert len(given) == len(set(given))
    # Who came too late for one may get fewer than asked; what is left is there for the next.
    left = [link_id for links in links_of(await claim(store, 20, BEN)) for link_id in links]
    assert sorted([*given, *left]) == sorted({*made, *given, *left})
    assert len(given) + len(left) == 21


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


async def test_when_faces_become_one_victim_a_running_claim_still_holds_its_links(store: Store, scene: Scene) -> None:
    await scene.media("u", SOUTH, faces=["u1"])
    other = await scene.link("n1", "u1")
    [mine] = await claim(store, filters=Filters(case_id=NORTH))

    await victim(store, scene, "v-1", "s1", "u1")

    assert mine.links[0].link_id in {other, await scene.link("n1", "s1")}
    assert await claim(store, actor=BEN) == []


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


async def test_nobody_hoards_claims(store: Store, scene: Scene) -> None:
    await pairs(scene, 20)
    await claim(store, 10)
    await claim(store, 10)

    with pytest.raises(Conflict) as refused:
        await claim(store)
    assert refused.value.code == "claims_limit"


async def test_claims_at_the_same_time_count_each_other(store: Store, scene: Scene) -> None:
    """Ten claims of ten at the same time gave one person 88: each counted before any of them was written."""
    await pairs(scene, 45)

    done = await asyncio.gather(*(claim(store, 10, seed=f"seed {n}") for n in range(10)), return_exceptions=True)

    given = [found for found in done if not isinstance(found, BaseException)]
    assert sum(map(len, given)) <= CLAIMS_MAX
    assert {refused.code for refused in done if isinstance(refused, Conflict)} == {"claims_limit"}


async def test_only_investigators_claim_and_only_with_a_district(store: Store, scene: Scene) -> None:
    for person in (SUE, Person("x@north", ANNA.roles, None), Person("op@north", frozenset({Role.OPERATOR}), "north")):
        with pytest.raises(Forbidden):
            await claim(store, actor=person)
    assert len((await queue(store, SUE)).items) == 1, "a supervisor sees what waits"


async def test_a_look_at_the_queue_is_in_the_audit(store: Store, scene: Scene) -> None:
    await queue(store)

    [entry] = await entries(store)
    assert (entry.action, entry.actor, bool(entry.digest)) == ("queue.seen", ANNA.actor, True)
