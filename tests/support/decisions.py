"""Decisions as tests make them, and what they leave in the graph and the outbox."""

import json
from typing import Any

from graph.actions.decide import verdicts
from graph.actions.decide.decision import Judgement, Seen
from graph.domain.link import Decision, SecondDecision
from graph.domain.people import Person, Role
from graph.domain.visibility import VisibleLink
from graph.store.session import Store
from tests.support.access import access_of
from tests.support.factories import ANNA, NOW, SUE, Scene, every_face

WHO_LEFT = Person("wes@west", frozenset({Role.INVESTIGATOR, Role.SUPERVISOR}), "west")


YES, NO = Decision.CONFIRMED, Decision.DISMISSED


async def judge(
    store: Store, link_id: str, decision: Decision = YES, *, version: int = 0, by: Person = ANNA
) -> VisibleLink:
    said = Judgement(link_id, version, decision, ("ears",), "", await every_face(store))
    return await verdicts.do_verdict(access_of(store, by, NOW), said)


async def approve(
    store: Store, link_id: str, version: int = 1, by: Person = SUE, *, returned: bool = False
) -> VisibleLink:
    decision = SecondDecision.RETURNED if returned else SecondDecision.APPROVED
    return await verdicts.do_approval(
        access_of(store, by, NOW), Seen(link_id, version), decision, "look at the ears", faces=await every_face(store)
    )


async def reopen(store: Store, link_id: str, version: int, by: Person = ANNA) -> VisibleLink:
    return await verdicts.do_reopening(access_of(store, by, NOW), Seen(link_id, version), "a mistake")


async def victims_of(scene: Scene) -> dict[str, str]:
    """The victim of each face by the name that the test gave it."""
    rows = await scene.store.read(
        lambda tx: tx.rows(
            "MATCH (f:Face)-[:DEPICTS {basis: 'confirmed'}]->(v:Victim) RETURN f.face_id AS f, v.victim_id AS v"
        )
    )
    names = {face: called for called, face in scene.faces.items()}
    found = {names[row["f"]]: row["v"] for row in rows}
    assert len(found) == len(rows), "a face has two victims"
    return found


async def decision_notices(store: Store) -> list[dict[str, Any]]:
    rows = await store.read(lambda tx: tx.rows("MATCH (o:Outbox {kind: 'notice'}) RETURN o ORDER BY o.seq"))
    return [{"source": row["o"]["source"], **json.loads(row["o"]["body"])} for row in rows]


async def outbox(store: Store, kind: str) -> list[dict[str, Any]]:
    query = "MATCH (o:Outbox {kind: $kind}) RETURN o.body AS body ORDER BY o.seq"
    return [json.loads(row["body"]) for row in await store.read(lambda tx: tx.rows(query, kind=kind))]


async def declare(store: Store, scene: Scene, called: str, victim_id: str) -> None:
    query = (
        "MATCH (f:Face {face_id: $face}) MERGE (v:Victim {victim_id: $victim}) SET v.registered = true "
        "MERGE (f)-[:DEPICTS {basis: 'declared', declared_by: 'source'}]->(v)"
    )
    await store.write(lambda tx: tx.do(query, face=scene.faces[called], victim=victim_id))
