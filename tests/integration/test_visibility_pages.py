"""Where a page ends tells of nothing that its reader may not see."""

from collections.abc import Sequence
from typing import Any

import pytest

from graph.actions.read import queue, queue_walk, searches
from graph.actions.read.search import Question, ask_with_faces
from graph.domain.queue import Filters, read_position
from graph.store.session import Store
from tests.support.access import access_of
from tests.support.factories import ANNA, NORTH, NOW, SOUTH, Scene

pytestmark = pytest.mark.anyio


async def test_looking_yourself_pages_over_media_of_ones_own_district_only(
    store: Store, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It named the picture of another district, by the hash of its bytes, as the place where the next page begins."""
    monkeypatch.setattr(searches, "WALK", 2)
    own = {await scene.media(f"own {number}", NORTH) for number in range(3)}
    for number in range(8):
        await scene.media(f"other {number}", SOUTH)
    question = Question(NORTH, "identification", "test", "register")
    search_id = await ask_with_faces(access_of(store, ANNA, NOW), question, [scene.faces["n1"]])

    met: list[str] = []
    places: list[str] = []
    after: Any = ""
    while after is not None:
        page = await searches.read_unjudged(access_of(store, ANNA, NOW, "test"), search_id, after=after, limit=9)
        after = page.next
        met += [item.media_id for item in page.items]
        places += [after] if after else []

    assert set(met) == own
    known = own | {row["id"] for row in await media_of(store, NORTH)}
    assert places and set(places) <= known


async def media_of(store: Store, case_id: str) -> Sequence[dict[str, str]]:
    return await store.read(
        lambda tx: tx.rows(
            "MATCH (m:Media)-[:IN_CASE]->(:Case {case_id: $case_id}) RETURN m.media_id AS id", case_id=case_id
        )
    )


async def test_the_queue_continues_after_a_visible_link(
    store: Store, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link of three other districts was examined as well, and named as the place where the next page begins."""
    monkeypatch.setattr(queue_walk, "EXAMINED_MAX", 4)
    monkeypatch.setattr(queue_walk, "FIRST_PAGE", 2)
    monkeypatch.setattr(queue_walk, "LARGEST_PAGE", 4)
    for number, district in enumerate(("east", "west", "middle")):
        await scene.case(f"far:{number}", district)
    for number in range(30):
        await scene.media(f"a{number}", "far:0", "far:1", faces=[f"a{number}"])
        await scene.media(f"b{number}", "far:2", faces=[f"b{number}"])
        await scene.link(f"a{number}", f"b{number}")
    seen: set[str] = set()
    for number in range(6):
        await scene.media(f"m{number}", NORTH, faces=[f"m{number}"])
        seen.add(await scene.link(f"m{number}", "s1"))
    everything = Filters(submitted_after=1)

    met: set[str] = set()
    after = None
    for _ in range(20):
        page = await queue.read_queue(access_of(store, ANNA, NOW, "test"), everything, limit=2, after=after)
        met |= {link.link_id for queued in page.items for link in queued.links}
        if page.next is None:
            break
        after = read_position(page.next)
        assert after.link_id in seen | {await scene.link("n1", "s1")}
    assert seen <= met
    nothing = Filters(submitted_before=1)
    page = await queue.read_queue(access_of(store, ANNA, NOW, "test"), nothing, limit=2, after=None)
    assert page.next is not None and read_position(page.next).link_id in seen | {await scene.link("n1", "s1")}
