"""What Neo4j's driver raises, told as ours: a refusal is set aside, everything else is waited for."""

import asyncio

import pytest
from neo4j.exceptions import Neo4jError, ServiceUnavailable, SessionExpired

from graph.domain.errors import RedthreadError, StoreUnavailable
from graph.store.session import Store, StoreRefused, Tx, _mapped

pytestmark = pytest.mark.anyio
SECRET = "Jane-Doe-4711"


async def mapped(error: Exception) -> RedthreadError:
    async def work() -> None:
        raise error

    with pytest.raises(RedthreadError) as caught:
        await _mapped(work())
    assert SECRET not in caught.value.message
    return caught.value


def from_server(code: str) -> Neo4jError:
    return Neo4jError._hydrate_neo4j(code=code, message=f"the value {SECRET}")


@pytest.mark.parametrize(
    "error",
    [
        from_server("Neo.ClientError.Statement.SyntaxError"),
        from_server("Neo.ClientError.Statement.TypeError"),
        from_server("Neo.ClientError.Schema.ConstraintValidationFailed"),
        OverflowError(SECRET),
        UnicodeEncodeError("utf-8", SECRET, 0, 1, "surrogates not allowed"),
    ],
)
async def test_what_is_wrong_with_a_statement_or_its_values_is_refused_for_good(error: Exception) -> None:
    assert type(await mapped(error)) is StoreRefused


@pytest.mark.parametrize(
    "error",
    [
        # A timeout of a transaction is a client error in Neo4j's words: taken as a refusal, the batch would be lost.
        from_server("Neo.ClientError.Transaction.TransactionTimedOut"),
        from_server("Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration"),
        from_server("Neo.ClientError.Transaction.LockClientStopped"),
        from_server("Neo.ClientError.Security.Unauthorized"),
        from_server("Neo.TransientError.Transaction.LockAcquisitionTimeout"),
        from_server("Neo.TransientError.General.OutOfMemoryError"),
        from_server("Neo.DatabaseError.General.UnknownError"),
        ServiceUnavailable(SECRET),
        SessionExpired(SECRET),
        ConnectionResetError(SECRET),
    ],
)
async def test_everything_else_means_that_neo4j_is_away(error: Exception) -> None:
    assert type(await mapped(error)) is StoreUnavailable


async def test_a_database_that_takes_connections_and_never_answers_is_away() -> None:
    """A stopped Neo4j kept every page waiting for 45 seconds and longer, without a word."""

    async def nothing(_: Tx) -> None:
        return

    silent = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with silent, Store(f"bolt://127.0.0.1:{port}", "neo4j", "x", silent_s=0.1) as store:
        for asked in (store.read, store.write):
            with pytest.raises(StoreUnavailable):
                await asked(nothing)
