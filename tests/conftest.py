"""How Redthread is tested.

Unit tests (`tests/unit`) run the plain Python of one module. Everything that crosses Kafka or Neo4j is tested on the
real servers: there is no stand-in for either, because what goes wrong there (order, replay, locks, constraints) is what
a stand-in would get right. The fixture `stack` gives their addresses: those of REDTHREAD_TEST_KAFKA and
REDTHREAD_TEST_NEO4J_URI (_USER, _PASSWORD) where they are set, else a local stack in a folder of this test run.
Tests share the servers, so each uses ids and topics of its own. Pictures are drawn, come with an installed package, or
lie beside the checkout; a test whose pictures are absent skips and says so.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.local.child import leashed
from streams.settings import Addresses

CHECKOUT = Path(__file__).parent.parent
LONGEST = ("faults", "journeys", "integration")
"""Folders of the longest tests, the longest first."""


def pytest_report_header() -> str:
    given = os.environ.get("REDTHREAD_TEST_KAFKA")
    return f"stack: {given or 'local, started where a test asks for it'}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first where files are handed out to several processes: so that none ends long after the others."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: [folder not in item.path.parts for folder in LONGEST])


StartStack = Callable[[Path], tuple["subprocess.Popen[str]", Addresses]]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, start_stack: StartStack) -> Iterator[Addresses]:
    """A Kafka and a Neo4j that answer, for the whole test run."""
    if "REDTHREAD_TEST_KAFKA" in os.environ:
        yield _addresses(dict(os.environ))
        return
    process, addresses = start_stack(tmp_path_factory.mktemp("stack"))
    yield addresses
    process.send_signal(signal.SIGTERM)
    process.wait(60)


@pytest.fixture(scope="session")
def start_stack() -> StartStack:
    """Starts a local stack of one's own on free ports, in a process that dies with the test run; SIGTERM stops it."""
    return _start_stack


def _start_stack(data: Path) -> tuple[subprocess.Popen[str], Addresses]:
    data.mkdir(exist_ok=True)
    errors = data / "stack.err"
    command = [sys.executable, "-P", "-m", "infra.local.stack", "--short-lived", "--data", str(data)]
    with errors.open("w") as output:
        process = subprocess.Popen(
            [*leashed(signal.SIGTERM), *command],
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        )
    assert process.stdout is not None
    exported: dict[str, str] = {}
    for line in process.stdout:
        name, _, value = line.strip().removeprefix("export ").partition("=")
        exported[name] = shlex.split(value)[0]
        if name == "REDTHREAD_TEST_NEO4J_PASSWORD":
            return process, _addresses(exported)
    raise AssertionError(f"the local stack does not start: {errors.read_text()}")


def _addresses(exported: dict[str, str]) -> Addresses:
    return Addresses(
        exported["REDTHREAD_TEST_KAFKA"],
        exported["REDTHREAD_TEST_NEO4J_URI"],
        exported.get("REDTHREAD_TEST_NEO4J_USER", "neo4j"),
        exported["REDTHREAD_TEST_NEO4J_PASSWORD"],
        exported.get("REDTHREAD_TEST_KAFKA_SECURITY", "{}"),
    )
