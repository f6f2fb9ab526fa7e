"""Waiting for Neo4j: link never gives up on its store, since that would lose a batch."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_fixed

from graph.domain.errors import StoreUnavailable

log = logging.getLogger(__name__)
RETRY_S: Final = 1.0
T = TypeVar("T")


async def retried(work: Callable[[], Awaitable[T]], progress: Callable[[], None] = lambda: None) -> T:
    """The result of `work`, repeated for as long as Neo4j is unavailable; `progress` is called for each attempt."""

    def waits(state: RetryCallState) -> None:
        log.warning("link waits for Neo4j: %s", state.outcome.exception() if state.outcome else "")
        progress()

    async def once() -> T:
        return await work()

    retry = retry_if_exception_type(StoreUnavailable)
    return await AsyncRetrying(retry=retry, wait=wait_fixed(RETRY_S), before_sleep=waits)(once)
