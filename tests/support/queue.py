"""The queue as tests fill, read and claim it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from graph.actions.decide.decision import Judgement
from graph.actions.decide.verdicts import do_verdict
from graph.actions.read.claims import do_claim
from graph.actions.read.queue import read_queue
from graph.actions.read.queue_items import QueueItem
from graph.domain.link import Decision
from graph.domain.people import Person
from graph.domain.queue import Filters
from graph.paging import Page
from graph.store.session import Store
from tests.support.access import access_of
from tests.support.factories import ANNA, NORTH, NOW, SOUTH, Scene, every_face

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
