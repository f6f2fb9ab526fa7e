"""Forked processes of tests end as others do, whoever starts them."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

from tests.support.forked import Start, server, start
from tests.support.prepared import Run, run_all

VERSION = Run(["--version"], dict(os.environ))


def test_the_process_that_forks_outlives_the_threads_that_use_it() -> None:
    """Symptom: the second command of a test process failed. Linux ends a process with the thread that started it."""
    assert [ended.code for ended in run_all([VERSION])] == [0]
    with ThreadPoolExecutor(1) as threads:
        [ended] = threads.submit(run_all, [VERSION]).result()
    assert (ended.code, ended.err) == (0, "")


def test_a_killed_process_tells_its_signal() -> None:
    server()
    with open(os.devnull, "wb") as output:  # noqa: PTH123 - a descriptor
        asked = Start("http.server", ["--bind", "127.0.0.1", "0"], dict(os.environ))
        process = start(asked, output.fileno(), output.fileno())
    assert process.poll() is None
    process.kill()
    assert process.wait() == -signal.SIGKILL


def test_processes_that_end_at_one_moment_are_all_reaped() -> None:
    """Symptom: the process that forks ended with a ChildProcessError, and every later command of the tests with it."""
    assert [ended.code for ended in run_all([VERSION] * 12)] == [0] * 12
    assert [ended.code for ended in run_all([VERSION])] == [0]
