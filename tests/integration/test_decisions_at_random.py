"""Random histories of many people who act at once, on the real graph, against a plain computation from scratch.

A drawn history is a list of rounds; in each up to eight people act at the same time. Whatever interleaving the database
makes of it: states, victims and pending links are those that follow from the acts that were kept, no act is lost or
doubled, and the audit chain is whole. REDTHREAD_TEST_HISTORIES sets how many histories are drawn.
"""

import asyncio
import os
from collections import defaultdict
from datetime import UTC, datetime
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from graph.actions.decide import acts, contact_sheet
from graph.actions.decide import verdicts as decide
from graph.actions.decide.contact_sheet import SheetJudgement
from graph.actions.decide.decision import Judgement, Seen
from graph.actions.read.links import find_link
from graph.domain import audit
from graph.domain.errors import Conflict, Forbidden, Invalid, NotFound
from graph.domain.link import Decision, SecondDecision
from graph.domain.people import Person, Role
from graph.store.migrate import migrate
from graph.store.session import Store
from tests.integration.conftest import entries
from tests.support import reference_victims as reference
from tests.support.access import access_of
from tests.support.factories import Scene
from tests.support.graph_contents import empty
from tests.support.observer import answers, change_what_is_hidden

HISTORIES = int(os.environ.get("REDTHREAD_TEST_HISTORIES", "4"))
PEOPLE = [
    Person(f"{name}@{district}", frozenset({Role.INVESTIGATOR, Role.SUPERVISOR}), district)
    for district in ("north", "south")
    for name in ("ann", "bob", "cleo", "dan")
]
PROCESSES = 4
"""A process lets two of its writers to the database at once: of four, all eight people are there."""
FACES = ["a1", "a2", "b1", "c1", "d1", "e1", "f1"]
LINKS = [
    ("a1", "b1"),
    ("b1", "c1"),
    ("c1", "d1"),
    ("a2", "c1"),
    ("a2", "d1"),
    ("d1", "e1"),
    ("e1", "f1"),
    ("a1", "c1"),
    ("b1", "f1"),
    ("a1", "a2"),
    ("c1", "e1"),
]

one_act = st.tuples(
    st.integers(0, len(PEOPLE) - 1),
    st.sampled_from(
        ["confirm", "confirm", "confirm", "dismiss", "unsure", "approve", "return", "reopen", "act", "undo"]
    ),
    st.integers(0, len(LINKS) - 1),
    st.integers(0, len(LINKS) - 1),
)
histories = st.lists(st.lists(one_act, min_size=1, max_size=8), min_size=3, max_size=7)


async def build(store: Store) -> tuple[Scene, list[str]]:
    await empty(store)
    scene = Scene(store, None)
    await scene.case("north:1", "north")
    await scene.case("south:1", "south")
    for name in "abcdef":
        faces = [face for face in FACES if face[0] == name]
        await scene.media(name, "north:1" if name in "acd" else "south:1", faces=faces)
    query = (
        "UNWIND $rows AS row MATCH (f:Face {face_id: row.face}) MERGE (v:Victim {victim_id: row.victim}) "
        "SET v.registered = true MERGE (f)-[:DEPICTS {basis: 'declared'}]->(v)"
    )
    rows = [{"face": scene.faces["a1"], "victim": "r2"}, {"face": scene.faces["e1"], "victim": "r1"}]
    await store.write(lambda tx: tx.do(query, rows=rows))
    return scene, [await scene.link(a, b) for a, b in LINKS]


async def act(store: Store, links: list[str], drawn: tuple[int, str, int, int]) -> bool:
    """Whether the act was taken; it acts on what stands when it looks, as a person does."""
    who, what, first, second = PEOPLE[drawn[0]], drawn[1], links[drawn[2]], links[drawn[3]]
    now = datetime.now(UTC)
    query = (
        "UNWIND $links AS id MATCH ()-[r:CANDIDATE {link_id: id}]->() "
        "OPTIONAL MATCH (v:Verdict {verdict_id: r.standing})<-[:WROTE]-(x:Act) "
        "RETURN id, r.version AS version, x.act_id AS act"
    )
    rows = await store.read(lambda tx: tx.rows(query, links=[first, second]))
    seen = {row["id"]: Seen(row["id"], row["version"]) for row in rows}
    acts_of = {row["id"]: row["act"] for row in rows}
    verdicts = {"confirm": Decision.CONFIRMED, "dismiss": Decision.DISMISSED, "unsure": Decision.UNSURE}
    try:
        faces = (await store.read(lambda tx: find_link(tx, first, viewer=who))).face_ids
        if what in verdicts:
            said = Judgement(first, seen[first].version, verdicts[what], ("ears",), "", faces)
            await decide.do_verdict(access_of(store, who, now), said)
        elif what in ("approve", "return"):
            decision = SecondDecision.APPROVED if what == "approve" else SecondDecision.RETURNED
            await decide.do_approval(access_of(store, who, now), seen[first], decision, "why", faces=faces)
        elif what == "reopen":
            await decide.do_reopening(access_of(store, who, now), seen[first], "why")
        elif what == "act":
            faces += (await store.read(lambda tx: find_link(tx, second, viewer=who))).face_ids
            said = SheetJudgement(tuple(seen.values()), Decision.CONFIRMED, ("ears",), "", faces=faces)
            await contact_sheet.do_act(access_of(store, who, now), said)
        elif acts_of[first] is not None:
            await acts.do_act_reopening(access_of(store, who, now), acts_of[first], "why")
        else:
            return False
    except (Conflict, Forbidden, Invalid, NotFound):
        return False
    return True


