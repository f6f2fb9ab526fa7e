"""Why two cases are linked, of which a person sees one or both: over what they may know alone."""

import pytest

from graph.actions.read import paths
from graph.actions.read.paths import Step
from graph.store.session import Store
from tests.support.access import access_of
from tests.support.factories import ANNA, NORTH, NOW, SOUTH, Scene

pytestmark = pytest.mark.anyio
OTHER = "local:other"


@pytest.fixture
async def other(scene: Scene) -> str:
    await scene.case(OTHER, "north")
    await scene.media("o", OTHER, faces=["o1"])
    return OTHER


async def way(store: Store, *, candidates: bool = True) -> tuple[Step, ...]:
    found = await paths.read_path(access_of(store, ANNA, NOW, "test"), NORTH, OTHER, candidates=candidates)
    return found.steps


async def test_no_path_shows_which_faces_of_another_district_are_in_one_picture(
    store: Store, scene: Scene, other: str
) -> None:
    await scene.media("u", SOUTH, faces=["u1", "u2"])
    await scene.link("n1", "u1")
    await scene.decided("u2", "o1", "confirmed")
    assert await way(store) == ()


async def test_a_path_over_two_approved_links_leads_through_the_picture_between_them(
    store: Store, scene: Scene, other: str
) -> None:
    await scene.media("u", SOUTH, faces=["u1", "u2"])
    await scene.decided("n1", "u1", "approved")
    await scene.decided("u2", "o1", "approved")
    assert [step.kind for step in await way(store)].count("link") == 2


async def test_a_path_over_ones_own_link_is_found_across_three_districts(
    store: Store, scene: Scene, other: str
) -> None:
    await scene.case("w:1", "west")
    await scene.media("both", NORTH, SOUTH, faces=["b1"])
    await scene.media("too", OTHER, "w:1", faces=["t2"])
    await scene.decided("b1", "t2", "confirmed")
    assert [step.kind for step in await way(store, candidates=False)].count("link") == 1


async def test_a_link_of_three_other_districts_is_on_no_path(store: Store, scene: Scene, other: str) -> None:
    await scene.case("w:1", "west")
    await scene.case("e:1", "east")
    await scene.media("west", "w:1", "e:1", faces=["w1"])
    await scene.link("n1", "s1")
    await scene.decided("s1", "w1", "confirmed")
    await scene.decided("w1", "o1", "confirmed")
    assert await way(store) == ()
