"""Makes a command wait for free space instead of failing, and tells the person once that it waits."""

import sqlite3
import threading
from collections.abc import Callable
from typing import TypeVar

from graph.domain.errors import MediaStoreUnavailable
from graph.space import CHECK_EVERY_S, FULL, Space
from streams.client.submission import Interrupted

T = TypeVar("T")


class FreeSpace:
    """The free space that a command needs; `announce` gets a line when waiting begins and when it ends."""

    def __init__(self, space: Space, announce: Callable[[str], None], stop: threading.Event) -> None:
        self._space = space
        self._stop = stop
        self._announce = announce
        self._is_short = False

    def is_enough(self) -> bool:
        """Whether there is enough for something new, measured now."""
        shortage = self._space.shortage()
        if (shortage is not None) != self._is_short:
            self._is_short = shortage is not None
            self._announce(
                f"waiting: too little free space, {shortage}" if shortage else "there is free space again: going on"
            )
        return not self._is_short

    def wait(self) -> None:
        """Returns once there is enough. Raises Interrupted where the command is to stop."""
        while not self.is_enough():
            self._pause()

    def write(self, work: Callable[[], T]) -> T:
        """The result of `work`, which is repeated while the disk is full. Raises Interrupted."""
        while True:
            try:
                return work()
            except (OSError, sqlite3.OperationalError, MediaStoreUnavailable) as error:
                if not self._is_full(error):
                    raise
            self._pause()

    def _pause(self) -> None:
        if self._stop.wait(CHECK_EVERY_S):
            raise Interrupted("stopped while there was too little free space")

    def _is_full(self, error: BaseException) -> bool:
        is_enough = self.is_enough()
        # SQLite sometimes reports a full disk as a failed read or write, as it does a broken one.
        if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorname.startswith("SQLITE_IOERR"):
            return not is_enough
        return _names_full(error)


def _names_full(error: BaseException) -> bool:
    if isinstance(error, sqlite3.OperationalError):
        return error.sqlite_errorname.startswith("SQLITE_FULL")
    cause = error.__cause__ if isinstance(error, MediaStoreUnavailable) else error
    return isinstance(cause, OSError) and cause.errno in FULL
