"""What runs on a data folder: written by its supervisor, read by the commands of another terminal."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
from pydantic import TypeAdapter, ValidationError

from infra.local import datafolder
from infra.local.base import StackError
from infra.local.child import NAME
from infra.local.kafka import credentials
from infra.local.supervisor import Supervisor
from infra.settings import Settings
from streams.settings import Addresses


@dataclass(frozen=True, slots=True)
class RunningChild:
    """A child as it is now; `pid` 0: it does not run, and waits to be started again.

    `ready` is None where its supervisor could not write down yet that it runs.
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
    """A system that runs now, or one that is starting or stopping (`ready` is false)."""

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
    """Whose tokens the API takes; empty: those of the local stack's own sign-in."""
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
    """What the supervisor writes down about itself: everything that others may know, no password."""
    children = [
        {
            "name": name,
            "pid": child.pid,
            "started_at": child.started_at,
            "restarts": child.restarts,
            "ready": child.serves,
            "failure": child.failure,
        }
        for name, child in supervisor.children.items()
    ]
    return {
        "pid": os.getpid(),
        "started_at": started_at,
        "stack": stack,
        "ready": is_ready,
        "api_url": api_url,
        "kafka": addresses.kafka if addresses else "",
        "neo4j_uri": addresses.neo4j_uri if addresses else "",
        "neo4j_user": addresses.neo4j_user if addresses else "",
        "issuer": issuer,
        "children": children,
    }


def find_running(data: Path) -> Running | None:
    """The system on a data folder, or None where no supervisor holds it.

    Of its children the supervisor's notes tell the names; whether they run, the processes themselves: a full disk, or
    a supervisor that hangs, makes the notes old.
    """
    state: dict[str, Any] = datafolder.read_state(data)
    try:
        noted = [RunningChild(**child) for child in state.pop("children")]
        running = TypeAdapter(Running).validate_python({**state, "data": data, "children": noted})
    except (KeyError, TypeError, ValidationError):  # nothing was noted, or what was noted is damaged
        return None
    if not datafolder.is_held(data) or not datafolder.holds(data, running.pid):
        return None
    processes = _children_of(running.pid)
    return replace(running, children=[_as_it_is(child, processes) for child in noted])


def _children_of(supervisor: int) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    with suppress(psutil.Error):
        for child in psutil.Process(supervisor).children():
            with suppress(psutil.Error):  # it ended meanwhile
                if child.status() != psutil.STATUS_ZOMBIE:
                    found.append(child)
    return found


def _as_it_is(noted: RunningChild, processes: Sequence[psutil.Process]) -> RunningChild:
    """The child with the process that it has now, whatever was noted of it."""
    if any(process.pid == noted.pid for process in processes):
        return noted
    for process in processes:
        with suppress(psutil.Error):
            if process.environ().get(NAME) == noted.name:
                return replace(noted, pid=process.pid, started_at=process.create_time(), ready=None)
    return replace(noted, pid=0, ready=False)


def wait_gone(data: Path, timeout_s: float) -> bool:
    """Whether everything that used the folder, servers included, ended within the time."""
    until = time.monotonic() + timeout_s
    while datafolder.is_held(data):
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def addresses_of(settings: Settings) -> Addresses:
    """How to reach the servers: those of the system on the data folder, else those of the settings.

    Raises StackError where neither is known.
    """
    data = settings.data.absolute()
    running = find_running(data)
    given = given_addresses(settings)
    if running is not None and running.ready:
        known = datafolder.password(data) if running.stack != "external" else given.neo4j_password
        security = json.dumps(credentials.read(data)) if running.stack == "local" else given.kafka_security
        return Addresses(running.kafka, running.neo4j_uri, running.neo4j_user, known, security)
    if given.kafka and given.neo4j_uri:
        return given
    raise StackError(
        f"nothing runs on {data}: start it with `redthread up`, or set REDTHREAD_KAFKA and REDTHREAD_NEO4J_URI"
    )


def given_addresses(settings: Settings) -> Addresses:
    """The addresses that the settings name, for stack `external`."""
    return Addresses(
        settings.kafka,
        settings.neo4j_uri,
        settings.neo4j_user,
        settings.neo4j_password.get_secret_value(),
        settings.kafka_security,
    )
