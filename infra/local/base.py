"""What every stack gives: the addresses of a Kafka and of a Neo4j."""

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
        """Addresses at which both servers answer their own protocols; StackError where they do not."""
        ...

    async def stop(self) -> None:
        """Ends what `start` began, cleanly; what it did not start keeps running."""
        ...


async def together(*works: Coroutine[Any, Any, object]) -> None:
    """Returns when all are done; the first that fails cancels the others, and its own error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors
