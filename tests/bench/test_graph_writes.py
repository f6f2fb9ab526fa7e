"""The bench of graph writes writes the same graph twice, once by link's commit and once by the driver alone."""

from typing import Any

import pytest

from graph.actions.link import commit
from graph.actions.link.cursor import raise_epoch
from graph.store.queries import ingest as queries
from graph.store.queries import relay
from graph.store.session import Store, Tx
from streams.settings import Addresses
from tests.bench.graph_writes import run
from tests.bench.graph_writes.drawn import MODEL_ID, Drawn
from tests.bench.graph_writes.run import BATCHES, measure_graph_writes
from tests.support.factories import NOW

pytestmark = pytest.mark.anyio

OF_A_WORLD = """
MATCH (c:Case) WHERE c.case_id STARTS WITH $cases
WITH count(c) AS cases
MATCH (c:Case)<-[i:IN_CASE]-(m:Media)<-[:SEEN_IN]-(f:Face)<-[:OF]-(e:Embedding)
WHERE c.case_id STARTS WITH $cases AND i.urgency = 'routine' AND e.vector IS NOT NULL
WITH cases, collect(f) AS faces, count(DISTINCT m) AS media
RETURN cases, media, size(faces) AS faces,
       COUNT { UNWIND faces AS f MATCH (f)-[r:CANDIDATE {version: 0}]->() WHERE r.score > 0.5 } AS links,
       COUNT { UNWIND faces AS f MATCH (f)-[:COMPARED_IN]->(k:Comparison) WHERE k.threshold > 0 } AS comparisons,
       COUNT { UNWIND faces AS f MATCH (f)-[:IN_GROUP]->() } AS grouped,
       COUNT { UNWIND faces AS f WITH f WHERE f.more_similar IS NOT NULL RETURN f } AS counted
"""
RECORDED = """
RETURN COUNT { (n:Notice) WHERE n.source = $source } AS notices,
       COUNT { (o:Outbox) WHERE o.source = $source } AS outbox
"""


async def test_both_ways_write_the_same_rows(stack: Addresses, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "WARM_UP", 10)

    found = await measure_graph_writes(stack, 60, 2, 1)

    worlds = [
        {
            **(await store.read(lambda tx, name=name: tx.one(OF_A_WORLD, cases=f"local:{name}-")) or {}),
            **(await store.read(lambda tx, name=name: tx.one(RECORDED, source=name)) or {}),
        }
        for name in ("ours", "bare")
    ]
    assert worlds[0] == worlds[1]
    pictures = len(BATCHES) * (10 + 60)
    assert (worlds[0]["media"], worlds[0]["notices"], worlds[0]["outbox"]) == (pictures, pictures, pictures)
    assert worlds[0]["links"] > pictures / 2 and worlds[0]["grouped"] > 0
    for size in BATCHES:
        told = found[f"batch_{size}"]
        assert told["rows"] > 60 * 8
        assert told["ours_vs_bare"] == pytest.approx(told["ours"]["rows_per_s"] / told["bare"]["rows_per_s"], rel=0.01)


async def test_a_new_picture_asks_for_nothing_that_only_known_events_have(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Symptom: a stream of single pictures reached 0.6 of the bare driver. Cause: 21 statements a commit, most of them
    without anything to find."""
    asked: list[str] = []
    rows = Tx.rows

    async def noted(tx: Tx, query: Any, **values: Any) -> Any:
        asked.append(query)
        return await rows(tx, query, **values)

    epoch = (await raise_epoch(store, "log", MODEL_ID)).epoch
    monkeypatch.setattr(Tx, "rows", noted)
    monkeypatch.setattr(Tx, "do", noted)

    for plan in Drawn("new", 1).batches(4, 1):
        await commit.commit(store, epoch, plan.changes, now=NOW, known_offset=plan.changes.first - 1)

    assert asked.count(queries.EVENTS_AT) == asked.count(queries.MOVE_CURSOR) == 4
    assert queries.LATEST_NOTICES not in asked and relay.RESOLVE_QUARANTINED not in asked
    assert len(asked) <= 4 * 13
