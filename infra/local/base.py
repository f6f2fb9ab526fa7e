"""The interface of all stacks: one Kafka and one Neo4j, and their addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

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


async def together(*works: Coroutine[Any, Any, object]) -> None:
    """Runs all at once; the first failure cancels the others and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors
