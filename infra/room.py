"""Waiting for free space in a command: what it has to write is written once there is room, and a person is told."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from graph.domain.errors import MediaStoreUnavailable
from graph.space import FULL, LOOK_S, Space

T = TypeVar("T")


class Room:
    """The free space of a command that writes; it says once that it waits, and once that it goes on."""

    def __init__(self, space: Space, announce: Callable[[str], None]) -> None:
        self._space = space
        self._announce = announce
        self.waits = False
        """Whether there was too little at the last look."""

    def look(self) -> bool:
        """Whether there is room for something new."""
        shortage = self._space.shortage()
        if (shortage is not None) != self.waits:
            self.waits = shortage is not None
            self._announce(
                f"waiting: too little free space, {shortage}" if shortage else "there is free space again: going on"
            )
        return not self.waits

    def wait(self, stop: threading.Event) -> None:
        """Returns once there is room, or `stop` is set."""
        while not self.look() and not stop.wait(LOOK_S):
            pass

    def write(self, work: Callable[[], T]) -> T:
        """What `work` returns, which is tried again for as long as the disk is full."""
        while True:
            try:
                return work()
            except (OSError, sqlite3.OperationalError, MediaStoreUnavailable) as error:
                if not _is_full(error):
                    raise
            self.look()
            time.sleep(LOOK_S)


def _is_full(error: BaseException) -> bool:
    if isinstance(error, sqlite3.OperationalError):
        return error.sqlite_errorname.startswith(("SQLITE_FULL", "SQLITE_IOERR"))
    cause = error.__cause__ if isinstance(error, MediaStoreUnavailable) else error
    return isinstance(cause, OSError) and cause.errno in FULL
