"""The only user of the Neo4j driver: units of work with retries, and driver errors mapped to ours."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine
from typing import Any, Final, LiteralString, Self, TypeVar

from neo4j import AsyncDriver, AsyncGraphDatabase, AsyncManagedTransaction, NotificationMinimumSeverity
from neo4j.exceptions import ConstraintError, DriverError, Neo4jError

from graph.domain.errors import RedthreadError, StoreUnavailable
from graph.paging import chunks

Row = dict[str, Any]
T = TypeVar("T")
REFUSALS: Final = ("Neo.ClientError.Statement.", "Neo.ClientError.Schema.")
"""Code prefixes of errors in a statement or its values, which a retry repeats."""
FAILURES: Final = "Neo.DatabaseError.Statement."
READS_AT_ONCE: Final = 8
"""Concurrent reading transactions of one process: more share the same cores, and all become slow."""
WRITES_AT_ONCE: Final = 2
"""Concurrent writing transactions: they wait for the audit head, so one at work and one at the lock are enough.

Neo4j's waiters poll for a lock, so a later one may overtake; this semaphore serves them in order.
"""


class StatementFailed(StoreUnavailable):
    """Neo4j failed to run a statement: it lacks memory or space, or no index can hold a value."""


class StoreRefused(RedthreadError):
    """Neo4j refused a statement: a defect or a bad row, which a retry repeats."""

    code = "store_refused"


class Tx:
    """One transaction; every statement is a constant of `graph.store.queries`."""

    def __init__(self, inner: AsyncManagedTransaction) -> None:
        self._inner = inner

    async def rows(self, query: LiteralString, **values: Any) -> list[Row]:
        """All rows of a statement, each a dict by column name. No statement returns a node, relationship or path.

        `result.data()` would search every value for those, which takes a third of the time of a long list.
        """
        result = await self._inner.run(query, values)
        names = result.keys()
        return [dict(zip(names, tuple[Any, ...](record), strict=True)) async for record in result]

    async def listed(self, query: LiteralString, **values: Any) -> list[Row]:
        """The rows of a statement that returns them as one list `rows`, which is cheaper to transfer than many rows."""
        found = await self.one(query, **values)
        return found["rows"] if found else []

    async def one(self, query: LiteralString, **values: Any) -> Row | None:
        """The first row of a statement, or None."""
        found = await self.rows(query, **values)
        return found[0] if found else None

    async def do(self, query: LiteralString, **values: Any) -> None:
        """Runs a statement to its end, without its result."""
        result = await self._inner.run(query, values)
        await result.consume()

    async def do_rows(self, query: LiteralString, rows: Collection[Any], **values: Any) -> None:
        """Runs a statement that takes `$rows` over all rows, in chunks; not at all without rows."""
        for chunk in chunks(rows):
            await self.do(query, rows=chunk, **values)


class Store:
    """A pool of connections to one database. Build and close it inside the running loop.

    `silent_s`: seconds without an answer after which the database is asked whether it is there, for as long again at
    most. One that takes connections and never answers raises nothing by itself; one that is slow is waited for.
    """

    def __init__(
        self,
        uri: str,
        user: str,
        password: str,
        *,
        database: str = "neo4j",
        silent_s: float | None = None,
    ) -> None:
        self._database = database
        self._silent_s = silent_s
        self._reading, self._writing = asyncio.Semaphore(READS_AT_ONCE), asyncio.Semaphore(WRITES_AT_ONCE)
        self._driver: AsyncDriver = AsyncGraphDatabase.driver(
            uri,
            auth=(user, password),
            notifications_min_severity=NotificationMinimumSeverity.OFF,
            connection_acquisition_timeout=30,
            max_transaction_retry_time=15,
            # The driver's default is a second: too long for a caller after a short deadlock.
            initial_retry_delay=0.05,
            telemetry_disabled=True,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._driver.close()

    async def ping(self) -> None:
        """Returns once the database answers; raises StoreUnavailable if it does not."""
        await _mapped(self._driver.verify_connectivity())

    async def read(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        """The result of `work`, read in one transaction; `work` may run again after a transient failure."""

        async def once() -> T:
            async with (
                self._reading,
                self._driver.session(database=self._database, default_access_mode="READ") as session,
            ):
                return await session.execute_read(lambda inner: work(Tx(inner)))

        return await _mapped(self._while_there(once()))

    async def write(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        """The result of `work`, committed in one transaction.

        `work` may run again after a transient failure, so it must not change anything outside the graph. If two writers
        create one key at once, the driver reports a constraint violation without a retry; `work` is then run once more
        here. Cancelling the caller does not interrupt the commit.
        """

        async def once() -> T:
            async with self._writing, self._driver.session(database=self._database) as session:
                return await session.execute_write(lambda inner: work(Tx(inner)))

        async def twice() -> T:
            try:
                return await once()
            except ConstraintError:
                return await once()

        return await asyncio.shield(_mapped(self._while_there(twice())))

    async def _while_there(self, work: Coroutine[Any, Any, T]) -> T:
        """Awaits `work`; TimeoutError once the database is silent, and the transaction ends with its connection."""
        if self._silent_s is None:
            return await work
        task = asyncio.create_task(work)
        try:
            while not (await asyncio.wait({task}, timeout=self._silent_s))[0]:
                async with asyncio.timeout(self._silent_s):
                    await self._driver.verify_connectivity()
            return task.result()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=self._silent_s)

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
    """Awaits `work` and maps the driver's errors to ours, by code only: their texts can quote values."""
    try:
        return await work
    except Neo4jError as error:
        code = error.code or ""
        if code.startswith(REFUSALS):
            raise StoreRefused(f"Neo4j refused a statement ({code})") from None
        # Timeouts, a full disk, a stop during the transaction, a wrong password: the statement itself is right.
        kind = StatementFailed if code.startswith(FAILURES) else StoreUnavailable
        raise kind(f"Neo4j does not answer as it should ({code})") from None
    except (OverflowError, UnicodeError) as error:
        raise StoreRefused(f"a value that Neo4j can't hold ({type(error).__name__})") from None
    except (DriverError, OSError) as error:
        raise StoreUnavailable(f"Neo4j does not answer as it should ({type(error).__name__})") from None
