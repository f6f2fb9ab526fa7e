"""The data folder of one installation: who holds it, what its servers' password is, what runs there."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil

from graph.whole import write_whole
from infra.stack.base import StackError

LOCK, SECRETS, STATE = "lock", "stack.json", "run.json"


@dataclass(slots=True)
class DataFolder:
    """A data folder held by this process: nobody else starts servers on it until `release`.

    The lock is a `flock` that the children inherit: it lasts until the last of them is gone, even where their
    supervisor was killed. `descriptor` is what to hand on to them.
    """

    path: Path
    descriptor: int

    @classmethod
    def acquire(cls, path: Path, *, patience_s: float = 45.0) -> Self:
        """The folder, made where absent, and held.

        Refuses with StackError where another `up` holds it. Servers whose supervisor was killed are waited for.
        """
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(path / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StackError(
                f"cannot write to the data folder {path}: {error.strerror}; name another with --data"
            ) from error
        until = time.monotonic() + patience_s
        while not _try_lock(descriptor):
            pid = int(read_state(path).get("pid", -1))
            if (pid > 0 and is_alive(pid)) or time.monotonic() > until:
                os.close(descriptor)
                raise StackError(
                    f"Redthread already runs on {path} (process {pid}): stop it with `redthread down`, or name another "
                    "folder with --data"
                )
            time.sleep(0.2)
        return cls(path, descriptor)

    def release(self) -> None:
        """Others may take the folder now; a state file that cannot be deleted says nothing without the lock."""
        with contextlib.suppress(OSError):
            (self.path / STATE).unlink()
        os.close(self.descriptor)

    def write_state(self, state: Mapping[str, object]) -> None:
        """Makes `state` what `redthread status` reads; it holds no password."""
        write_whole(self.path / STATE, json.dumps(state))


def is_held(path: Path) -> bool:
    """Whether a supervisor, or a server that it left behind, still uses the folder."""
    if not (path / LOCK).exists():
        return False
    descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CLOEXEC)
    try:
        return not _try_lock(descriptor)
    finally:
        os.close(descriptor)


def read_state(path: Path) -> dict[str, Any]:
    """What runs there, as last written by its supervisor; empty where nothing was."""
    return _read(path / STATE)


def password(path: Path, given: str = "") -> str:
    """The password of the folder's Neo4j, generated at first and kept readable by its owner only."""
    known = _read(path / SECRETS)
    if "neo4j_password" not in known:
        known["neo4j_password"] = given or secrets.token_urlsafe(24)
        write_whole(path / SECRETS, json.dumps(known))
    return str(known["neo4j_password"])


def is_password_set(path: Path) -> bool:
    """Whether the folder's Neo4j has taken the password."""
    return bool(_read(path / SECRETS).get("neo4j_password_set"))


def note_password_set(path: Path) -> None:
    write_whole(path / SECRETS, json.dumps({**_read(path / SECRETS), "neo4j_password_set": True}))


def is_alive(pid: int) -> bool:
    """Whether a process of this number runs."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
