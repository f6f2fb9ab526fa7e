"""What every stack gives: the addresses of a Kafka and of a Neo4j."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from graph.domain.errors import RedthreadError


class StackError(RedthreadError):
    """The stack cannot do what was asked; the message says what is wrong and what to do."""

    code = "stack"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where Kafka and Neo4j answer, and who may enter."""

    kafka: str
    neo4j_uri: str
    neo4j_user: str
    neo4j_password: str = field(repr=False)
    kafka_security: str = "{}"
    """SASL/TLS settings of the Kafka clients as JSON, by librdkafka's names."""

    def env(self) -> dict[str, str]:
        """The environment by which a process of Redthread finds the servers."""
        return {
            "REDTHREAD_KAFKA": self.kafka,
            "REDTHREAD_KAFKA_SECURITY": self.kafka_security,
            "REDTHREAD_NEO4J_URI": self.neo4j_uri,
            "REDTHREAD_NEO4J_USER": self.neo4j_user,
            "REDTHREAD_NEO4J_PASSWORD": self.neo4j_password,
        }


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
