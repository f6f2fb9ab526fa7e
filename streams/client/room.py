"""Waiting for free space in a command: what it has to write is written once there is room, and a person is told."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import TypeVar

from graph.domain.errors import MediaStoreUnavailable
from graph.space import FULL, LOOK_S, Space
from streams.client.submission import Interrupted

T = TypeVar("T")


class Room:
    """The free space of a command that writes; it says once that it waits, and once that it goes on."""

    def __init__(self, space: Space, announce: Callable[[str], None], stop: threading.Event) -> None:
        self._space = space
        self._stop = stop
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

    def wait(self) -> None:
        """Returns once there is room; Interrupted where the caller is to stop."""
        while not self.look():
            self._pause()

    def write(self, work: Callable[[], T]) -> T:
        """What `work` returns, which is tried again for as long as the disk is full. Raises Interrupted."""
        while True:
            try:
                return work()
            except (OSError, sqlite3.OperationalError, MediaStoreUnavailable) as error:
                if not self._is_full(error):
                    raise
            self._pause()

    def _pause(self) -> None:
        if self._stop.wait(LOOK_S):
            raise Interrupted("stopped while there was too little free space")

    def _is_full(self, error: BaseException) -> bool:
        # SQLite says of a full disk now and then that reading or writing failed; of a broken one it says nothing else.
        if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorname.startswith("SQLITE_IOERR"):
            return not self.look()
        self.look()
        return _names_full(error)


def _names_full(error: BaseException) -> bool:
    if isinstance(error, sqlite3.OperationalError):
        return error.sqlite_errorname.startswith("SQLITE_FULL")
    cause = error.__cause__ if isinstance(error, MediaStoreUnavailable) else error
    return isinstance(cause, OSError) and cause.errno in FULL
