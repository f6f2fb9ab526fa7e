"""Has the servers' class-data archives made when nobody waits for anything: beside a stack that is idle."""

from __future__ import annotations

import asyncio

import psutil

from infra.local.archives import BACKGROUND
from infra.local.memory import memory
from infra.local.stack import LocalStack

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
        if psutil.cpu_percent() < IDLE_PERCENT and memory().available > FREE_BYTES:
            await stack.make_archives(priority=BACKGROUND)
            return
