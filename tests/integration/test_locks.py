"""What waits for a lock decides on what is true once it has it."""

import asyncio
from typing import Any, LiteralString

import pytest

from graph.actions.link.cursor import LOG
from graph.domain import ids
from graph.store.queries import ingest, review
from graph.store.session import Row, Store, Tx
from tests.support.factories import MODEL, NOW, Scene
from tests.support.graph_contents import has_waiting
from tests.support.harness import until

pytestmark = pytest.mark.anyio


async def first_then(store: Store, first: LiteralString, values: Row, then: LiteralString, waiting: Row) -> list[Row]:
    """Runs `then` while `first` holds its locks and has not committed; what `then` returned."""
    holds, may_commit = asyncio.Event(), asyncio.Event()

    async def hold(tx: Tx) -> None:
        await tx.do(first, **values)
        holds.set()
        await may_commit.wait()

    holder = asyncio.create_task(store.write(hold))
    await asyncio.wait({holder, asyncio.create_task(holds.wait())}, return_when=asyncio.FIRST_COMPLETED)
    if holder.done():
        await holder  # raises what kept it from its locks
    waiter = asyncio.create_task(store.write(lambda tx: tx.rows(then, **waiting)))

    async def decided() -> bool:
        return waiter.done() or await has_waiting(store)

    await until(decided, "the second statement waits for the lock")
    assert not waiter.done(), "the second statement did not wait for the lock"
    may_commit.set()
    await holder
    return await waiter


async def test_a_refresh_that_waited_for_a_verdict_changes_nothing(store: Store, scene: Scene) -> None:
    """Symptom: a dismissed link was a lead of version 0 again.

    Cause: `SET r.version = r.version` reads the version before it has the lock, and writes the old one back.
    """
    link_id = await scene.link("n1", "s1")
    a, b = ids.ordered(scene.faces["n1"], scene.faces["s1"])
    row: dict[str, Any] = {
        "link_id": link_id,
        "state": "dismissed",
        "version": 1,
        "verdict_id": "verdict",
        "decision": "dismissed",
        "reasons": [],
        "text": "",
        "state_then": "candidate",
        "supersedes": None,
        "undoes": None,
        "standing": "verdict",
        "confirmed_at": None,
        "confirmed_by": None,
    }
    verdict: dict[str, Any] = {
        "act_id": "act",
        "kind": "verdict",
        "by": "anna",
        "role": None,
        "district": None,
        "at": NOW.isoformat(),
        "undoes": None,
        "rows": [row],
    }
    refreshed = {
        "link_id": link_id,
        "a": a,
        "b": b,
        "state": "lead",
        "score": 0.37,
        "band": "",
        "model_id": MODEL,
        "threshold": 0.4,
    }

    await first_then(store, review.WRITE_ACT, verdict, ingest.MERGE_LINKS, {"rows": [refreshed], "now": "later"})

    [row] = await store.read(
        lambda tx: tx.rows("MATCH ()-[r:CANDIDATE {link_id: $id}]->() RETURN r.state AS s, r.version AS v", id=link_id)
    )
    assert row == {"s": "dismissed", "v": 1}


async def test_a_cursor_move_that_waited_for_a_new_epoch_is_refused(store: Store) -> None:
    """Symptom: a link worker that had been replaced went on writing, and took the new worker's epoch back."""
    before = await store.read(lambda tx: tx.one(ingest.CURSOR, log=LOG))
    assert before is not None
    raising = {"log": LOG, "log_id": "kafka", "model_id": MODEL}
    moving = {"log": LOG, "epoch": before["epoch"], "last": 5, "ce_id": "", "digest": ""}

    moved = await first_then(store, ingest.RAISE_EPOCH, raising, ingest.MOVE_CURSOR, moving)

    after = await store.read(lambda tx: tx.one(ingest.CURSOR, log=LOG))
    assert moved == []
    assert after == {
        "offset": before["offset"],
        "epoch": before["epoch"] + 1,
        "log_id": "kafka",
        "model_id": MODEL,
        "model_since": -1,
        "score_id": None,
        "ce_id": None,
        "digest": None,
        "broken": None,
    }
