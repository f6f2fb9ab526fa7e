"""Counts and tables for whoever runs the system: with scores, and for no person who is going to judge."""

from __future__ import annotations

import pytest

from graph.actions.decide.decision import Judgement
from graph.actions.decide.verdicts import do_verdict
from graph.actions.read import links
from graph.domain.link import Decision
from graph.store.session import Store
from tests.support.factories import ANNA, NORTH, NOW, SOUTH, Scene

pytestmark = pytest.mark.anyio


async def test_counts_tell_what_there_is_with_links_by_state(store: Store, scene: Scene) -> None:
    link_id = await scene.link("n1", "s1")
    await do_verdict(store, Judgement(link_id, 0, Decision.UNSURE, (), ""), actor=ANNA, now=NOW)

    counts = await links.counts(store)

    assert {name: counts[name] for name in ("cases", "media", "faces", "too_poor", "quarantined", "outbox")} == {
        "cases": 2, "media": 3, "faces": 4, "too_poor": 0, "quarantined": 0, "outbox": 2,  # the notices of the verdict
    }  # fmt: skip
    assert {state: number for state, number in counts["links"].items() if number} == {"lead": 1, "unsure": 1}


async def test_candidates_between_cases_leave_out_leads_decided_links_and_those_within_a_case(
    store: Store, scene: Scene
) -> None:
    await scene.media("within", NORTH, faces=["within"])
    await scene.link("n1", "within", score=0.9)
    await scene.link("within", "s1", score=0.8)
    decided = await scene.link("within", "t1", score=0.7)
    await do_verdict(store, Judgement(decided, 0, Decision.DISMISSED, (), ""), actor=ANNA, now=NOW)

    found = await links.candidates_between_cases(store)

    assert [row.score for row in found] == [0.8, 0.52]
    assert all({row.a_cases, row.b_cases} == {(NORTH,), (SOUTH,)} for row in found)
    assert found[0].a_box and found[0].threshold == 0.4


async def test_a_face_in_two_cases_connects_them(store: Store, scene: Scene) -> None:
    await scene.media("both", NORTH, SOUTH, faces=["both"])
    link_id = await scene.link("both", "n1")

    assert link_id in {row.link_id for row in await links.candidates_between_cases(store)}


async def test_all_links_are_read_once_across_pages(
    store: Store, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "ROWS_A_PAGE", 2)
    made = {await scene.link("n1", "s1"), await scene.link("n2", "t1", state="lead")}
    for number in range(3):
        await scene.media(f"m{number}", NORTH, faces=[f"m{number}"])
        made.add(await scene.link(f"m{number}", "n1"))

    rows = [row.link_id async for row in links.link_rows(store)]

    assert len(rows) == 5
    assert set(rows) == made
