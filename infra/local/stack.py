"""The default stack: the real Kafka and Neo4j as child processes, from their Maven artifacts, on the JDK of a wheel.

`python -m infra.local.stack --data DIR` runs them alone in the foreground and prints how to reach them.
"""

import argparse
import asyncio
import json
import shlex
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from graph.domain.errors import RedthreadError
from graph.store import bootstrap
from infra.foreground import run_until_signalled
from infra.local import artifacts, datafolder
from infra.local.archives import CLASSES, Archive, make_when_idle
from infra.local.base import together
from infra.local.kafka import credentials
from infra.local.kafka import server as kafka
from infra.local.memory import memory
from infra.local.neo4j import server as neo4j
from infra.local.options import SystemOptions
from infra.local.ports import LOOPBACK, check_free, free_ports
from infra.local.supervisor import Supervisor
from infra.terminal import announce
from streams.kafka.connection import KafkaConnection
from streams.settings import Addresses


class LocalStack:
    """Kafka and Neo4j as children of a supervisor, with their data below one folder that the caller holds."""

    def __init__(
        self,
        options: SystemOptions,
        supervisor: Supervisor,
        announce: Callable[[str], None],
        *,
        new_password: str = "",
    ) -> None:
        self._options = options
        self._supervisor = supervisor
        self._announce = announce
        self._new_password = new_password
        """Of the Neo4j of a new data folder; generated where empty."""
        self._data = options.data.absolute()
        self._archives: dict[Archive, Path] = {}
        """The class-data archives of the started servers, each with the list of classes that it is made of."""
        self._making: asyncio.Task[None] | None = None

    async def start(self) -> Addresses:
        """Starts both servers and waits for them; StackError names a taken port or a server that cannot start."""
        options = self._options
        free = free_ports(3)
        broker = check_free(options.kafka_port, "Kafka", "--kafka-port") if options.kafka_port else free[0]
        bolt = check_free(options.neo4j_port, "Neo4j", "--neo4j-port") if options.neo4j_port else free[1]
        password = datafolder.password(self._data, self._new_password)
        security = credentials.ensure(self._data, f"{LOOPBACK}:{broker}")
        addresses = Addresses(
            f"{LOOPBACK}:{broker}", f"bolt://{LOOPBACK}:{bolt}", neo4j.USER, password, json.dumps(security)
        )
        if not artifacts.jar_cache().exists():
            self._announce("fetching Kafka and Neo4j (200 MB, once)")
        await together(self._start_kafka(broker, free[2], security), self._start_neo4j(addresses, bolt))
        self._making = asyncio.create_task(make_when_idle(self._archives), name="archives")
        return addresses

    async def stop(self) -> None:
        if self._making is not None:
            self._making.cancel()
            await asyncio.gather(self._making, return_exceptions=True)
        await self._supervisor.stop("kafka", "neo4j")

    async def _jars(self, server: str) -> list[Path]:
        return await asyncio.to_thread(artifacts.class_path, server, repository=self._options.maven_repository)

    async def _start_kafka(self, port: int, controller: int, security: Mapping[str, str]) -> None:
        jars = await self._jars("kafka")
        self._archives[kafka.archive(jars)] = self._data / "kafka" / CLASSES
        command = await asyncio.to_thread(
            kafka.prepare, self._data / "kafka", jars, port, controller, security["sasl.password"]
        )
        connection = KafkaConnection(f"{LOOPBACK}:{port}", security)
        self._supervisor.start(kafka.spec(command, self._data / "kafka", connection))
        await self._supervisor.wait_ready("kafka")

    async def _start_neo4j(self, addresses: Addresses, port: int) -> None:
        jars = await self._jars("neo4j")
        folder, options = self._data / "neo4j", self._options
        self._archives[neo4j.archive(jars)] = folder / CLASSES
        command = await asyncio.to_thread(
            neo4j.prepare,
            folder,
            jars,
            port,
            memory(options.memory_mib),
            short_lived=options.short_lived,
            discard=options.discard_unreadable_log,
        )
        self._supervisor.start(neo4j.spec(command, lambda: self._neo4j_ready(addresses)))
        await self._supervisor.wait_ready("neo4j")
        if options.discard_unreadable_log:
            await asyncio.to_thread(neo4j.keep_log, folder)
            self._announce(
                "Neo4j started; where a part of its transaction log could not be read, it was dropped: "
                "`redthread status --reconcile` says what is missing, `redthread restore` reads it from Kafka again"
            )

    async def _neo4j_ready(self, addresses: Addresses) -> None:
        uri, user, password = addresses.neo4j_uri, addresses.neo4j_user, addresses.neo4j_password
        if not datafolder.is_password_set(self._data):
            await bootstrap.set_first_password(uri, user, neo4j.SHIPPED_PASSWORD, password)
            datafolder.record_password_set(self._data)
        await bootstrap.wait_until_ready(uri, user, password)


async def serve(options: SystemOptions, new_password: str) -> None:
    """Runs the servers alone until cancelled; prints the environment variables that name them."""
    folder = datafolder.DataFolder.acquire(options.data)
    supervisor = Supervisor(options.data / "logs", announce, keep_open=[folder.descriptor])
    stack = LocalStack(options, supervisor, announce, new_password=new_password)
    try:
        print(exports(await stack.start()), flush=True)
        await asyncio.Event().wait()
    finally:
        await stack.stop()
        folder.release()


def exports(addresses: Addresses) -> str:
    """Shell lines that export the servers' addresses, for the tests and for every process of Redthread."""
    names = addresses.env()
    names |= {name.replace("REDTHREAD_", "REDTHREAD_TEST_"): value for name, value in names.items()}
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in names.items())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.local.stack", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the servers' data")
    parser.add_argument("--kafka-port", type=int, default=0, help="0: any free one")
    parser.add_argument("--neo4j-port", type=int, default=0, help="0: any free one")
    parser.add_argument("--neo4j-password", default="", help="for a new folder; generated where not given")
    parser.add_argument("--short-lived", action="store_true", help="for tests: quick to start, slower in long runs")
    given = parser.parse_args()
    try:
        options = SystemOptions(
            data=given.data.absolute(),
            kafka_port=given.kafka_port,
            neo4j_port=given.neo4j_port,
            short_lived=given.short_lived,
        )
        with suppress(KeyboardInterrupt):  # the orderly end
            run_until_signalled(serve(options, given.neo4j_password))
    except RedthreadError as error:
        sys.exit(f"redthread: {error.message}")


if __name__ == "__main__":
    main()
