"""Runs what owns processes, threads and temporary folders; Ctrl-C, SIGTERM and a closed terminal end it cleanly."""

import asyncio
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from graph.domain.errors import RedthreadError
from infra.terminal import announce

T = TypeVar("T")


def run_until_signalled(main: Coroutine[Any, Any, T], message: str = "stopping", *, resumable: bool = False) -> T:
    """The result of `main`, which SIGINT, SIGTERM and SIGHUP cancel; at the signal `message` is announced.

    Raises KeyboardInterrupt once a cancelled `main` has ended; of a resumable command it says so.
    """
    try:
        return asyncio.run(_run(main, message))
    except KeyboardInterrupt:
        if resumable:
            announce("interrupted: run the same command again to go on")
        raise


async def _run(main: Coroutine[Any, Any, T], message: str) -> T:
    task = asyncio.create_task(main)
    signalled = asyncio.Event()

    def cancel() -> None:
        # A second signal must not cut the cleaning up short.
        if not signalled.is_set():
            signalled.set()
            announce(message)
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, cancel)
    try:
        return await task
    except asyncio.CancelledError:
        if not signalled.is_set():
            raise
        raise KeyboardInterrupt from None


async def in_thread(work: Callable[[threading.Event], T]) -> T:
    """The result of `work` in a thread; its event is set when the caller is cancelled."""
    stop = threading.Event()
    try:
        return await asyncio.to_thread(work, stop)
    finally:
        stop.set()


@contextmanager
def scratch_folder(name: str) -> Generator[Path]:
    """An empty temporary folder, deleted at the end; after a RedthreadError the logs in its `data/logs` are kept."""
    with tempfile.TemporaryDirectory(prefix=f"redthread-{name}-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        try:
            yield folder
        except RedthreadError:
            logs = folder / "data" / "logs"
            if logs.is_dir():
                kept = tempfile.mkdtemp(prefix=f"redthread-{name}-logs-")
                shutil.copytree(logs, kept, dirs_exist_ok=True)
                announce(f"the logs are kept in {kept}")
            raise
