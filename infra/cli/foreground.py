"""Runs a command that owns processes: Ctrl-C, SIGTERM and a closed terminal end it, and it cleans up first."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

INTERRUPTED = 130
"""The exit code of a command that a signal ended before it was done."""

T = TypeVar("T")


def run_until_signalled(main: Coroutine[Any, Any, int], leaving: Callable[[], None]) -> int:
    """The exit code of `main`, or INTERRUPTED where a signal ended it; `leaving` is called at the signal."""
    return asyncio.run(_run(main, leaving))


async def _run(main: Coroutine[Any, Any, int], leaving: Callable[[], None]) -> int:
    task = asyncio.create_task(main)
    asked = asyncio.Event()

    def leave() -> None:
        # A second signal while things stop must not cut their stop short.
        if not asked.is_set():
            asked.set()
            leaving()
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, leave)
    try:
        return await task
    except asyncio.CancelledError:
        if not asked.is_set():
            raise
        return INTERRUPTED


async def in_thread(work: Callable[[threading.Event], T]) -> T:
    """What `work` returns, run in a thread; where the caller is cancelled, `work` is told by the event it is given."""
    stop = threading.Event()
    try:
        return await asyncio.to_thread(work, stop)
    finally:
        stop.set()
