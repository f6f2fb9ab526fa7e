"""The supervisor with small children: what it restarts, what it ends, and what does not outlive it."""

import asyncio
import dataclasses
import errno
import os
import re
import signal
import subprocess
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest

from infra.local import supervisor as module
from infra.local.base import StackError
from infra.local.child import ChildSpec, end_process
from infra.local.datafolder import DataFolder, read_state
from infra.local.supervisor import Supervisor
from tests.support.harness import LONG_S
from tests.support.mounts import fill, tmpfs

CHECKOUT = Path(__file__).parents[3]
SLEEPS = "import time; print('begins', flush=True); time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open({mark!r}, 'w'); time.sleep(600)"
FAILS = "import sys; sys.exit('there is no cheese')"


def child(
    name: str, code: str, *, grace_s: float = 5.0, ready: Callable[[], Awaitable[None]] | None = None
) -> ChildSpec:
    return ChildSpec(name, (sys.executable, "-I", "-S", "-c", code), grace_s, ready=ready)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(LONG_S):
        while not true():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.02)


def test_a_child_that_needs_room_is_started_again_once_there_is_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Symptom: Kafka, started again and again on a full disk, came back without its topics."""
    rooms = [False, False, True]
    monkeypatch.setattr(module, "ROOM_EVERY_S", 0.01)
    monkeypatch.setattr(module, "has_room", lambda folder, needed: rooms.pop(0))
    said: list[str] = []

    async def story() -> None:
        supervisor = Supervisor(tmp_path, said.append, backoff_s=(0.05, 1.0))
        supervisor.start(dataclasses.replace(child("sleeper", SLEEPS), room=(tmp_path, 1)))
        await supervisor.wait_ready("sleeper")
        first = supervisor.children["sleeper"].pid
        os.kill(first, signal.SIGKILL)
        await until(lambda: supervisor.children["sleeper"].pid not in (0, first))
        await supervisor.stop_all()

    asyncio.run(story())
    assert rooms == []
    assert "sleeper is started again once there is free space" in said


def test_a_killed_child_runs_again_and_both_are_announced(tmp_path: Path) -> None:
    said: list[str] = []

    async def story() -> None:
        supervisor = Supervisor(tmp_path, said.append, backoff_s=(0.1, 1.0))
        supervisor.start(child("sleeper", SLEEPS))
        await supervisor.wait_ready("sleeper")
        first = supervisor.children["sleeper"].pid
        os.kill(first, signal.SIGKILL)
        await until(lambda: supervisor.children["sleeper"].pid not in (0, first))
        assert supervisor.children["sleeper"].restarts == 1
        await supervisor.stop_all()

    asyncio.run(story())
    assert re.match(r"sleeper ended \(by SIGKILL\) after \d+ s; again in 0 s", said[0])
    assert said[1] == "sleeper runs again (start 2)"


def test_a_child_that_keeps_ending_is_started_less_and_less_often(tmp_path: Path) -> None:
    starts: list[float] = []

    async def story() -> None:
        supervisor = Supervisor(tmp_path, lambda line: None, backoff_s=(0.2, 0.8), changed=lambda: note(supervisor))
        supervisor.start(child("failing", FAILS))
        await until(lambda: len(starts) >= 5)
        await supervisor.stop_all()

    def note(supervisor: Supervisor) -> None:
        at = supervisor.children["failing"].started_at if "failing" in supervisor.children else 0.0
        if at and at not in starts:
            starts.append(at)

    asyncio.run(story())
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert [round(gap / 0.2) >= wanted for gap, wanted in zip(gaps, (1, 2, 4, 4), strict=True)] == [True] * 4, gaps


def test_a_child_that_never_gets_ready_is_named_with_its_last_words(tmp_path: Path) -> None:
    async def story() -> None:
        supervisor = Supervisor(tmp_path, lambda line: None, backoff_s=(0.05, 0.1))
        supervisor.start(child("failing", FAILS, ready=lambda: asyncio.sleep(60)))
        try:
            async with asyncio.timeout(LONG_S):
                await supervisor.wait_ready("failing")
        finally:
            await supervisor.stop_all()

    with pytest.raises(StackError, match="failing does not start: there is no cheese"):
        asyncio.run(story())


def test_a_child_that_says_it_cannot_start_is_given_up_at_once_with_its_own_reason(tmp_path: Path) -> None:
    said: list[str] = []
    hopeless = dataclasses.replace(
        child("failing", "raise SystemExit(7)", ready=lambda: asyncio.sleep(60)),
        reason=lambda log, code: f"no cheese in {log.name}, says {code}",
        final=frozenset({7}),
    )

    async def story() -> None:
        supervisor = Supervisor(tmp_path, said.append, backoff_s=(60, 60))
        supervisor.start(hopeless)
        try:
            async with asyncio.timeout(LONG_S):
                await supervisor.wait_ready("failing")
        finally:
            await supervisor.stop_all()

    with pytest.raises(StackError, match=r"failing does not start: no cheese in failing\.log, says 7"):
        asyncio.run(story())
    ended = r"failing ended \(exit code 7: no cheese in failing\.log, says 7\) after \d+ s; again in 60 s"
    assert re.match(ended, said[0])


def test_a_child_that_ignores_sigterm_is_killed_after_its_grace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark, graces = tmp_path / "mark", list[float]()

    async def end(process: Process, grace_s: float) -> None:
        graces.append(grace_s)
        await end_process(process, grace_s)

    monkeypatch.setattr(module, "end_process", end)

    async def story() -> float:
        supervisor = Supervisor(tmp_path, lambda line: None)
        supervisor.start(child("stubborn", STUBBORN.format(mark=str(mark)), grace_s=0.5))
        await until(mark.exists)
        pid, began = supervisor.children["stubborn"].pid, time.monotonic()
        await supervisor.stop("stubborn")
        assert not psutil.pid_exists(pid)
        return time.monotonic() - began

    assert asyncio.run(story()) >= 0.5
    assert graces == [0.5]


@pytest.mark.skipif(sys.platform != "linux", reason="the leash is a feature of Linux")
def test_a_killed_supervisor_takes_its_children_with_it(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    program = f"""
import asyncio, sys
from pathlib import Path
from typing import Any
from infra.local.child import ChildSpec
from infra.local.supervisor import Supervisor

