"""Workers and API as child processes, and the environment by which they find everything."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping

import httpx

from infra.local.base import StackError
from infra.local.child import ChildSpec
from infra.local.logs import last_line
from infra.settings import CHECKOUT

WORKER_GRACE_S = 20.0
"""Above the worst time of one event; a killed worker's events are processed again."""
API_GRACE_S = 15.0
API_READY_S = 120.0
COMMON = {"PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1"}


def worker(kind: str, number: int, env: Mapping[str, str]) -> ChildSpec:
    """The `number`th worker of a kind (`embed`, `link`), in a slot of its own: its name among its group's members."""
    slot = f"{kind}-{number}"
    argv = (sys.executable, "-P", "-m", "streams.worker", kind)
    environment = {**env, **COMMON, "REDTHREAD_WORKER_SLOT": slot}
    if kind == "embed":
        # It decodes what strangers sent and never asks the graph; empty, for a child has our own environment too.
        environment["REDTHREAD_NEO4J_PASSWORD"] = ""
    return ChildSpec(slot, argv, WORKER_GRACE_S, env=environment, reason=lambda log, _: last_line(log))


def api(url: str, env: Mapping[str, str]) -> ChildSpec:
    """The API, ready once its /readyz says so, or that nothing but the media store is missing.

    A media store that is away is no reason to end an API that serves everything else.
    """
    argv = (sys.executable, "-P", "-m", "api.main")
    return ChildSpec("api", argv, API_GRACE_S, env={**env, **COMMON}, ready=lambda: _answers(f"{url}/readyz"))


async def _answers(url: str) -> None:
    until = time.monotonic() + API_READY_S
    # Without the environment's proxies: the loopback is never behind one.
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        while True:
            try:
                answer = await client.get(url)
                if answer.is_success or _lacks(answer) == {"media_store"}:
                    return
                said = f"says {answer.status_code}"
            except httpx.HTTPError as error:
                said = type(error).__name__
            if time.monotonic() > until:
                raise StackError(f"the API is not ready after {API_READY_S:.0f} s ({said})")
            await asyncio.sleep(0.1)


def _lacks(answer: httpx.Response) -> set[str]:
    """The parts that an API that is not ready misses; empty where it names none."""
    try:
        return {name for name, state in answer.json()["parts"].items() if state != "ready"}
    except (ValueError, KeyError, TypeError, AttributeError):  # not what our API answers
        return set()
