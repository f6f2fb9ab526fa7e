"""How Redthread is tested.

Unit tests (`tests/unit`) run the plain Python of one module. Everything that crosses Kafka or Neo4j is tested on the
real servers: there is no stand-in for either, because what goes wrong there (order, replay, locks, constraints) is what
a stand-in would get right. The fixture `stack` gives their addresses: those of REDTHREAD_TEST_KAFKA and
REDTHREAD_TEST_NEO4J_URI (_USER, _PASSWORD) where they are set, else a local stack in a folder of this test run.
Tests share the servers, so each uses ids and topics of its own. Pictures are drawn, come with an installed package, or
lie beside the checkout; a test whose pictures are absent skips and says so.
"""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from graph.store.migrate import migrate
from graph.store.session import Store
from infra.local.child import leashed
from streams.faces.models import ModelFiles, ModelsUnavailable, ensure_models
from streams.settings import Addresses, cache_folder
from tests.support.class_data import made_in_background
from tests.support.graph_contents import empty

CHECKOUT = Path(__file__).parent.parent
UNITS_OF_WORK = (
    ("tests/integration/processes", "test_[a-l]*"),
    ("tests/integration/processes", "*"),
    ("tests/integration", "test_a*"),
    ("tests/integration/screens", "*"),
    ("tests/integration/pages", "*"),
    ("tests/integration", "*"),
    ("tests/integration/faults", "*"),
    ("tests/journeys", "*"),
)
"""Folders and names of test files; the files of one row run in one test process and share its servers.

Those that wait a lot come first, so that the others fill the processors meanwhile. At most four test processes start a
stack. All other files are units of their own: first those that start servers, in FIRST.
"""
FIRST = "tests/integration/servers"


def unit_of_work(path: str) -> tuple[int, str]:
    """The position and the name of the unit that a test file, relative to the checkout, belongs to."""
    folder, _, name = path.rpartition("/")
    for position, (where, names) in enumerate(UNITS_OF_WORK):
        if folder == where and fnmatch(name, names):
            return position, f"{where} {names}"
    return len(UNITS_OF_WORK) + (folder != FIRST), path


def pytest_report_header() -> str:
    given = os.environ.get("REDTHREAD_TEST_KAFKA")
    return f"stack: {given or 'local, started where a test asks for it'}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several processes share the work, the longest units come first, so that none ends long after the others."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: unit_of_work(item.path.relative_to(CHECKOUT).as_posix())[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hands out units of work under `--dist loadfile`: the tests of one stack stay in one process, which starts it."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByUnit(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return unit_of_work(nodeid.partition("::")[0])[1]

    return ByUnit(config, log)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One event loop for all tests of a process, so that they can share a connection to the graph."""
    return "asyncio"


@pytest.fixture(scope="session")
def models() -> ModelFiles:
    """The real model files, which are downloaded once into the user's cache folder; without them a test skips."""
    try:
        return ensure_models(Path(os.environ.get("REDTHREAD_MODELS") or cache_folder() / "models"))
    except ModelsUnavailable as absent:
        pytest.skip(absent.message)


@pytest.fixture(scope="session")
async def database(stack: Addresses, anyio_backend: str) -> AsyncIterator[Store]:
    """A connection to the graph of `stack`, which is migrated."""
    async with Store(*stack.neo4j) as store:
        await migrate(store)
        yield store


@pytest.fixture
async def store(database: Store) -> Store:
    """The same connection, to an empty graph."""
    await empty(database)
    return database


StartStack = Callable[[Path], tuple["subprocess.Popen[str]", Addresses]]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, start_stack: StartStack) -> Iterator[Addresses]:
    """A Kafka and a Neo4j that answer, for the whole test run."""
    if "REDTHREAD_TEST_KAFKA" in os.environ:
        yield _addresses(dict(os.environ))
        return
    folder = tmp_path_factory.mktemp("stack")
    process, addresses = start_stack(folder)
    with made_in_background(folder):
        yield addresses
    process.send_signal(signal.SIGTERM)
    process.wait(240)


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
