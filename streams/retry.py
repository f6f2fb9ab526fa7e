"""Repeats work that must not be lost: link and its relay never give up on Neo4j or Kafka."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_fixed

from graph.domain.errors import StoreUnavailable
from streams.process import describe_failure

log = logging.getLogger(__name__)
RETRY_S: Final = 1.0
T = TypeVar("T")


async def retried(
    work: Callable[[], Awaitable[T]],
    progress: Callable[[], None] = lambda: None,
    *,
    expected: tuple[type[Exception], ...] = (StoreUnavailable,),
    defects: bool = False,
) -> T:
    """The result of `work`, repeated after the `expected` failures; `progress` is called after each of these.

    With `defects` also after any other error, for a task whose end would end the whole process.
    """

    def report(state: RetryCallState) -> None:
        failure = state.outcome.exception() if state.outcome else None
        if isinstance(failure, expected):
            log.warning("link waits: %s", failure if isinstance(failure, StoreUnavailable) else type(failure).__name__)
            progress()
        elif failure is not None:
            log.error("unexpected, trying again: %s", describe_failure(failure))

    async def once() -> T:
        return await work()

    retry = retry_if_exception_type(Exception if defects else expected)
    return await AsyncRetrying(retry=retry, wait=wait_fixed(RETRY_S), before_sleep=report)(once)