async def main():
    supervisor = Supervisor(Path({str(tmp_path)!r}), print)
    supervisor.start(ChildSpec("stubborn", (sys.executable, "-c", {STUBBORN.format(mark=str(mark))!r}), 5.0))
    while not Path({str(mark)!r}).exists():
        await asyncio.sleep(0.02)
    print(supervisor.children["stubborn"].pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=CHECKOUT)
    assert process.stdout is not None
    orphan = psutil.Process(int(process.stdout.readline()))
    process.kill()
    process.wait()
    orphan.wait(LONG_S)


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_reports_that_fail_end_nobodys_keeping_and_are_made_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk while a child ended: run.json could not be written, and the child stayed dead for ever."""
    monkeypatch.setattr(module, "FILES_EVERY_S", 0.1)
    said: list[str] = []
    written: list[int] = []
    disk = {"full": False}

    async def story() -> None:
        def write() -> None:
            if disk["full"]:
                full()
            written.append(supervisor.children["sleeper"].pid if supervisor.children else 0)

        supervisor = Supervisor(tmp_path, said.append, changed=write, backoff_s=(0.1, 1.0))
        supervisor.start(child("sleeper", SLEEPS))
        await supervisor.wait_ready("sleeper")
        # Given a full disk, When the child is killed
        disk["full"] = True
        first = supervisor.children["sleeper"].pid
        os.kill(first, signal.SIGKILL)
        # Then it runs again meanwhile, and is written down once there is space
        await until(lambda: supervisor.children["sleeper"].pid not in (0, first))
        disk["full"] = False
        await until(lambda: written[-1] == supervisor.children["sleeper"].pid)
        await supervisor.stop_all()

    asyncio.run(story())
    assert [line for line in said if "No space" in line] == [
        "what runs cannot be written down, trying again: [Errno 28] No space left on device"
    ]


def test_a_child_that_is_killed_while_the_disk_is_full_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same with the real file on a real full disk: the state, the log and its folder lie there."""
    monkeypatch.setattr(module, "FILES_EVERY_S", 0.1)

    async def story(data: Path) -> None:
        folder = DataFolder.acquire(data)

        def note() -> None:
            folder.write_state({"pids": [child.pid for child in supervisor.children.values()]})

        supervisor = Supervisor(data / "logs", lambda line: None, changed=note, backoff_s=(0.1, 1.0))
        supervisor.start(child("sleeper", SLEEPS))
        await supervisor.wait_ready("sleeper")
        first = supervisor.children["sleeper"].pid
        filler = fill(data)
        os.kill(first, signal.SIGKILL)
        await until(lambda: supervisor.children["sleeper"].pid not in (0, first))
        assert read_state(data) == {"pids": [first]}
        filler.unlink()
        await until(lambda: read_state(data) == {"pids": [supervisor.children["sleeper"].pid]})
        await supervisor.stop_all()
        folder.release()

    with tmpfs(tmp_path / "data", "400k") as data:
        asyncio.run(story(data))


