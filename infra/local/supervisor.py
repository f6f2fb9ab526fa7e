"""Keeps child processes running, and ends all of them with itself.

A child is started on a leash (it dies with this process, however that dies), restarted whenever it ends, and stopped by
SIGTERM, then SIGKILL. Its output goes straight into a file, so that it outlives a killed supervisor. A failure
around a child, such as of a report on a full disk, does not end its supervision.
"""

import asyncio
import contextlib
import os
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from infra.local.base import StackError
from infra.local.child import NAME, Child, ChildSpec, end_process, exit_text, has_room, leashed
from infra.local.logs import append_to, cap, last_line

BACKOFF_S = (1.0, 30.0)
ROOM_EVERY_S = 1.0
HEALTHY_S = 60.0
"""Seconds of running after which the next end counts as the first again."""
HOPELESS = 3
"""Ends in a row, without ever having been ready, after which waiting for a child is given up."""
FILES_EVERY_S = 5.0
"""Seconds between two checks of the logs' sizes, and between two attempts at a report that failed."""


class Supervisor:
    """Owns its children from `start` to `stop`; build it inside the running loop.

    `announce` gets a line about every crash and restart; `changed` is called when a child starts or ends, and again
    where it raises. `keep_open` are descriptors that children inherit, such as a lock that must outlast them.
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
        self._maintenance: asyncio.Task[None] | None = None
        self._unreported = ""

    def start(self, spec: ChildSpec) -> None:
        """Starts a child and restarts it whenever it ends; returns at once."""
        child = Child(spec, self._logs / f"{spec.name}.log")
        self.children[spec.name] = child
        child.task = asyncio.create_task(self._supervise(child), name=f"supervise {spec.name}")
        if self._maintenance is None:
            self._maintenance = asyncio.create_task(self._maintain_files(), name="maintain files")

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
        self.report()
        if not self.children and self._maintenance is not None:
            self._maintenance.cancel()
            self._maintenance = None

    async def stop_all(self) -> None:
        await self.stop(*self.children)

    def report(self) -> None:
        """Calls `changed`; a failure is announced once, and the call is repeated until it succeeds."""
        try:
            self._changed()
        # Whatever it is: children run on also while nothing can be reported.
        except Exception as error:  # noqa: BLE001
            if not self._unreported:
                self._notify(f"what runs cannot be written down, trying again: {error}")
            self._unreported = str(error)
        else:
            self._unreported = ""

    def _notify(self, line: str) -> None:
        # A closed or full standard error must not end the supervision.
        with contextlib.suppress(Exception):
            self._announce(line)

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
        if child.failure:
            return f"{child.spec.name} does not start: {child.failure}"
        return f"{child.spec.name} does not start: {last_line(child.log)} (all of it: {child.log})"

    async def _supervise(self, child: Child) -> None:
        """Starts the child again whenever it ends, until cancelled; then stops it."""
        delay = self._backoff_s[0]
        while True:
            began = time.monotonic()
            end = await self._run(child)
            ran_s = time.monotonic() - began
            delay = self._backoff_s[0] if ran_s >= HEALTHY_S else delay
            child.restarts += 1
            if not child.is_ready.is_set() and (child.restarts >= HOPELESS or child.is_final):
                child.is_hopeless.set()
            self._notify(f"{child.spec.name} {end}; again in {delay:.0f} s: {child.log}")
            self.report()
            await asyncio.sleep(delay)
            await self._wait_for_room(child)
            delay = min(delay * 2, self._backoff_s[1])

    async def _wait_for_room(self, child: Child) -> None:
        """Returns once there is room for a start, where the child needs any."""
        announced = False
        while child.spec.room is not None and not has_room(*child.spec.room):
            if not announced:
                self._notify(f"{child.spec.name} is started again once there is free space")
                announced = True
            await asyncio.sleep(ROOM_EVERY_S)

    async def _run(self, child: Child) -> str:
        """How the child's next process ended, or why there was none; cancelled, it stops the process."""
        began = time.monotonic()
        try:
            process = await self._spawn(child)
        # No memory, process or file descriptor is left, or anything else: treated like any other end.
        except Exception as error:  # noqa: BLE001
            child.failure = f"cannot be started: {error}"
            return child.failure
        child.failure = ""
        ready = asyncio.create_task(self._become_ready(child, process))
        try:
            code = await process.wait()
            meaning = exit_text(code)
            child.is_final = code in child.spec.final
            if child.spec.reason is not None:
                why = await self._reason(child, code)
                child.failure, meaning = f"{why} (all of it: {child.log})", f"{meaning}: {why}"
            return f"ended ({meaning}) after {time.monotonic() - began:.0f} s"
        except asyncio.CancelledError:
            await end_process(process, child.spec.grace_s)
            raise
        finally:
            ready.cancel()
            # Not in a `suppress`: that would also swallow the end that `stop` asks this task for.
            await asyncio.gather(ready, return_exceptions=True)
            child.pid, child.serves = 0, False

    async def _reason(self, child: Child, code: int) -> str:
        """Why the child ended, by its own logs; its last line where they cannot be searched."""
        assert child.spec.reason is not None
        try:
            return await asyncio.to_thread(child.spec.reason, child.log, code)
        except Exception:  # noqa: BLE001  Whatever fails in the search: the child is restarted all the same.
            return last_line(child.log)

    async def _spawn(self, child: Child) -> Process:
        """The child's process, on its leash, in a session of its own so that Ctrl-C reaches only the supervisor."""
        spec = child.spec
        with self._open_log(child) as log:
            process = await asyncio.create_subprocess_exec(
                *leashed(spec.on_orphaned),
                *spec.argv,
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **spec.env, NAME: spec.name},
                start_new_session=True,
                pass_fds=self._keep_open,
            )
        child.pid, child.started_at = process.pid, time.time()
        self.report()
        return process

    def _open_log(self, child: Child) -> BinaryIO:
        """The child's log, or /dev/null where it cannot be written: the child must run all the same."""
        try:
            self._logs.mkdir(parents=True, exist_ok=True)
            return append_to(child.log)
        except OSError as error:
            self._notify(f"{child.spec.name} runs without a log: {child.log} cannot be written ({error.strerror})")
            return Path(os.devnull).open("ab", buffering=0)

    async def _become_ready(self, child: Child, process: Process) -> None:
        """Marks the child as ready once it is; ends a child whose check fails, so that it is restarted."""
        if child.spec.ready is not None:
            try:
                await child.spec.ready()
            # Whatever the check raises: this process does not serve, so another one is started.
            except Exception as error:  # noqa: BLE001
                self._notify(f"{child.spec.name} is not ready: {error}")
                await end_process(process, child.spec.grace_s)
                return
        child.serves = True
        if not child.is_ready.is_set():
            child.is_ready.set()
        elif child.restarts:
            self._notify(f"{child.spec.name} runs again (start {child.restarts + 1})")
        self.report()

    async def _maintain_files(self) -> None:
        """Limits the logs' sizes, and repeats reports that failed."""
        while True:
            await asyncio.sleep(FILES_EVERY_S)
            for child in list(self.children.values()):
                # On a full disk or without permission to write: retried in the next round.
                with contextlib.suppress(OSError):
                    await asyncio.to_thread(cap, child.log)
            if self._unreported:
                self.report()
