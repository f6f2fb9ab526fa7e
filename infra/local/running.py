"""The system that runs on a data folder: recorded by its supervisor, read by commands in another terminal."""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import psutil
from pydantic import TypeAdapter, ValidationError
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from infra.local import datafolder
from infra.local.base import StackError
from infra.local.child import NAME
from infra.local.kafka import credentials
from infra.local.supervisor import Supervisor
from infra.settings import Settings
from streams.settings import Addresses


@dataclass(frozen=True, slots=True)
class RunningChild:
    """A child process as it is now; `pid` 0: it does not run, and waits to be started again.

    `ready` is None where its supervisor could not record yet that it runs.
    """

    name: str
    pid: int
    started_at: float
    restarts: int
    ready: bool | None
    failure: str = ""
    """Why it ended last, where its supervisor knows more than its exit code."""


@dataclass(frozen=True, slots=True)
class Running:
    """A system that runs now, or that is starting or stopping (`ready` is false)."""

    data: Path
    pid: int
    started_at: float
    stack: str
    ready: bool
    api_url: str
    kafka: str
    neo4j_uri: str
    neo4j_user: str
    issuer: str = ""
    """The issuer whose tokens the API accepts; empty: the local stack's own sign-in."""
    children: list[RunningChild] = field(default_factory=list[RunningChild])


def state_of(
    supervisor: Supervisor,
    started_at: float,
    stack: str,
    addresses: Addresses | None,
    api_url: str,
    is_ready: bool,
    issuer: str = "",
) -> Mapping[str, object]:
    """The record that the supervisor writes about itself; it holds no password."""
    servers = addresses or Addresses("", "", "", "")
    children = [
        RunningChild(name, child.pid, child.started_at, child.restarts, child.serves, child.failure)
        for name, child in supervisor.children.items()
    ]
    running = Running(
        Path(),
        os.getpid(),
        started_at,
        stack,
        is_ready,
        api_url,
        servers.kafka,
        servers.neo4j_uri,
        servers.neo4j_user,
        issuer,
        children,
    )
    return {name: value for name, value in asdict(running).items() if name != "data"}


def find_running(data: Path) -> Running | None:
    """The system on a data folder, or None where no supervisor holds it.

    The names of its children come from the supervisor's record, their state from the processes themselves: the record
    grows old on a full disk, or where a supervisor hangs.
    """
    try:
        running = TypeAdapter(Running).validate_python({**datafolder.read_state(data), "data": data})
    except ValidationError:  # there is no record, or it is damaged
        return None
    if not datafolder.is_held(data) or not datafolder.holds(data, running.pid):
        return None
    processes = _children_of(running.pid)
    return replace(running, children=[_current(child, processes) for child in running.children])


def _children_of(supervisor: int) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    with suppress(psutil.Error):
        for child in psutil.Process(supervisor).children():
            with suppress(psutil.Error):  # it ended meanwhile
                if child.status() != psutil.STATUS_ZOMBIE:
                    found.append(child)
    return found


def _current(recorded: RunningChild, processes: Sequence[psutil.Process]) -> RunningChild:
    """The child with the process that it has now."""
    if any(process.pid == recorded.pid for process in processes):
        return recorded
    for process in processes:
        with suppress(psutil.Error):
            if process.environ().get(NAME) == recorded.name:
                return replace(recorded, pid=process.pid, started_at=process.create_time(), ready=None)
    return replace(recorded, pid=0, ready=False)


def wait_gone(data: Path, timeout_s: float) -> bool:
    """Whether everything that used the folder, servers included, ended within the time."""
    attempts = Retrying(retry=retry_if_result(bool), stop=stop_after_delay(timeout_s), wait=wait_fixed(0.1))
    try:
        return not attempts(datafolder.is_held, data)
    except RetryError:
        return False


def addresses_of(settings: Settings) -> Addresses:
    """The addresses of the system on the data folder, else those of the settings; StackError where there are none."""
    data = settings.data.absolute()
    running = find_running(data)
    given = given_addresses(settings)
    if running is not None and running.ready:
        password = datafolder.password(data) if running.stack != "external" else given.neo4j_password
        security = json.dumps(credentials.read(data)) if running.stack == "local" else given.kafka_security
        return Addresses(running.kafka, running.neo4j_uri, running.neo4j_user, password, security)
    if given.kafka and given.neo4j_uri:
        return given
    raise StackError(
        f"nothing runs on {data}: start it with `redthread up`, or set REDTHREAD_KAFKA and REDTHREAD_NEO4J_URI"
    )


def given_addresses(settings: Settings) -> Addresses:
    """The addresses that the settings name, for stack `external`."""
    return Addresses(settings.kafka, *settings.neo4j, settings.kafka_security)