def test_nobody_to_report_to_ends_nobodys_keeping(tmp_path: Path) -> None:
    async def story() -> None:
        supervisor = Supervisor(tmp_path, full, changed=full, backoff_s=(0.1, 1.0))
        supervisor.start(child("sleeper", SLEEPS))
        await supervisor.wait_ready("sleeper")
        first = supervisor.children["sleeper"].pid
        os.kill(first, signal.SIGKILL)
        await until(lambda: supervisor.children["sleeper"].pid not in (0, first))
        last = supervisor.children["sleeper"].pid
        await supervisor.stop_all()
        assert not psutil.pid_exists(last)

    asyncio.run(story())


def test_a_child_whose_log_cannot_be_written_runs_without_and_that_is_said(tmp_path: Path) -> None:
    """With a `logs` folder that could not be written, `up` hung and said nothing."""
    logs, said = tmp_path / "logs", list[str]()
    logs.write_text("a file where the folder should be")

    async def story() -> None:
        supervisor = Supervisor(logs, said.append, backoff_s=(0.1, 1.0))
        supervisor.start(child("sleeper", SLEEPS))
        await supervisor.wait_ready("sleeper")
        first = supervisor.children["sleeper"].pid
        logs.unlink()
        os.kill(first, signal.SIGKILL)
        await until(lambda: supervisor.children["sleeper"].pid not in (0, first))
        await until(lambda: (logs / "sleeper.log").exists())
        await supervisor.stop_all()

    asyncio.run(story())
    assert said[0] == f"sleeper runs without a log: {logs}/sleeper.log cannot be written (File exists)"


def test_a_start_that_fails_is_an_end_like_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    started = asyncio.create_subprocess_exec
    failing = [OSError(errno.EAGAIN, "Resource temporarily unavailable"), ValueError("embedded null byte")]

    async def start(*command: Any, **options: Any) -> Any:
        if failing:
            raise failing.pop(0)
        return await started(*command, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)

    async def story() -> None:
        supervisor = Supervisor(tmp_path, said.append, backoff_s=(0.05, 0.1))
        supervisor.start(child("sleeper", SLEEPS))
        await supervisor.wait_ready("sleeper")
        await supervisor.stop_all()
        failing[:] = [OSError(errno.ENOMEM, "Cannot allocate memory")] * 9
        supervisor.start(child("never", SLEEPS))
        try:
            await supervisor.wait_ready("never")
        finally:
            await supervisor.stop_all()

    with pytest.raises(StackError, match=r"never does not start: cannot be started: .*Cannot allocate memory"):
        asyncio.run(story())
    assert said[0].startswith("sleeper cannot be started: [Errno 11] Resource temporarily unavailable; again in 0 s")


def test_logs_are_kept_small_again_once_there_is_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FILES_EVERY_S", 0.05)
    rounds: list[bool] = []

    def cap(log: Path) -> None:
        rounds.append(True)
        if len(rounds) == 1:
            full()

    monkeypatch.setattr(module, "cap", cap)

    async def story() -> None:
        supervisor = Supervisor(tmp_path, lambda line: None)
        supervisor.start(child("sleeper", SLEEPS))
        await until(lambda: len(rounds) > 2)
        await supervisor.stop_all()

    asyncio.run(story())