async def check(store: Store, scene: Scene, taken: int) -> None:
    async def read(query: str) -> list[dict[str, Any]]:
        return await store.read(lambda tx: tx.rows(query))  # type: ignore[arg-type]

    written = await read(
        "MATCH (x:Act)-[:WROTE]->(v:Verdict) RETURN v.link_id AS link, v.decision AS decision, x.at AS at, "
        "v.state_then AS state_then, v.version AS version, x.act_id AS act ORDER BY v.version"
    )
    versions: defaultdict[str, list[int]] = defaultdict(list)
    said: defaultdict[str, list[reference.HistoryEntry]] = defaultdict(list)
    for row in written:
        said[row["link"]].append(reference.HistoryEntry(row["decision"], row["at"], row["state_then"]))
        versions[row["link"]].append(row["version"])
    assert len({row["act"] for row in written}) == taken, "an act was lost or doubled"
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in versions.values())

    links = await read(
        "MATCH (a:Face)-[r:CANDIDATE]->(b:Face) RETURN r.link_id AS id, a.face_id AS a, b.face_id AS b, "
        "r.state AS state, coalesce(r.pending, false) AS pending, r.version AS version"
    )
    for link in links:
        assert link["state"] == reference.state_after("candidate", said[link["id"]])[0]
        assert link["version"] == len(said[link["id"]])
    faces: dict[str, list[str]] = {face: [] for face in scene.faces.values()}
    faces[scene.faces["a1"]], faces[scene.faces["e1"]] = ["r2"], ["r1"]
    pairs = {link["id"]: (link["a"], link["b"]) for link in links}
    expected, pending = reference.victims(faces, pairs, said)
    assert {link["id"] for link in links if link["pending"]} == pending
    stored = await read(
        "MATCH (f:Face)-[d:DEPICTS]->(v:Victim) RETURN f.face_id AS f, d.basis AS basis, v.victim_id AS v "
        "ORDER BY d.basis DESC"
    )
    victims = {row["f"]: row["v"] for row in stored}  # 'declared' first, then 'confirmed' names it
    assert victims == expected
    of_victim: defaultdict[str, set[str]] = defaultdict(set)
    for face, name in victims.items():
        of_victim[name].add(face)
    one_frame = {scene.faces["a1"], scene.faces["a2"]}
    assert not any(one_frame <= members for members in of_victim.values()), "two faces of a picture are one victim"
    for link in links:
        if link["state"] == "dismissed":
            assert victims.get(link["a"], "a") != victims.get(link["b"], "b"), "a dismissed pair is one victim"
    chain = await entries(store)
    assert audit.first_fault(chain) is None
    assert len(chain) == taken


def test_whatever_many_people_do_at_once_everything_follows_from_what_they_said(stack: Any) -> None:
    with asyncio.Runner() as runner:
        stores = [runner.run(_opened(stack)) for _ in range(PROCESSES)]
        try:

            @settings(
                max_examples=HISTORIES,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate],  # threads of a real database do not repeat themselves: no shrinking
                derandomize="REDTHREAD_TEST_HISTORIES" not in os.environ,
            )
            @given(histories)
            def history(rounds: list[list[tuple[int, str, int, int]]]) -> None:
                runner.run(play(stores, rounds))

            history()
        finally:
            for store in stores:
                runner.run(store.close())


async def _opened(stack: Any) -> Store:
    store = Store(*stack.neo4j)
    await migrate(store)
    return store


async def play(stores: list[Store], rounds: list[list[tuple[int, str, int, int]]]) -> None:
    scene, links = await build(stores[0])
    taken = 0
    for at_once in rounds:
        # All end before one's failure is raised: nobody acts on while the next history begins.
        ended = await asyncio.gather(
            *(act(stores[drawn[0] % PROCESSES], links, drawn) for drawn in at_once), return_exceptions=True
        )
        for outcome in ended:
            if isinstance(outcome, BaseException):
                raise outcome
            taken += outcome
    await check(stores[0], scene, taken)
    await observe(stores[0], len(rounds))


async def observe(store: Store, seed: int) -> None:
    """One of each district reads all that there is; what they may not see is changed, and they read the same."""
    for person in (PEOPLE[seed % 4], PEOPLE[4 + seed % 4]):
        before = await answers(store, person)
        assert await change_what_is_hidden(store, person, Random(seed)) > 0
        assert await answers(store, person) == before, person.actor
