"""Kafka and Neo4j in containers, for machines with Docker: needs the extra `containers`.

The containers end with their starter, and their data with them.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from infra.local.base import StackError
from streams.settings import Addresses

if TYPE_CHECKING:
    from testcontainers.community.kafka import KafkaContainer
    from testcontainers.community.neo4j import Neo4jContainer

KAFKA_IMAGE = "confluentinc/cp-kafka:7.9.1"
"""Kafka 3.9 in KRaft mode: the newest image that testcontainers 4.15 is known to start."""
NEO4J_IMAGE = "neo4j:2026.09.0"
KAFKA_ENV = {
    "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    "KAFKA_LOG_FLUSH_INTERVAL_MESSAGES": "1",
}
NEO4J_ENV = {
    "NEO4J_dbms_usage__report_enabled": "false",
    "NEO4J_db_query_default__language": "CYPHER_25",
    "NEO4J_db_lock_acquisition_timeout": "10s",
    "NEO4J_db_transaction_timeout": "30s",
}


class ContainersStack:
    """One container each."""

    def __init__(self) -> None:
        self._kafka: KafkaContainer | None = None
        self._neo4j: Neo4jContainer | None = None

    async def start(self) -> Addresses:
        """Both containers answer; StackError where Docker does not answer."""
        password = secrets.token_urlsafe(24)
        await asyncio.to_thread(self._start, password)
        assert self._kafka is not None and self._neo4j is not None
        return Addresses(self._kafka.get_bootstrap_server(), self._neo4j.get_connection_url(), "neo4j", password)

    async def stop(self) -> None:
        for container in (self._kafka, self._neo4j):
            if container is not None:
                await asyncio.to_thread(container.stop)

    def _start(self, password: str) -> None:
        # Here and not above: only this stack needs the extra `containers`.
        from docker.errors import DockerException
        from testcontainers.community.kafka import KafkaContainer
        from testcontainers.community.neo4j import Neo4jContainer

        try:
            kafka = KafkaContainer(KAFKA_IMAGE).with_kraft()
            for name, value in KAFKA_ENV.items():
                kafka.with_env(name, value)
            neo4j = Neo4jContainer(NEO4J_IMAGE, password=password)
            for name, value in NEO4J_ENV.items():
                neo4j.with_env(name, value)
            self._kafka, self._neo4j = kafka, neo4j
            kafka.start()
            neo4j.start()
        except DockerException as error:
            raise StackError("Docker does not answer: start it, or use --stack local, which needs none") from error
