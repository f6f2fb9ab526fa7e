"""The ends of a worker process: an exit code, a crash point of a test, or the watchdog.

Every end here is like kill -9 (`os._exit`): nothing unfinished is committed, and the supervisor restarts it.
"""

import asyncio
import faulthandler
import os
import signal
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

EXIT_STUCK: Final = 70
EXIT_FENCED: Final = 75
EXIT_ALARM: Final = 78
"""Exit codes: no progress found by the watchdog; another process holds the gallery log; a person is needed."""


def describe_failure(error: BaseException) -> str:
    """The failure's type and its last stack frames, without its message, which could contain personal data."""
    frames = traceback.extract_tb(error.__traceback__)[-5:]
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} at {places}"


def end_process(code: int, reason: str) -> NoReturn:
    """Ends the process like kill -9, with the reason on standard error."""
    os.write(2, f"ALARM {reason}\n".encode())
    os._exit(code)


class CrashPoint:
    """Kills the process at one named place, once: a marker file records that it has happened.

    `armed` is `name` or `name@FILE`; empty never crashes. Tests set it through REDTHREAD_CRASH_AT.
    """

    def __init__(self, armed: str) -> None:
        self._name, _, marker = armed.partition("@")
        self._marker = Path(marker) if marker else None

    def reach(self, name: str) -> None:
        if name != self._name or (self._marker is not None and self._marker.exists()):
            return
        if self._marker is not None:
            self._marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class WatchdogLimits:
    """Seconds until each fault ends the process; `unassigned` must exceed the session timeout by 30."""

    loop: float = 30
    unassigned: float = 180
    progress: float = 300
    stop: float = 60
    look: float = 2


class Watchdog(threading.Thread):
    """Ends the process when its loop is blocked, it never gets a partition, makes no progress, or its stop hangs."""

    def __init__(self, app: Any, limits: WatchdogLimits | None = None) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._app = app
        self._limits = limits or WatchdogLimits()
        self._beat: float | None = None  # set by the first beat: beats start after the first assignment only
        self._stopping: float | None = None
        self._joined = False
        self._assigned = self._progress = time.monotonic()

    def progress(self) -> None:
        """Reports work done, or an intended wait."""
        self._progress = time.monotonic()

    async def beat(self) -> None:
        """Reports that the loop runs, for the life of the worker."""
        while True:
            self._beat = time.monotonic()
            await asyncio.sleep(1)

    def run(self) -> None:
        while True:
            time.sleep(self._limits.look)
            if reason := self._fault(time.monotonic()):
                try:
                    # Faust replaces sys.stderr by a proxy that faulthandler can't write to: descriptor 2 it is.
                    os.write(2, f"WATCHDOG {reason}\n".encode())
                    faulthandler.dump_traceback(file=2)
                finally:
                    os._exit(EXIT_STUCK)

    def _fault(self, now: float) -> str | None:
        assigned, lag = self._state()
        if assigned:
            self._joined, self._assigned = True, now
        if self._joined:
            self._assigned = now  # a member without partitions is a healthy standby
        if not assigned or lag == 0:
            self._progress = now
        if self._app.should_stop:
            self._stopping = self._stopping or now
        if self._stopping is not None and now - self._stopping > self._limits.stop:
            return "stop"
        if self._beat is not None and self._stopping is None and now - self._beat > self._limits.loop:
            return "loop"
        if now - self._assigned > self._limits.unassigned:
            return "unassigned"
        if now - self._progress > self._limits.progress:
            return "no progress"
        return None

    def _state(self) -> tuple[bool, int | None]:
        try:
            # Not `app.consumer`: that would create one, in this thread and for this thread's event loop.
            consumer = self._app._consumer
            partitions = list(consumer.assignment())
            committed = consumer._committed_offset
            lag = sum(max(0, (consumer.highwater(tp) or 0) - (committed.get(tp) or 0)) for tp in partitions)
            return bool(partitions), lag
        except Exception:  # noqa: BLE001  Faust's insides during start, rebalance and stop: not knowing is no fault.
            return False, None
