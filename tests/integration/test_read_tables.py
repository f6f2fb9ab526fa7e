"""Counts and tables for whoever runs the system: with scores, and for no person who is going to judge."""

import pytest

from graph.actions.decide.decision import Judgement
from graph.actions.decide.verdicts import do_verdict
from graph.actions.read import counts
from graph.domain.link import Decision
from graph.store.session import Store
from tests.support.access import access_of
from tests.support.factories import ANNA, NORTH, NOW, Scene

pytestmark = pytest.mark.anyio


async def test_counts_tell_what_there_is_with_links_by_state(store: Store, scene: Scene) -> None:
    link_id = await scene.link("n1", "s1")
    await do_verdict(access_of(store, ANNA, NOW), Judgement(link_id, 0, Decision.UNSURE, (), ""))

    found = await counts.counts(store)

    names = ("cases", "media", "faces", "too_poor", "quarantined", "outbox")
    assert {name: getattr(found, name) for name in names} == {
        "cases": 2,
        "media": 3,
        "faces": 4,
        "too_poor": 0,
        "quarantined": 0,
        "outbox": 2,  # the notices of the verdict
    }
    assert {state: number for state, number in found.links.items() if number} == {"lead": 1, "unsure": 1}


async def test_all_links_are_read_once_across_pages(
    store: Store, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "ROWS_A_PAGE", 2)
    made = {await scene.link("n1", "s1"), await scene.link("n2", "t1", state="lead")}
    for number in range(3):
        await scene.media(f"m{number}", NORTH, faces=[f"m{number}"])
        made.add(await scene.link(f"m{number}", "n1"))

    rows = [row.link_id async for row in counts.scored_links(store)]

    assert len(rows) == 5
    assert set(rows) == made
