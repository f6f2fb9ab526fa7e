"""Has the servers' class-data archives made when nobody waits for anything: beside a stack that is idle.

`python -m infra.stack.archiving` makes them at once, of a stack that it starts for nothing else.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from pathlib import Path

import psutil

from graph.domain.errors import RedthreadError
from infra.settings import Settings
from infra.stack.archives import BACKGROUND
from infra.stack.local import LocalOptions, LocalStack
from infra.stack.supervisor import Supervisor

IDLE_S = 60.0
"""Seconds without work before the machine counts as idle: longer than a demo's pauses between its steps."""
IDLE_PERCENT = 20.0
"""Load of all cores that an idle stack stays below."""
FREE_BYTES = 1_500_000_000
"""Memory that must be free: making Neo4j's archive takes half of it for 20 seconds."""


async def make_when_idle(stack: LocalStack) -> None:
    """Makes the archives that a running stack started without, once the machine has nothing else to do.

    Cancelled, it ends at once and leaves no half archive.
    """
    psutil.cpu_percent()  # the first call begins the span that the next one measures
    while not stack.has_archives:
        await asyncio.sleep(IDLE_S)
        if psutil.cpu_percent() < IDLE_PERCENT and psutil.virtual_memory().available > FREE_BYTES:
            await stack.make_archives(priority=BACKGROUND)
            return


async def make_now(repository: str) -> bool:
    """Whether both servers have their archives; starts and stops them where one is missing."""
    with tempfile.TemporaryDirectory(prefix="redthread-archives-") as scratch:
        supervisor = Supervisor(Path(scratch) / "logs", lambda line: print(line, file=sys.stderr))
        options = LocalOptions(Path(scratch), repository=repository, short_lived=True)
        stack = LocalStack(options, supervisor, lambda line: None)
        try:
            if not await stack.find_archives():
                await stack.start()
        finally:
            await stack.stop()
        return await stack.make_archives()


async def _main() -> bool:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await make_now(Settings().maven_repository)


if __name__ == "__main__":
    try:
        sys.exit(0 if asyncio.run(_main()) else "redthread: no class-data archives could be made; starts take longer")
    except RedthreadError as error:
        sys.exit(f"redthread: {error.message}")
    except asyncio.CancelledError:
        sys.exit(130)
