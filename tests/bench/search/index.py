"""Neo4j's own vector index on the vectors that our gallery compares: how long a search takes, and what it misses."""

import asyncio
import time
from typing import Any, Final

import numpy as np

from graph.store.session import Store
from tests.bench.search import cypher as queries
from tests.bench.search.draw import Vectors

FACES: Final = 50_000
"""Vectors in the index: it takes minutes to build for a million."""
NEAREST: Final = 10
ROWS_A_WRITE: Final = 2000
ROUNDS: Final = 5
POLL_S: Final = 0.5


async def measure_index(store: Store, stored: Vectors, asked: Vectors) -> dict[str, Any]:
    """Recall of the nearest 10 by cosine, against brute force in float64, and the least milliseconds a query."""
    started = time.perf_counter()
    for start in range(0, len(stored), ROWS_A_WRITE):
        some = stored[start : start + ROWS_A_WRITE].tolist()
        rows = [{"number": number, "vector": vector} for number, vector in enumerate(some, start)]
        await store.write(lambda tx, rows=rows: tx.do(queries.WRITE_PROBES, rows=rows))
    await store.statement(queries.CREATE_INDEX)
    while not await _is_built(store):  # noqa: ASYNC110 (the database tells nobody)
        await asyncio.sleep(POLL_S)
    built, vectors, took = time.perf_counter() - started, asked.tolist(), list[float]()
    found: list[dict[str, Any]] = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        found = await store.read(lambda tx: tx.rows(queries.NEAREST, vectors=vectors, most=NEAREST))
        took.append(time.perf_counter() - started)
    nearest = _nearest(stored, asked)
    shared = sum(number in nearest[row["query"]] for row in found for number in row["found"])
    return {
        "faces": len(stored),
        "recall_at_10": shared / (NEAREST * len(asked)),
        "ms_a_query": min(took) / len(asked) * 1e3,
        "built_in_seconds": built,
    }


async def _is_built(store: Store) -> bool:
    """Not by db.awaitIndexes: the servers end a transaction after 30 seconds."""
    rows = await store.read(lambda tx: tx.rows(queries.STATE))
    return [row["state"] for row in rows] == ["ONLINE"]


def _nearest(stored: Vectors, asked: Vectors) -> list[set[int]]:
    rows, wanted = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (stored.astype(float), asked))
    return [set(row) for row in np.argpartition(-(wanted @ rows.T), NEAREST, axis=1)[:, :NEAREST].tolist()]
