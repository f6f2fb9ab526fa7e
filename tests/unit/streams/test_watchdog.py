"""The watchdog ends a process that no longer works, and none that does; its clock is the test's."""

import asyncio
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from streams import process as module
from streams.kafka.app import make_app
from streams.kafka.connection import KafkaConnection
from streams.process import EXIT_STUCK, Watchdog, WatchdogLimits
from streams.topics import LINK_GROUP

LIMITS = WatchdogLimits()


class Clock:
    """`time` as the watchdog uses it: it moves only when the test says so."""

    now = 1_000.0

    def monotonic(self) -> float:
        return self.now


class Consumer:
    """What the watchdog reads of Faust's consumer: one partition where `assigned`, and how far it is behind."""

    def __init__(self) -> None:
        self.assigned, self.end, self._committed_offset = True, 0, {"p": 0}

    def assignment(self) -> set[str]:
        return {"p"} if self.assigned else set()

    def highwater(self, partition: str) -> int:
        return self.end


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def watched(consumer: Consumer | None) -> tuple[Watchdog, SimpleNamespace]:
    app = SimpleNamespace(_consumer=consumer, should_stop=False)
    return Watchdog(app, LIMITS), app


def after(watchdog: Watchdog, clock: Clock, seconds: float) -> str | None:
    """What the watchdog finds this many seconds later."""
    clock.now += seconds
    return watchdog._fault(clock.now)


def test_records_that_wait_and_nothing_that_moves_are_a_fault(clock: Clock) -> None:
    consumer = Consumer()
    watchdog, _ = watched(consumer)
    assert after(watchdog, clock, 0) is None
    consumer.end = 5

    assert after(watchdog, clock, LIMITS.progress) is None
    assert after(watchdog, clock, 1) == "no progress"


def test_progress_feeds_it(clock: Clock) -> None:
    consumer = Consumer()
    consumer.end = 5
    watchdog, _ = watched(consumer)
    for _ in range(10):
        assert after(watchdog, clock, LIMITS.progress) is None
        watchdog.progress()

    assert after(watchdog, clock, LIMITS.progress + 1) == "no progress"


def test_a_worker_with_nothing_to_do_lives_for_ever(clock: Clock) -> None:
    consumer = Consumer()
    watchdog, _ = watched(consumer)

    assert all(after(watchdog, clock, 10 * LIMITS.progress) is None for _ in range(5))

    consumer.end = 1  # the first record after a long rest has the whole time
    assert after(watchdog, clock, LIMITS.progress) is None


def test_a_worker_that_never_gets_a_partition_is_a_fault(clock: Clock) -> None:
    consumer = Consumer()
    consumer.assigned = False
    watchdog, _ = watched(consumer)

    assert after(watchdog, clock, LIMITS.unassigned) is None
    assert after(watchdog, clock, 1) == "unassigned"


def test_a_worker_that_had_a_partition_once_is_a_standby_without_one(clock: Clock) -> None:
    consumer = Consumer()
    consumer.end = 5
    watchdog, app = watched(consumer)
    assert after(watchdog, clock, 1) is None
    consumer.assigned = False

    assert all(after(watchdog, clock, 10 * LIMITS.unassigned) is None for _ in range(5))

    app._consumer = None  # as while Faust assigns anew: not knowing is no fault
    assert all(after(watchdog, clock, 10 * LIMITS.progress) is None for _ in range(5))


def test_an_app_that_does_not_start_is_a_fault(clock: Clock) -> None:
    watchdog, _ = watched(None)

    assert after(watchdog, clock, LIMITS.unassigned) is None
    assert after(watchdog, clock, 1) == "unassigned"


def test_a_blocked_loop_is_a_fault_once_it_has_beaten(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    watchdog, _ = watched(Consumer())
    assert after(watchdog, clock, LIMITS.loop + 1) is None  # beats begin after the first assignment

    async def stop(_: float) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(module, "asyncio", SimpleNamespace(sleep=stop))
    for _ in range(2):  # each beat gives the whole time again
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(watchdog.beat())
        assert after(watchdog, clock, LIMITS.loop) is None

    assert after(watchdog, clock, 1) == "loop"


def test_a_stop_that_hangs_is_a_fault_and_its_loop_is_not_asked(clock: Clock) -> None:
    watchdog, app = watched(Consumer())
    watchdog._beat = clock.now
    app.should_stop = True
    assert after(watchdog, clock, 0) is None

    assert after(watchdog, clock, LIMITS.stop) is None  # longer than a loop may be silent
    assert after(watchdog, clock, 1) == "stop"


def test_the_process_ends_at_once_with_the_reason() -> None:
    """As kill -9 would: neither `finally` nor what is registered for the exit runs."""
    program = (
        "import atexit, sys, time; sys.path.insert(0, '.')\n"
        "from types import SimpleNamespace\n"
        "from streams.process import Watchdog, WatchdogLimits as Limits\n"
        "atexit.register(print, 'cleaned up')\n"
        "app = SimpleNamespace(_consumer=None, should_stop=False)\n"
        "Watchdog(app, Limits(unassigned=-1, look=0.01)).start()\n"
        "try: time.sleep(300)\n"
        "finally: print('went on')\n"
    )
    root = Path(module.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == EXIT_STUCK
    assert done.stderr.startswith("WATCHDOG unassigned\n")
    assert "File " in done.stderr  # where every thread stood
    assert done.stdout == ""


def test_a_check_before_the_app_has_started_creates_no_consumer(tmp_path: Path) -> None:
    """Symptom: on a busy machine link ended at its start, time after time (*attached to a different loop*).

    Cause: the first look came before the app had a consumer, and made one that belonged to the watchdog's thread.
    """
    app = make_app(LINK_GROUP, KafkaConnection("127.0.0.1:1"), tmp_path, session_timeout_s=6.0)

    assert Watchdog(app)._state() == (False, None)

    assert app._consumer is None
