"""Crash points: places where a failure test lets the process die as by kill -9."""

from __future__ import annotations

import os
import signal
from pathlib import Path


class CrashPoint:
    """Kills the process at one named place, once: a marker file remembers that it has happened.

    `armed` reads `name` or `name@FILE`; empty never crashes. Used by tests through REDTHREAD_CRASH_AT.
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
