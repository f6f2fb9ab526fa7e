"""A process that the supervisor runs: its description, its state, its end."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from asyncio.subprocess import Process
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


@dataclass(slots=True)
class Child:
    """A child as it is now; `pid` is 0 while it does not run."""

    spec: ChildSpec
    log: Path
    pid: int = 0
    started_at: float = 0.0
    restarts: int = 0
    serves: bool = False
    """Whether the process that runs now is ready; `is_ready` says that one was."""
    failure: str = ""
    """Why the last start failed, where that is known better than by the last line of its log."""
    is_final: bool = False
    """Whether the exit code of its last process says that another one would end the same way."""
    is_ready: asyncio.Event = field(default_factory=asyncio.Event)
    is_hopeless: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


def leashed(on_orphaned: signal.Signals) -> tuple[str, ...]:
    """Words before a command that make it receive this signal when this process dies, however it dies."""
    return (sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), str(int(on_orphaned)))


def has_room(folder: Path, needed: int) -> bool:
    """Whether so many bytes are free in the folder; True where that cannot be read."""
    try:
        return shutil.disk_usage(folder).free >= needed
    except OSError:
        return True


async def end_process(process: Process, grace_s: float) -> None:
    """Returns when the process is gone: by SIGTERM, or by SIGKILL once its grace is over."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(grace_s):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def exit_text(code: int) -> str:
    """An exit code or a signal in words."""
    return f"by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
