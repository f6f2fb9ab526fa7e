"""A Kafka of a test's own, without Neo4j, which the test may kill."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from pathlib import Path
from typing import Self

from infra.stack import artifacts
from infra.stack.child import leashed
from infra.stack.kafka import server
from infra.stack.ports import LOOPBACK, free_ports

QUICK = "broker.session.timeout.ms=2000\nbroker.heartbeat.interval.ms=500\n"
"""A killed broker's registration is waited for until its session is over: 9 s by default."""


class KafkaServer:
    """The local stack's broker on a folder and on ports that stay the same; `more` are lines for server.properties."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self._folder = folder
        self._more = QUICK + more
        self._port, self._controller = free_ports(2)
        self._process: subprocess.Popen[bytes] | None = None
        self.bootstrap = f"{LOOPBACK}:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Returns once it answers."""
        jars = artifacts.class_path("kafka")
        command = server.prepare(self._folder, jars, self._port, self._controller)
        with (self._folder / "server.properties").open("a") as properties:
            properties.write(self._more)
        with (self._folder / "kafka.log").open("ab") as log:
            self._process = subprocess.Popen([*leashed(signal.SIGKILL), *command], stdout=log, stderr=log)
        asyncio.run(server.wait_until_ready(self.bootstrap))

    def kill(self) -> None:
        """Ends it as a crash does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
