"""A Kafka of a test's own, without Neo4j, which the test may kill."""

import asyncio
import re
import signal
import subprocess
from pathlib import Path
from typing import Self

from infra.local import artifacts
from infra.local.child import leashed
from infra.local.kafka import credentials, ready, server
from infra.local.ports import LOOPBACK, free_ports
from streams.kafka.connection import KafkaConnection

QUICK = "broker.session.timeout.ms=2000\nbroker.heartbeat.interval.ms=500\n"
"""A killed broker's registration is waited for until its session is over: 9 s by default."""


class KafkaServer:
    """The local stack's broker in a data folder, on ports that stay the same; `more` are lines for server.properties.

    `open_to_all`: it asks nobody who he is, as the brokers of older releases did.
    """

    def __init__(self, data: Path, more: str = "") -> None:
        self.folder = data / "kafka"
        self.folder.mkdir()
        self._more = QUICK + more
        port, self.controller = free_ports(2)
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None
        self.bootstrap = f"{LOOPBACK}:{port}"
        self.security = credentials.ensure(data, self.bootstrap)
        self.kafka_connection = KafkaConnection(self.bootstrap, self.security)
        self.connection = {"bootstrap.servers": self.bootstrap, **self.security}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, *, open_to_all: bool = False) -> None:
        """Returns once it answers."""
        jars = artifacts.class_path("kafka")
        password = self.security["sasl.password"]
        command = server.prepare(self.folder, jars, self.port, self.controller, password)
        properties = self.folder / "server.properties"
        lines = properties.read_text() + self._more
        if open_to_all:
            lines = re.sub(r"^.*sasl.*$", "", lines.replace("SASL_PLAINTEXT", "PLAINTEXT"), flags=re.MULTILINE)
        properties.write_text(lines)
        with (self.folder / "kafka.log").open("ab") as log:
            self._process = subprocess.Popen([*leashed(signal.SIGKILL), *command], stdout=log, stderr=log)
        open_connection = KafkaConnection(self.bootstrap)
        asyncio.run(ready.wait_until_ready(open_connection if open_to_all else self.kafka_connection))

    def kill(self) -> None:
        """Ends it as a crash does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
