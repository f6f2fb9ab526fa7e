"""Figures of decisions and times: for whom they are, what they count, and what they do not give away."""

from datetime import UTC, datetime, timedelta

import pytest

from graph.actions.decide import verdicts as decide
from graph.actions.decide.decision import Judgement, Seen
from graph.actions.read.agreement import read_agreement, read_agreement_on
from graph.actions.read.faces import read_crop
from graph.actions.read.times import count_pictures_seen, read_times
from graph.domain.agreement import PEOPLE_MIN, SHOWN_FROM, Share
from graph.domain.errors import Forbidden, NotFound
from graph.domain.link import Decision, SecondDecision
from graph.domain.people import Person, Role
from graph.store.queries import ingest
from graph.store.session import Store
from tests.integration.conftest import deeds
from tests.support.access import access_of
from tests.support.factories import ANNA, BEN, NORTH, NOW, SOUTH, SUE, Scene, every_face

pytestmark = pytest.mark.anyio
OPERATOR = Person("ole@north", frozenset({Role.OPERATOR}), "north")
PEOPLE = [Person(f"person{number}@north", ANNA.roles, "north") for number in range(PEOPLE_MIN)]
WEAK, STRONG = "weak support; provisional", "strong support; provisional"


async def judged_pairs(scene: Scene, number: int, people: list[Person], band: str = WEAK) -> list[str]:
    """So many pairs of pictures of NORTH and SOUTH, each confirmed by one of the people in turn."""
    links: list[str] = []
    for place in range(number):
        name = f"{band[:2]}{len(people)}-{place}"
        await scene.media(name, NORTH, faces=[name])
        await scene.media(f"{name}s", SOUTH, faces=[f"{name}s"])
        links.append(await scene.link(name, f"{name}s"))
    await scene.store.write(
        lambda tx: tx.do(
            "MATCH ()-[r:CANDIDATE]->() WHERE r.link_id IN $links SET r.band = $band", links=links, band=band
        )
    )
    for place, link_id in enumerate(links):
        await verdict(scene.store, link_id, people[place % len(people)])
    return links


async def verdict(store: Store, link_id: str, by: Person, at: datetime = NOW, version: int = 0) -> None:
    said = Judgement(link_id, version, Decision.CONFIRMED, ("ears",), "", await every_face(store))
    await decide.do_verdict(access_of(store, by, at), said)


async def second(store: Store, link_id: str, decision: str) -> None:
    faces = await every_face(store)
    access = access_of(store, SUE, NOW)
    await decide.do_approval(access, Seen(link_id, 1), SecondDecision(decision), "look again", faces=faces)


async def test_agreement_counts_by_band_and_month_and_takes_the_district_of_the_first_person(
    store: Store, scene: Scene
) -> None:
    links = await judged_pairs(scene, SHOWN_FROM, PEOPLE)
    await judged_pairs(scene, SHOWN_FROM - 1, [PEOPLE[0]], STRONG)
    for place, link_id in enumerate(links):
        await second(store, link_id, "returned" if place == 0 else "approved")

    found = await read_agreement(access_of(store, SUE, NOW))
    shown = {item.name: (item.same, item.agreed) for item in found.bands}
    agreed, many = Share(SHOWN_FROM - 1, SHOWN_FROM), 2 * SHOWN_FROM - 1
    assert (found.verdicts, found.cut) == (many, False)
    assert shown["weak support"] == (Share(SHOWN_FROM, SHOWN_FROM), agreed)
    assert shown["strong support"] == (None, None), "one person's decisions"
    assert [(item.name, item.agreed) for item in found.months][-2:] == [("2026-10", None), ("2026-11", agreed)]
    assert len(found.months) == 12

    sam = Person("sam@south", SUE.roles, "south")
    assert (await read_agreement(access_of(store, sam, NOW))).verdicts == 0
    later = access_of(store, SUE, NOW + timedelta(days=366))
    assert (await read_agreement(later)).verdicts == 0
    assert PEOPLE[0].actor not in repr(found)


async def test_the_agreement_on_a_pair_is_sealed_like_its_band(store: Store, scene: Scene, link_id: str) -> None:
    links = await judged_pairs(scene, SHOWN_FROM, PEOPLE)
    before = len(await deeds(store))

    assert await read_agreement_on(access_of(store, ANNA, NOW), links[0]) is None
    found = await read_agreement_on(access_of(store, PEOPLE[0], NOW), links[0])
    assert found is not None and (found.name, found.same) == ("weak support", Share(SHOWN_FROM, SHOWN_FROM))
    with pytest.raises(NotFound):
        await read_agreement_on(access_of(store, Person("wes@west", ANNA.roles, "west"), NOW), link_id)
    assert [entry.action for entry in (await deeds(store))[before:]] == ["agreement.seen"] * 2


async def test_agreement_is_for_supervisors_and_times_are_for_operators(store: Store) -> None:
    for person in (ANNA, OPERATOR):
        with pytest.raises(Forbidden):
            await read_agreement(access_of(store, person, NOW))
    for person in (ANNA, SUE):
        with pytest.raises(Forbidden):
            await read_times(access_of(store, person, NOW))


async def test_times_are_those_from_the_event_to_the_comparison_and_on_to_the_first_verdict(
    store: Store, scene: Scene, link_id: str
) -> None:
    event = datetime.fromtimestamp(1_795_000_000, UTC)
    proposed, judged = event + timedelta(seconds=30), event + timedelta(hours=2)
    comparison = {"comparison_id": "k", "comparison": {}, "faces": [scene.faces["n1"]], "cut": []}
    again = comparison | {"comparison_id": "later"}
    for row, at in ((comparison, proposed), (again, proposed + timedelta(days=1))):
        await store.write(lambda tx, r=row, at=at: tx.do(ingest.MERGE_COMPARISONS, rows=[r], now=at.isoformat()))
    await store.write(lambda tx: tx.do("MATCH ()-[r:CANDIDATE]->() SET r.proposed_at = $at", at=proposed.isoformat()))
    await verdict(store, link_id, ANNA, judged)
    await decide.do_reopening(access_of(store, ANNA, judged), Seen(link_id, 1), "a mistake")
    await verdict(store, link_id, BEN, judged + timedelta(hours=9), version=2)

    found = await read_times(access_of(store, OPERATOR, judged + timedelta(days=1)))
    assert [(item.day, item.number, item.half, item.most) for item in found.proposed] == [
        (f"{proposed:%Y-%m-%d}", 1, 30.0, 30.0)
    ]
    assert [(item.number, item.waited_half, item.half) for item in found.judged] == [(1, 7170.0, 7200.0)]
    old = await read_times(access_of(store, OPERATOR, judged + timedelta(days=40)))
    assert (old.proposed, old.judged) == ((), ())


async def test_pictures_seen_are_counted_once_each_since_a_time_and_for_oneself(store: Store, scene: Scene) -> None:
    assert scene.files is not None
    for called, minutes in (("n1", -5), ("n1", 5), ("n2", 6), ("n1", 7)):
        access = access_of(store, ANNA, NOW + timedelta(minutes=minutes))
        await read_crop(access, scene.files, scene.faces[called])
    before = len(await deeds(store))

    assert await count_pictures_seen(access_of(store, ANNA, NOW), NOW) == 2
    assert await count_pictures_seen(access_of(store, ANNA, NOW), NOW + timedelta(days=1)) == 0
    assert await count_pictures_seen(access_of(store, SUE, NOW), NOW) == 0
    assert len(await deeds(store)) == before
