"""The start of a database: waits until it answers, and sets its first password."""

import asyncio
import time

from neo4j import AsyncDriver, AsyncGraphDatabase
from neo4j.exceptions import AuthError, ClientError, DriverError, Neo4jError

from graph.domain.errors import RedthreadError, StoreUnavailable
from graph.store.queries import schema as queries

RETRY_EVERY_S = 0.2
ATTEMPT_S = 15.0
"""Limit of one attempt: a server may accept a connection and never answer. Its first query is slow."""
READY_S = 180.0
"""Ten times the duration of a start on two idle cores; on a busy machine it took 50 s."""


class WrongPassword(RedthreadError):
    """Neo4j does not accept the user's password."""

    code = "wrong_password"


async def wait_until_ready(uri: str, user: str, password: str, *, timeout_s: float = READY_S) -> None:
    """Returns once the database answers a query. Raises WrongPassword at once, StoreUnavailable after `timeout_s`."""
    until = time.monotonic() + timeout_s
    async with _driver(uri, user, password) as driver:
        while True:
            try:
                async with asyncio.timeout(ATTEMPT_S):
                    await driver.execute_query(queries.ANSWER, database_="neo4j")
                return
            except AuthError as error:
                raise WrongPassword(f"Neo4j at {uri} does not accept the password of {user}") from error
            except (Neo4jError, DriverError, OSError, TimeoutError) as error:
                # A server that is starting may cause any of these.
                if time.monotonic() > until:
                    raise StoreUnavailable(f"Neo4j at {uri} does not answer after {timeout_s:.0f} s") from error
            await asyncio.sleep(RETRY_EVERY_S)


async def set_first_password(uri: str, user: str, old: str, new: str, *, timeout_s: float = READY_S) -> None:
    """Changes the password from `old` to `new`; does nothing if it is `new` already.

    Waits for the server as `wait_until_ready` does, and raises the same errors.
    """
    until = time.monotonic() + timeout_s
    while True:
        try:
            async with (
                _driver(uri, user, old) as driver,
                asyncio.timeout(ATTEMPT_S),
                driver.session(database="system") as session,
            ):
                result = await session.run(queries.SET_PASSWORD, old=old, new=new)
                await result.consume()
            return None
        except (AuthError, ClientError):
            # Changed before, by a start that was interrupted before it could store the password.
            return await wait_until_ready(uri, user, new, timeout_s=max(ATTEMPT_S, until - time.monotonic()))
        except (Neo4jError, DriverError, OSError, TimeoutError) as error:
            if time.monotonic() > until:
                raise StoreUnavailable(f"Neo4j at {uri} does not answer after {timeout_s:.0f} s") from error
        await asyncio.sleep(RETRY_EVERY_S)


def _driver(uri: str, user: str, password: str) -> AsyncDriver:
    return AsyncGraphDatabase.driver(
        uri, auth=(user, password), telemetry_disabled=True, max_transaction_retry_time=0, connection_timeout=ATTEMPT_S
    )
