"""A link that was left unsure comes back when one of its two people has another face, and not for a new name."""

from datetime import datetime, timedelta

import pytest

from graph.actions.decide.decision import Judgement
from graph.actions.decide.verdicts import do_verdict
from graph.actions.link import commit
from graph.actions.link.writes import GraphWrites
from graph.actions.read.queue import read_queue
from graph.actions.victims import renamed
from graph.domain.link import Decision
from graph.domain.queue import Filters
from graph.store.session import Store
from tests.support.access import access_of
from tests.support.factories import ANNA, NORTH, NOW, Scene, every_face

pytestmark = pytest.mark.anyio
NAMES = "MATCH (:Face)-[:DEPICTS {basis: 'confirmed'}]->(v:Victim) RETURN DISTINCT v.victim_id AS name"


def after(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


async def judge(store: Store, link_id: str, decision: Decision, now: datetime) -> None:
    said = Judgement(link_id, 0, decision, ("ears",), "", await every_face(store))
    await do_verdict(access_of(store, ANNA, now), said)


async def waits(store: Store, link_id: str) -> bool:
    access = access_of(store, ANNA, after(60), "victim identification")
    page = await read_queue(access, Filters(), limit=50, after=None)
    return link_id in {link.link_id for queued in page.items for link in queued.links}


async def declare(store: Store, offset: int, face_id: str, victim_id: str, now: datetime) -> None:
    """A case system says whom a face shows, as link writes it."""
    changes = GraphWrites(offset, offset)
    changes.victims.append({"victim_id": victim_id, "label": None, "version": 0})
    changes.depicts.append({"face_id": face_id, "victim_id": victim_id, "declared_by": "local"})
    await commit.commit(store, 0, changes, now=now)


async def test_a_victim_that_is_only_renamed_brings_nothing_back(store: Store, scene: Scene) -> None:
    """Symptom: when a case system registered a victim, every unsure link of its faces was asked about once more.

    Cause: the faces' edges to the victim were made anew under the new name, with the time of that.
    """
    await scene.media("p", NORTH, faces=["p1"])
    await scene.media("q", NORTH, faces=["q1"])
    await judge(store, await scene.link("p1", "q1"), Decision.CONFIRMED, NOW)
    link_id = await scene.link("p1", "s1")
    await judge(store, link_id, Decision.UNSURE, after(1))

    await declare(store, 0, scene.faces["q1"], "r1", after(2))

    assert await store.read(lambda tx: tx.rows(NAMES)) == [{"name": "r1"}]
    assert not await waits(store, link_id)
    await declare(store, 1, scene.faces["t1"], "r1", after(3))
    assert await waits(store, link_id)


async def test_two_victims_that_become_one_have_both_gained(store: Store, scene: Scene) -> None:
    for name in "pqrs":
        await scene.media(f"{name}-picture", NORTH, faces=[f"{name}2"])
    await judge(store, await scene.link("p2", "q2"), Decision.CONFIRMED, NOW)
    await judge(store, await scene.link("r2", "s2"), Decision.CONFIRMED, NOW)
    unsure = [await scene.link("p2", "s1"), await scene.link("r2", "t1")]
    for link_id in unsure:
        await judge(store, link_id, Decision.UNSURE, after(1))
    assert [await waits(store, link_id) for link_id in unsure] == [False, False]

    await judge(store, await scene.link("q2", "r2"), Decision.CONFIRMED, after(2))

    assert [await waits(store, link_id) for link_id in unsure] == [True, True]


def test_a_victim_has_one_past() -> None:
    stored = {"a": "old", "b": "old", "c": "other", "d": "there"}
    assert renamed(stored, {"a": "new", "b": "new"}) == {"a", "b"}
    assert renamed(stored, {"a": "new", "b": "new", "c": "new", "e": "new"}) == {"a", "b"}
    assert renamed(stored, {"a": "there", "b": "there"}) == set()
    assert renamed(stored, {"a": None, "b": "new"}) == {"b"}
