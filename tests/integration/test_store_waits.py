"""The graph's connection waits for a database that is slow, and not for one that is silent (tests/unit/graph)."""

import asyncio
from typing import Any

import pytest

from graph.store.session import Store, Tx

pytestmark = pytest.mark.anyio
SILENT_S = 2.0
"""So long, twice in the test, the database has for saying that it is there."""


async def test_a_transaction_that_takes_longer_than_a_silent_database_may_is_waited_for(stack: Any) -> None:
    async def slow(tx: Tx) -> int:
        await asyncio.sleep(2.5 * SILENT_S)
        row = await tx.one("RETURN 1 AS number")
        assert row is not None
        return row["number"]

    async with Store(*stack.neo4j, silent_s=SILENT_S) as store:
        assert await asyncio.gather(store.read(slow), store.write(slow)) == [1, 1]
