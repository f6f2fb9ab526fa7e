"""The description of a process that the supervisor runs."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

NAME = "REDTHREAD_PROCESS"
"""Environment variable with the child's name, by which others find its process without the supervisor."""
LEASH = Path(__file__).with_name("leash.py")


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A process that is restarted whenever it ends.

    `env` is added to the supervisor's own. `grace_s` is how long it may take from SIGTERM to its end before SIGKILL.
    `on_orphaned` is the signal it gets when the supervisor dies unseen. `ready` returns once the process serves, and is
    awaited after every start; None: it is ready when it runs. `reason` returns why the process ended, from its
    log and exit code; None: the log's last line. `final` are the exit codes after which another start would fail the
    same way.
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
    """Words before a command that make it receive this signal when this process dies, however it dies."""
    return (sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), str(int(on_orphaned)))
