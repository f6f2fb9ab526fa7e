"""Claims of queue items: nobody else gets a claimed item, and a claim ends by its lease or by a decision."""

import asyncio
from datetime import datetime

import pytest

from graph.actions.decide.contact_sheet import SheetJudgement, do_act, preview
from graph.actions.decide.decision import Seen
from graph.actions.read.claims import do_renewal, do_skip
from graph.domain.errors import Conflict, Forbidden
from graph.domain.link import Decision
from graph.domain.people import Person, Role
from graph.domain.queue import CLAIMS_MAX, LEASE, SKIPPED_FOR, Filters
from graph.store.session import Store
from tests.integration.conftest import entries
from tests.support.access import access_of
from tests.support.factories import ANNA, BEN, NORTH, NOW, SOUTH, SUE, Scene
from tests.support.queue import LATER, claim, judge, links_of, pairs, queue, victim

pytestmark = pytest.mark.anyio


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


async def test_nobody_else_judges_what_is_claimed_until_the_lease_ends(store: Store, scene: Scene) -> None:
    """South judged a pair that north held by a claim: north's verdict was then refused."""
    [mine] = await claim(store)
    link_id = mine.links[0].link_id
    sheet = SheetJudgement((Seen(link_id, 0),), Decision.DISMISSED, (), "")
    refusals = [judge(store, link_id, "dismissed", actor=BEN)]
    refusals += [decide(access_of(store, BEN, LATER, "test"), sheet) for decide in (do_act, preview)]
    for refusal in refusals:
        with pytest.raises(Conflict) as refused:
            await refusal
        assert (refused.value.code, refused.value.current["by"]) == ("claimed", "investigator of north")
        assert refused.value.current["until"] == (NOW + LEASE).isoformat()
        assert "investigator" not in refused.value.message

    await judge(store, link_id, "unsure")
    await judge(store, link_id, "dismissed", version=1, actor=BEN)


@pytest.mark.parametrize(("actor", "now"), [(ANNA, LATER), (BEN, NOW + LEASE)])
async def test_ones_own_claim_and_one_that_is_over_stop_no_verdict(
    store: Store, scene: Scene, actor: Person, now: datetime
) -> None:
    [mine] = await claim(store)

    await judge(store, mine.links[0].link_id, "dismissed", actor=actor, now=now)


async def test_who_judged_something_twice_reads_that_it_was_oneself(store: Store, scene: Scene) -> None:
    link_id = await scene.link("n1", "s1")
    await judge(store, link_id, "unsure")

    with pytest.raises(Conflict) as refused:
        await judge(store, link_id, "dismissed")

    assert refused.value.disclosed.startswith("you acted first (unsure, ")


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
    for person, now in [(BEN, LATER), (ANNA, LATER + LEASE)]:
        with pytest.raises(Conflict) as refused:
            await do_renewal(access_of(store, person, now), name)
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


async def test_when_faces_become_one_victim_a_running_claim_still_holds_its_links(store: Store, scene: Scene) -> None:
    await scene.media("u", SOUTH, faces=["u1"])
    other = await scene.link("n1", "u1")
    [mine] = await claim(store, filters=Filters(case_id=NORTH))

    await victim(store, scene, "v-1", "s1", "u1")

    assert mine.links[0].link_id in {other, await scene.link("n1", "s1")}
    assert await claim(store, actor=BEN) == []


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
