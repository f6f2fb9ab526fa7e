"""What changed since a person's last visit: for whom it is there, how little it tells, and what ends the visit."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from graph.actions.decide import identify
from graph.actions.identification import Proposal
from graph.actions.read import inbox as inbox_module
from graph.actions.read.inbox import FIRST, Change, Inbox, count_inbox, do_end_visit, read_inbox
from graph.actions.read.search import Question, ask_with_faces
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Forbidden, Invalid
from graph.domain.identification import Basis
from graph.domain.inbox import NewInCase
from graph.domain.link import Decision, SecondDecision, State
from graph.domain.people import Person, Role
from graph.store.migrate import migrations
from graph.store.session import Store
from tests.integration.conftest import entries
from tests.support.access import access_of
from tests.support.decisions import NO, approve, judge, reopen
from tests.support.factories import ANNA, BEN, NORTH, NOW, SAM, SOUTH, SUE, Scene, every_face

pytestmark = pytest.mark.anyio
LATER = NOW + timedelta(hours=1)
BOB = Person("bob@north", frozenset({Role.INVESTIGATOR}), "north")
CLERK = Person("ole@north", frozenset({Role.OPERATOR}), "north")


async def inbox(store: Store, person: Person = ANNA, at: datetime = LATER, **more: Any) -> Inbox:
    return await read_inbox(access_of(store, person, at, "test"), **{"limit": 50} | more)


async def changes(store: Store, person: Person = ANNA) -> list[Change]:
    return list((await inbox(store, person)).changes.items)


async def test_a_returned_link_comes_to_its_first_person_with_the_reason_and_without_a_score(
    store: Store, link_id: str
) -> None:
    await judge(store, link_id)
    await approve(store, link_id, returned=True)

    [change] = await changes(store)
    assert (change.decision, change.own, change.by, change.reason) == ("returned", True, SUE.actor, "look at the ears")
    assert [(link.link_id, link.state, link.history) for link in change.links] == [(link_id, State.RETURNED, ())]
    assert await changes(store, BOB) == await changes(store, SUE) == []


async def test_a_decision_reopened_by_somebody_else_comes_without_the_reason_which_could_sway(
    store: Store, link_id: str
) -> None:
    await judge(store, link_id, NO)
    await reopen(store, link_id, 1, by=SUE)

    [change] = await changes(store)
    assert (change.decision, change.own, change.reason) == ("reopened", True, None)
    assert change.links[0].score is None


async def test_what_somebody_takes_back_themselves_is_no_news_to_them(store: Store, link_id: str) -> None:
    await judge(store, link_id, NO)
    await reopen(store, link_id, 1, by=ANNA)

    assert await changes(store) == []


async def test_a_decision_of_the_other_district_is_there_as_long_as_the_state_shows_it(
    store: Store, link_id: str
) -> None:
    await judge(store, link_id, by=BEN)
    [change] = await changes(store)
    assert (change.decision, change.own, change.by) == ("confirmed", False, "investigator of south")
    assert (change.links[0].score, change.links[0].b.case_ids) == (None, ())
    assert await changes(store, BEN) == []

    await reopen(store, link_id, 1, by=BEN)
    assert await changes(store) == [], "that there was a decision is no longer to be known"


async def test_an_unsure_of_the_other_district_is_no_news(store: Store, link_id: str) -> None:
    await judge(store, link_id, Decision.UNSURE, by=BEN)

    assert await changes(store) == []


async def test_decisions_among_other_districts_are_no_news(store: Store, scene: Scene) -> None:
    await scene.case("west:1", "west")
    await scene.media("w", "west:1", faces=["w1"])
    link_id = await scene.link("w1", "s1")
    await judge(store, link_id, by=BEN)

    assert await changes(store) == []


async def test_a_link_of_three_districts_comes_to_the_two_that_did_not_decide(store: Store, scene: Scene) -> None:
    await scene.case("west:1", "west")
    await scene.media("w", SOUTH, "west:1", faces=["w1"])
    link_id = await scene.link("n1", "w1")
    await judge(store, link_id, by=BEN)

    wes = Person("wes@west", frozenset({Role.INVESTIGATOR}), "west")
    east = Person("eve@east", frozenset({Role.INVESTIGATOR}), "east")
    assert [len(await changes(store, person)) for person in (ANNA, wes, BEN, east)] == [1, 1, 0, 0]


async def test_new_candidates_are_counted_by_case_of_the_district_and_judged_ones_are_not(
    store: Store, scene: Scene
) -> None:
    other = await scene.case("local:2", "north")
    await scene.media("u", other, faces=["u1"], urgency="danger_now")
    await scene.link("u1", "n1")
    judged = await scene.link("u1", "n2")
    await judge(store, judged, by=BOB)

    found = await inbox(store)
    assert found.cases == (NewInCase("local:2", 0, 0, 1), NewInCase(NORTH, 1, 0, 1))
    assert (found.candidates, found.candidates_cut) == (2, False)
    assert [case.case_id for case in (await inbox(store, BEN)).cases] == [SOUTH]


async def test_candidates_among_other_districts_do_not_hide_those_of_the_own(
    store: Store, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_module, "CANDIDATES_MAX", 2)
    west, east = await scene.case("west:1", "west"), await scene.case("east:1", "east")
    for number in range(3):
        await scene.media(f"w{number}", SOUTH, west, faces=[f"w{number}"])
        await scene.media(f"e{number}", east, faces=[f"e{number}"])
        link = await scene.link(f"w{number}", f"e{number}")
        newer = f"MATCH ()-[r:CANDIDATE {{link_id: '{link}'}}]->() SET r.proposed_at = $at"
        await store.write(lambda tx, newer=newer: tx.do(newer, at=(NOW + timedelta(seconds=1)).isoformat()))
    await scene.link("n1", "s1")

    assert [case.case_id for case in (await inbox(store)).cases] == [NORTH]


async def test_identifications_and_searches_of_the_person_that_others_changed(store: Store, scene: Scene) -> None:
    await scene.depicts("n1", "local:child")
    said = Proposal("north:person-1", Basis.INTERVIEW, "named by a teacher", await every_face(store))
    made = await identify.do_identification(access_of(store, ANNA, NOW), "local:child", said)
    await identify.do_identification_approval(
        access_of(store, SUE, LATER), made.identification_id, 0, SecondDecision.RETURNED, "which teacher?"
    )
    question = Question(NORTH, "identification", "test", "register", keep_asking=True)
    search_id = await ask_with_faces(access_of(store, ANNA, NOW), question, [scene.faces["n1"]])
    await scene.answer(search_id, [("n2", 0.7)])
    await store.write(lambda tx: tx.do("MATCH (s:Search) SET s.open = true"))
    await scene.add_part(search_id, 1, 9, [("s1", 0.6), ("t1", 0.5)])

    found = await inbox(store)
    assert [(item.state.value, item.decision_reason) for item in found.identifications] == [
        ("returned", "which teacher?")
    ]
    assert [(item.search_id, item.added) for item in found.searches] == [(search_id, 2)]
    others = await inbox(store, BOB)
    assert (others.identifications, others.searches) == ((), ())


async def test_an_act_on_several_links_is_one_change_and_pages_continue_after_it(store: Store, scene: Scene) -> None:
    first, second = await scene.link("n1", "s1"), await scene.link("n2", "s1")
    for number, link_id in enumerate((first, second)):
        await judge(store, link_id, NO, by=BEN)
        await store.write(
            lambda tx, key=link_id, at=NOW + timedelta(minutes=number): tx.do(
                "MATCH (v:Verdict {link_id: $key})<-[:WROTE]-(act:Act) SET v.at = $at, act.at = $at",
                key=key,
                at=at.isoformat(),
            )
        )

    page = await inbox(store, limit=1)
    assert [change.links[0].link_id for change in page.changes.items] == [second]
    rest = await inbox(store, limit=1, after=page.changes.next, at=LATER + timedelta(days=1))
    assert [change.links[0].link_id for change in rest.changes.items] == [first]
    assert (rest.until, rest.changes.next, rest.cases) == (page.until, None, ())
    with pytest.raises(Invalid):
        await inbox(store, after="nonsense")

    await store.write(
        lambda tx: tx.do(
            "MATCH (act:Act)-[:WROTE]->(v:Verdict) WITH collect(v) AS all, collect(act)[0] AS one "
            "UNWIND all AS v MATCH (v)<-[w:WROTE]-() DELETE w CREATE (one)-[:WROTE]->(v)"
        )
    )
    [change] = await changes(store)
    assert {link.link_id for link in change.links} == {first, second}
    third = await scene.link("n1", "t1")
    await judge(store, third, NO, by=BEN)
    at = "MATCH (act:Act)-[:WROTE]->(v:Verdict) SET v.at = CASE v.link_id WHEN $third THEN $later ELSE $at END"
    times = {"at": NOW.isoformat(), "later": (NOW + timedelta(minutes=1)).isoformat()}
    await store.write(lambda tx: tx.do(at, third=third, **times))
    page = await inbox(store, limit=2)
    assert [[link.link_id for link in change.links] for change in page.changes.items] == [[third]]
    for limit in (1, 2):
        rest = await inbox(store, limit=limit, after=page.changes.next)
        assert [len(change.links) for change in rest.changes.items] == [2], "a page takes no act apart"
        assert rest.changes.next is None


async def test_the_visit_ends_when_the_person_says_so_and_not_by_looking(store: Store, link_id: str) -> None:
    await judge(store, link_id, by=BEN)
    seen = await inbox(store)
    assert seen.since == (LATER - FIRST).isoformat() and not seen.is_empty
    assert not (await inbox(store)).is_empty

    await do_end_visit(access_of(store, ANNA, LATER), LATER)
    after = await inbox(store, at=LATER + timedelta(days=40))
    assert after.since == LATER.isoformat() and after.is_empty
    assert not (await inbox(store, SUE)).is_empty, "a visit is one person's"

    await do_end_visit(access_of(store, ANNA, LATER), NOW - timedelta(days=3))
    assert (await inbox(store)).since == LATER.isoformat(), "an earlier time takes nothing back"
    before_time = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    for wrong in (LATER + timedelta(seconds=1), LATER.replace(tzinfo=None), before_time):
        with pytest.raises(Invalid):
            await do_end_visit(access_of(store, ANNA, LATER), wrong)


async def test_the_count_is_that_of_the_inbox(store: Store, scene: Scene, link_id: str) -> None:
    assert await count_inbox(access_of(store, ANNA, LATER)) == 1, "the candidate of the scene"
    await judge(store, link_id)
    await approve(store, link_id, returned=True)
    await scene.link("n2", "s1")

    assert await count_inbox(access_of(store, ANNA, LATER)) == 2
    await do_end_visit(access_of(store, ANNA, LATER), LATER)
    assert await count_inbox(access_of(store, ANNA, LATER)) == 0


async def test_looking_and_ending_are_in_the_audit_and_counting_is_not(store: Store, link_id: str) -> None:
    await inbox(store)
    await count_inbox(access_of(store, ANNA, LATER))
    await do_end_visit(access_of(store, ANNA, LATER), LATER)

    acts = [entry.action for entry in await entries(store)]
    assert acts == [AuditAction.INBOX_SEEN, AuditAction.INBOX_CLEARED]


async def test_only_who_sees_links_has_an_inbox(store: Store, link_id: str) -> None:
    nowhere = Person("anna@north", ANNA.roles)
    for person in (CLERK, nowhere):
        for act in (inbox(store, person), count_inbox(access_of(store, person, LATER))):
            with pytest.raises(Forbidden):
                await act
        with pytest.raises(Forbidden):
            await do_end_visit(access_of(store, person, LATER), NOW)


async def test_decisions_of_older_releases_are_in_the_inbox(store: Store, link_id: str) -> None:
    """As the release before wrote them: without time, and without whom they answer and concern."""
    await judge(store, link_id)
    await approve(store, link_id, by=SAM, returned=True)
    before = await changes(store)
    await store.write(lambda tx: tx.do("MATCH (v:Verdict) REMOVE v.at, v.answers, v.concerns"))
    assert await changes(store) == []
    [text] = [text for number, _, text in migrations() if number == 15]
    for _ in range(2):
        for statement in filter(None, (part.strip() for part in text.split(";"))):
            await store.statement(statement)  # type: ignore[arg-type]

    assert await changes(store) == before != []
