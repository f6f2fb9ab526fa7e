"""What the supervisor runs: a process described as data."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

NAME = "REDTHREAD_PROCESS"
"""In a child's environment: its name, by which others find its process without asking the supervisor."""
LEASH = Path(__file__).with_name("leash.py")


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A process to keep running.

    `env` is added to the supervisor's own. `grace_s` is how long it may take from SIGTERM to its end before SIGKILL.
    `on_orphaned` is the signal it gets when the supervisor dies unseen. `ready` returns once the process serves, and is
    awaited after every start; None: it is ready when it runs. `reason` finds out by the process's log and exit code why
    it ended; None: the log's last line says so. `final` are the exit codes by which it says that another start would
    fail the same way.
    """

    name: str
    argv: tuple[str, ...]
    grace_s: float
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    on_orphaned: signal.Signals = signal.SIGKILL
    ready: Callable[[], Awaitable[None]] | None = None
    reason: Callable[[Path, int], str] | None = None
    final: frozenset[int] = frozenset()
    room: tuple[Path, int] | None = None
    """A folder, and the bytes that must be free in it before the process is started again."""


def leashed(on_orphaned: signal.Signals) -> tuple[str, ...]:
    """What to put before a command so that it gets this signal when this process dies, however it dies."""
    return (sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), str(int(on_orphaned)))
