"""The interface of all stacks: one Kafka and one Neo4j, and their addresses."""

import asyncio
import operator
from collections.abc import Coroutine
from typing import Any, Protocol

from tenacity import AsyncRetrying, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

from graph.domain.errors import RedthreadError
from streams.settings import Addresses


class StackError(RedthreadError):
    """The stack cannot do what was asked; the message says what is wrong and what to do."""

    code = "stack"


class Stack(Protocol):
    """One Kafka and one Neo4j, wherever they come from."""

    async def start(self) -> Addresses:
        """The addresses of both servers, which answer now; StackError where they do not."""
        ...

    async def stop(self) -> None:
        """Stops the servers that `start` started, cleanly."""
        ...


def polling(timeout_s: float, *failures: type[Exception]) -> AsyncRetrying:
    """Repeats a check every 100 ms until it is true; these failures count as false. RetryError after the time."""
    retry = retry_if_exception_type(failures) | retry_if_result(operator.not_)
    return AsyncRetrying(retry=retry, stop=stop_after_delay(timeout_s), wait=wait_fixed(0.1))


async def together(*works: Coroutine[Any, Any, Any]) -> list[Any]:
    """The results of all, run at once; the first failure cancels the others and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
        return [task.result() for task in tasks]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors
