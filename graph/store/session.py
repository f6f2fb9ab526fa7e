"""The one user of the Neo4j driver: units of work with retries, and driver errors mapped into ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from types import TracebackType
from typing import Any, Final, LiteralString, Self, TypeVar

from neo4j import AsyncDriver, AsyncGraphDatabase, AsyncManagedTransaction, NotificationMinimumSeverity
from neo4j.exceptions import ConstraintError, DriverError, Neo4jError

from graph.domain.errors import RedthreadError, StoreUnavailable
from graph.paging import chunks

Row = dict[str, Any]
T = TypeVar("T")
REFUSALS: Final = ("Neo.ClientError.Statement.", "Neo.ClientError.Schema.")
"""Codes of what is wrong with a statement or its values, and stays wrong."""
FAILURES: Final = "Neo.DatabaseError.Statement."
READS_AT_ONCE: Final = 8
"""Reading transactions of one process at once: more only share the same cores, and then every one is late."""
WRITES_AT_ONCE: Final = 2
"""Writing ones: all that decide wait for the audit's head, one at work and one at the lock keep the database busy.

Who waits for a lock in Neo4j polls for it, and any later one may pass; here the first to come is served first.
"""


class StatementFailed(StoreUnavailable):
    """Neo4j answers and failed at a statement: for want of memory or space, or for a value that no index can hold."""


class StoreRefused(RedthreadError):
    """Neo4j understood a statement and refused it: a defect or a bad row, which no retry helps."""

    code = "store_refused"


class Tx:
    """One transaction; every statement is a constant of `graph.store.queries`."""

    def __init__(self, inner: AsyncManagedTransaction) -> None:
        self._inner = inner

    async def rows(self, query: LiteralString, **values: Any) -> list[Row]:
        """All rows of a statement, each a dict by column name; none returns a node, a relationship or a path.

        `result.data()` would look through every value for those: a third of the time of a long list.
        """
        result = await self._inner.run(query, values)
        names = result.keys()
        return [dict(zip(names, tuple[Any, ...](record), strict=True)) async for record in result]

    async def listed(self, query: LiteralString, **values: Any) -> list[Row]:
        """The rows of a statement that answers with one list, `rows`, of them: many rows cost more on their way."""
        found = await self.one(query, **values)
        return found["rows"] if found else []

    async def one(self, query: LiteralString, **values: Any) -> Row | None:
        """The first row of a statement, or None."""
        found = await self.rows(query, **values)
        return found[0] if found else None

    async def do(self, query: LiteralString, **values: Any) -> None:
        """Runs a statement to its end and drops what it returns."""
        result = await self._inner.run(query, values)
        await result.consume()

    async def do_rows(self, query: LiteralString, rows: Collection[Any], **values: Any) -> None:
        """Runs a statement that takes `$rows` over all rows, in chunks; not at all without rows."""
        for chunk in chunks(rows):
            await self.do(query, rows=chunk, **values)


class Store:
    """A pool of connections to one database; build it inside the running loop, close it there."""

    def __init__(self, uri: str, user: str, password: str, *, database: str = "neo4j") -> None:
        self._database = database
        self._reading, self._writing = asyncio.Semaphore(READS_AT_ONCE), asyncio.Semaphore(WRITES_AT_ONCE)
        self._driver: AsyncDriver = AsyncGraphDatabase.driver(
            uri,
            auth=(user, password),
            notifications_min_severity=NotificationMinimumSeverity.OFF,
            connection_acquisition_timeout=30,
            max_transaction_retry_time=15,
            # The driver's own is a second: one deadlock, soon over, would be felt by whoever waits.
            initial_retry_delay=0.05,
            telemetry_disabled=True,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._driver.close()

    async def ping(self) -> None:
        """Returns when the database answers; StoreUnavailable where it does not."""
        await _mapped(self._driver.verify_connectivity())

    async def read(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        """What `work` returns, read in one transaction; it may be run again after a transient failure."""

        async def once() -> T:
            async with (
                self._reading,
                self._driver.session(database=self._database, default_access_mode="READ") as session,
            ):
                return await session.execute_read(lambda inner: work(Tx(inner)))

        return await _mapped(once())

    async def write(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        """What `work` returns, committed in one transaction.

        It may be run again after a transient failure, so it changes nothing outside the graph. Two first writers of
        one key make the driver report a constraint violation, which it does not retry: it is run once more here.
        A cancelled caller does not cut the commit short.
        """

        async def once() -> T:
            async with self._writing, self._driver.session(database=self._database) as session:
                return await session.execute_write(lambda inner: work(Tx(inner)))

        async def twice() -> T:
            try:
                return await once()
            except ConstraintError:
                return await once()

        return await asyncio.shield(_mapped(twice()))

    async def pages(
        self, query: LiteralString, size: int, place: Callable[[Row], Any], *, first: Any = "", **values: Any
    ) -> AsyncIterator[list[Row]]:
        """All rows of a statement that takes `$after` and `$limit`, in pages, each read in a transaction of its own.

        `place` is the value that `$after` has for the rows behind a row; the first page is behind `first`.
        """
        after = first
        while True:
            page = await self.read(lambda tx, after=after: tx.rows(query, after=after, limit=size, **values))
            if page:
                yield page
            if len(page) < size:
                return
            after = place(page[-1])

    async def statement(self, query: LiteralString) -> None:
        """Runs one statement of a migration in a transaction of its own."""

        async def once() -> None:
            async with self._driver.session(database=self._database) as session:
                result = await session.run(query)
                await result.consume()

        await _mapped(once())


async def _mapped(work: Awaitable[T]) -> T:
    """Awaits `work` with the driver's errors told as ours; their texts can quote values, so only codes go on."""
    try:
        return await work
    except Neo4jError as error:
        code = error.code or ""
        if code.startswith(REFUSALS):
            raise StoreRefused(f"Neo4j refused a statement ({code})") from None
        # Timeouts, a full disk, a stop in mid-transaction, a wrong password: nothing is wrong with the statement.
        kind = StatementFailed if code.startswith(FAILURES) else StoreUnavailable
        raise kind(f"Neo4j does not answer as it should ({code})") from None
    except (OverflowError, UnicodeError) as error:
        raise StoreRefused(f"a value that Neo4j can't hold ({type(error).__name__})") from None
    except (DriverError, OSError) as error:
        raise StoreUnavailable(f"Neo4j does not answer as it should ({type(error).__name__})") from None
