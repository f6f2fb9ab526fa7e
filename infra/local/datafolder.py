"""The data folder of one installation: its lock, the password of its Neo4j, and the record of what runs there."""

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import psutil
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from graph.atomic import write_whole
from infra.local.base import StackError

LOCK, SECRETS, STATE = "lock", "stack.json", "run.json"


@dataclass(slots=True)
class DataFolder:
    """A data folder that this process holds: no other process starts servers on it until `release`.

    The lock is a `flock` that the children inherit: it lasts until the last of them is gone, even where their
    supervisor was killed. Children inherit its `descriptor`.
    """

    path: Path
    descriptor: int

    @classmethod
    def acquire(cls, path: Path, *, patience_s: float = 45.0) -> Self:
        """Takes the folder, and makes it where it is absent.

        Raises StackError where another `up` holds it. Waits for servers whose supervisor was killed.
        """
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(path / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StackError(
                f"cannot write to the data folder {path}: {error.strerror}; name another with --data"
            ) from error

        def waits(is_locked: bool) -> bool:
            return not is_locked and not holds(path, _recorded(path))

        waiting = Retrying(
            retry=retry_if_result(waits),
            stop=stop_after_delay(patience_s),
            wait=wait_fixed(0.2),
            retry_error_callback=lambda _: False,
        )
        if not waiting(_try_lock, descriptor):
            os.close(descriptor)
            raise StackError(
                f"Redthread already runs on {path} (process {_recorded(path)}): stop it with `redthread down`, or name "
                "another folder with --data"
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        return cls(path, descriptor)

    def release(self) -> None:
        """Lets others take the folder; without the lock a remaining state file is ignored."""
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
    descriptor = os.open(path / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return not _try_lock(descriptor)
    finally:
        os.close(descriptor)


def _recorded(path: Path) -> int:
    """The number of the process that the last supervisor recorded; -1: there is none."""
    return int(read_state(path).get("pid", -1))


def holder(path: Path) -> int:
    """The number of the process that holds the folder, from the lock file; 0 where none does."""
    try:
        pid = int((path / LOCK).read_bytes() or b"0")
    except (OSError, ValueError):
        return 0
    return pid if pid and holds(path, pid) else 0


def read_state(path: Path) -> dict[str, Any]:
    """The supervisor's last record of what runs there; empty where there is none."""
    return _read(path / STATE)


def password(path: Path, given: str = "") -> str:
    """The password of the folder's Neo4j, generated at first and stored in a file that only its owner can read.

    Only a folder without a Neo4j gets a new one, since a Neo4j would not accept it. Raises StackError where the file
    cannot be read, or is missing although there is a Neo4j.
    """
    known = _secrets(path)
    if "neo4j_password" not in known:
        if any(account.exists() for account in _accounts(path)):
            raise StackError(f"{path / SECRETS} does not hold the password of the Neo4j in {path}: {_remedy(path)}")
        known["neo4j_password"] = given or secrets.token_urlsafe(24)
        write_whole(path / SECRETS, json.dumps(known))
    return str(known["neo4j_password"])


def is_password_set(path: Path) -> bool:
    """Whether the folder's Neo4j has accepted the password."""
    return bool(_secrets(path).get("neo4j_password_set"))


def record_password_set(path: Path) -> None:
    """Records that the folder's Neo4j has accepted the password."""
    write_whole(path / SECRETS, json.dumps({**_secrets(path), "neo4j_password_set": True}))


def holds(path: Path, pid: int) -> bool:
    """Whether a process of this number runs and has the folder's lock open: the system reuses numbers."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        lock = (path / LOCK).resolve()
        return any(Path(file.path) == lock for file in process.open_files())
    except psutil.AccessDenied:
        return True  # another user's process: its open files are hidden
    except (psutil.Error, ValueError):
        return False


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _secrets(path: Path) -> dict[str, Any]:
    """The content of the password file; empty only where there is none. StackError where it cannot be read."""
    try:
        known: object = json.loads((path / SECRETS).read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StackError(f"cannot read {path / SECRETS}: {error.strerror}") from error
    except ValueError:
        known = None
    if not isinstance(known, dict):
        raise StackError(f"{path / SECRETS} is damaged: {_remedy(path)}")
    return cast("dict[str, Any]", known)


def _accounts(path: Path) -> list[Path]:
    """Folders of Neo4j's accounts and list of databases; all other data are elsewhere."""
    return [path / "neo4j" / "data" / name / "system" for name in ("databases", "transactions")]


def _remedy(path: Path) -> str:
    places = " and ".join(str(account) for account in _accounts(path))
    return (
        f"stop it (`redthread down`), then put the file back from a copy; without a copy, delete it and {places}: "
        "Neo4j's account is all that they hold, and the next start sets a new password"
    )


def _read(path: Path) -> dict[str, Any]:
    """A JSON object in a file that may be lost; empty where it cannot be read."""
    try:
        found: object = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
