"""Before their own verdict nobody learns a pair's score from a page: not by a number, an order, an id or a class."""

import re
from collections.abc import Mapping
from types import SimpleNamespace

import pytest

from api.pages import review_items
from graph.actions.read.search import Question, ask_with_faces
from graph.files import MediaStore
from graph.store.session import Store
from tests.integration.conftest import Pages
from tests.support.access import access_of
from tests.support.factories import ANNA, NORTH, NOW, SOUTH, SUE, Scene, two_cases
from tests.support.graph_contents import empty
from tests.support.page_scene import SECOND_NORTH, PageScene
from tests.support.queue import change, pairs

pytestmark = pytest.mark.anyio

MADE_ANEW = re.compile(
    r"\b(?:data-)?session(?:=|%3D)\S+|(?:\b|%3D|%2F)[0-9a-f]{32}\b|\d{4}-\d\d-\d\dT[\d:.+]+|>[^<]*</time>"
)
"""Ids of claims, and times, which differ from one filling of the graph to the next."""
NOT_OF_THEM = {"audit", "verification", "intake", "begin", "callback", "crop", "context", "inbox_count"}
"""Pages of other roles, and routes that open none."""
THIRD_NORTH = "local:2026-020"
SET_SCORE = "MATCH ()-[r:CANDIDATE {link_id: $link_id}]->() SET r.score = $score, r.band = $band"
LISTED = "MATCH (a:Face {face_id: $a}), (b:Face {face_id: $b}) MERGE (a)-[:AS_SIMILAR]->(b)"
SCORES = [(0.99, "very strong support"), (0.41, "weak support"), (0.7, "strong support"), (0.55, "moderate support")]


async def filled(store: Store, files: MediaStore, scores: list[tuple[float, str]]) -> PageScene:
    """Pairs of one and of two districts and a group, none of them judged, with these scores in turn."""
    await empty(store)
    scene: Scene = await two_cases(store, files)
    await scene.case(SECOND_NORTH, "north")
    await scene.media("o", SECOND_NORTH, faces=["o1", "o2"])
    await scene.group("group", SECOND_NORTH, "o1", "o2")
    links = [await scene.link("n1", name) for name in ("o1", "o2", "s1")] + await pairs(scene, 5)
    # The only way to this case: of several as short ones the graph takes any.
    await scene.case(THIRD_NORTH, "north")
    await scene.media("u", THIRD_NORTH, faces=["u1"])
    links.append(await scene.link("n2", "u1"))
    for number, link_id in enumerate(links):
        score, band = scores[number % len(scores)]
        await change(store, SET_SCORE, link_id=link_id, score=score, band=band)
    await scene.depicts("n1", "local:child")
    question = Question(NORTH, "identification", "test", "register")
    search_id = await ask_with_faces(access_of(store, ANNA, NOW, "test"), question, [scene.faces["n1"]])
    found = zip(("o1", "o2", "s1", "u1"), (score for score, _ in scores), strict=True)
    await scene.answer(search_id, sorted(found, key=lambda item: -item[1]), "n1")
    await change(store, LISTED, a=scene.faces["n1"], b=scene.faces["o2"])
    names = {
        "case_id": NORTH,
        "face_id": scene.faces["n1"],
        "link_id": links[2],
        "media_id": await scene.media("n", NORTH, faces=["n1", "n2"]),
        "victim_id": "local:child",
        "to": THIRD_NORTH,
        "other_case_id": SOUTH,
        "secret": "none",
        "search_id": search_id,
        "pair.face_id": scene.faces["o2"],
        "similar_pair.face_id": scene.faces["o2"],
        "probe": scene.faces["n1"],
    }
    return PageScene(scene, names)


async def shown(pages: Pages, scene: PageScene) -> Mapping[tuple[str, str], str]:
    """Every page that an investigator and a supervisor may open, as they see it, without what is made anew."""
    found: dict[tuple[str, str], str] = {}
    for person in (ANNA, SUE):
        client = await pages(person)
        for address in scene.addresses():
            answer = await client.get(address.path)
            if answer.is_success and answer.headers.get("content-type", "").startswith("text/html"):
                found[person.actor, address.route] = MADE_ANEW.sub("", answer.text)
    return found


async def test_pages_are_the_same_with_other_scores(
    pages: Pages, store: Store, files: MediaStore, subtests: pytest.Subtests, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The order of claimed items is drawn by a seed of each page.
    monkeypatch.setattr(review_items, "ids", SimpleNamespace(new_id=lambda: "seed"))
    scene = await filled(store, files, SCORES)
    one = await shown(pages, scene)
    other = await shown(pages, await filled(store, files, SCORES[::-1]))
    assert 'data-side="right"' in one[ANNA.actor, "review"]
    compared = {route for _, route in one}
    assert {address.route for address in scene.addresses()} - compared == NOT_OF_THEM, "a page is compared with itself"
    for page, text in one.items():
        with subtests.test(page=page):
            assert other[page] == text
            assert page[1] == "agreement" or not any(band in text for _, band in SCORES)
