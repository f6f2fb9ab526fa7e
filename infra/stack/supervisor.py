"""Keeps child processes running, and ends all of them with itself.

A child is started on a leash (it dies with this process, however that dies), restarted whenever it ends, and stopped by
SIGTERM, then SIGKILL. Its output goes straight into a file, so that it outlives a killed supervisor.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.stack.base import StackError
from infra.stack.child import ChildSpec, leashed
from infra.stack.logs import append_to, cap, last_line

BACKOFF_S = (1.0, 30.0)
HEALTHY_S = 60.0
"""Seconds of running after which the next end counts as the first again."""
HOPELESS = 3
"""Ends in a row, without ever having been ready, after which waiting for a child is given up."""
LOGS_EVERY_S = 5.0


@dataclass(slots=True)
class Child:
    """A child as it is now; `pid` is 0 while it does not run."""

    spec: ChildSpec
    log: Path
    pid: int = 0
    started_at: float = 0.0
    restarts: int = 0
    why: str = ""
    """Why it ended last, where its spec finds out."""
    is_ready: asyncio.Event = field(default_factory=asyncio.Event)
    is_hopeless: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Supervisor:
    """Owns its children from `start` to `stop`; build it inside the running loop.

    `announce` gets a line about every crash and restart; `changed` is called when a child starts or ends.
    `keep_open` are descriptors that children inherit, such as a lock that must last as long as they do.
    """

    def __init__(
        self,
        logs: Path,
        announce: Callable[[str], None],
        *,
        changed: Callable[[], None] = lambda: None,
        keep_open: Sequence[int] = (),
        backoff_s: tuple[float, float] = BACKOFF_S,
    ) -> None:
        self.children: dict[str, Child] = {}
        self._logs = logs
        self._announce = announce
        self._changed = changed
        self._keep_open = tuple(keep_open)
        self._backoff_s = backoff_s
        self._keeper: asyncio.Task[None] | None = None

    def start(self, spec: ChildSpec) -> None:
        """Begins to keep a child running; returns at once."""
        self._logs.mkdir(parents=True, exist_ok=True)
        child = Child(spec, self._logs / f"{spec.name}.log")
        self.children[spec.name] = child
        child.task = asyncio.create_task(self._keep_running(child), name=f"keep {spec.name}")
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._cap_logs(), name="cap logs")

    async def wait_ready(self, *names: str) -> None:
        """Returns once all of these children were ready; StackError where one ends again and again before that."""
        async with asyncio.TaskGroup() as group:
            waits = [group.create_task(self._wait_ready(self.children[name])) for name in names]
        for wait in waits:
            if (message := wait.result()) is not None:
                raise StackError(message)

    async def stop(self, *names: str) -> None:
        """Ends these children, all at once; each has its grace period before it is killed."""
        children = [self.children.pop(name) for name in names if name in self.children]
        for child in children:
            if child.task is not None:
                child.task.cancel()
        await asyncio.gather(*(child.task for child in children if child.task is not None), return_exceptions=True)
        self._changed()
        if not self.children and self._keeper is not None:
            self._keeper.cancel()
            self._keeper = None

    async def stop_all(self) -> None:
        await self.stop(*self.children)

    async def _wait_ready(self, child: Child) -> str | None:
        """None once the child is ready, else why it will not be."""
        waits = {asyncio.create_task(event.wait()) for event in (child.is_ready, child.is_hopeless)}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if child.is_ready.is_set():
            return None
        return f"{child.spec.name} does not start: {child.why or last_line(child.log)} (all of it: {child.log})"

    async def _keep_running(self, child: Child) -> None:
        """Starts the child again whenever it ends, until cancelled; then stops it."""
        delay = self._backoff_s[0]
        while True:
            process = await self._spawn(child)
            ready = asyncio.create_task(self._become_ready(child, process))
            try:
                code = await process.wait()
            except asyncio.CancelledError:
                await _end(process, child.spec.grace_s)
                raise
            finally:
                ready.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await ready
                child.pid = 0
            ran_s = time.time() - child.started_at
            delay = self._backoff_s[0] if ran_s >= HEALTHY_S else delay
            child.restarts += 1
            child.why = child.spec.reason(child.log, code) if child.spec.reason is not None else ""
            if not child.is_ready.is_set() and (child.restarts >= HOPELESS or code in child.spec.final):
                child.is_hopeless.set()
            why = f": {child.why}" if child.why else ""
            self._announce(
                f"{child.spec.name} ended ({_meaning(code)}{why}) after {ran_s:.0f} s; again in {delay:.0f} s: "
                f"{child.log}"
            )
            self._changed()
            await asyncio.sleep(delay)
            delay = min(delay * 2, self._backoff_s[1])

    async def _spawn(self, child: Child) -> Process:
        """The child's process, on its leash, in a session of its own so that Ctrl-C reaches only the supervisor."""
        spec = child.spec
        with append_to(child.log) as log:
            process = await asyncio.create_subprocess_exec(
                *leashed(spec.on_orphaned), *spec.argv, stdin=DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **spec.env}, start_new_session=True, pass_fds=self._keep_open,
            )  # fmt: skip
        child.pid, child.started_at = process.pid, time.time()
        self._changed()
        return process

    async def _become_ready(self, child: Child, process: Process) -> None:
        """Marks the child as ready once it is; a child that never gets so is ended, to be tried again."""
        if child.spec.ready is not None:
            try:
                await child.spec.ready()
            # Whatever the check raises means the same: this process does not serve, so another must be tried.
            except Exception as error:  # noqa: BLE001
                self._announce(f"{child.spec.name} is not ready: {error}")
                await _end(process, child.spec.grace_s)
                return
        if not child.is_ready.is_set():
            child.is_ready.set()
        elif child.restarts:
            self._announce(f"{child.spec.name} runs again (start {child.restarts + 1})")
        self._changed()

    async def _cap_logs(self) -> None:
        while True:
            await asyncio.sleep(LOGS_EVERY_S)
            for child in list(self.children.values()):
                await asyncio.to_thread(cap, child.log)


async def _end(process: Process, grace_s: float) -> None:
    """Returns when the process is gone: by SIGTERM, or by SIGKILL once its grace is over."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(grace_s):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _meaning(code: int) -> str:
    return f"by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
