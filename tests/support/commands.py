"""The command `redthread` as a user calls it, without the settings of the caller's shell.

`redthread` runs a command inside the test process, which costs no start of an interpreter. `redthread_forked` does so
where the test has a running event loop: in a forked process. `redthread_process` is for what is about processes:
detaching, signals, exit at a real pipe.
"""

import asyncio
import contextlib
import io
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping
from pathlib import Path
from unittest import mock

from infra.cli import app
from tests.support.forked import server
from tests.support.prepared import Run, run_all

CHECKOUT = Path(__file__).parents[2]
TIMEOUT_S = 240
CACHE_SETTINGS = ("REDTHREAD_MODELS", "REDTHREAD_MAVEN_REPOSITORY")
"""Settings that say where downloads are cached."""


def command(*arguments: object) -> tuple[list[str], dict[str, str]]:
    """The command line and the environment of `redthread ARGUMENTS`."""
    line = [sys.executable, "-P", "-m", "infra.cli", *(str(argument) for argument in arguments)]
    return line, {**_environment(), "PYTHONPATH": str(CHECKOUT)}


def redthread_process(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs `redthread ARGUMENTS` to its end in a process of its own."""
    line, environment = command(*arguments)
    return subprocess.run(
        line, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, cwd="/"
    )


async def redthread_forked(*arguments: object, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs `redthread ARGUMENTS` to its end in a forked process, with the settings `env`."""
    words = [str(argument) for argument in arguments]
    run = Run(words, {**_environment(), "PYTHONPATH": str(CHECKOUT), **env})
    server()  # in the main thread, as it must be
    [ended] = await asyncio.to_thread(run_all, [run], timeout_s=TIMEOUT_S)
    return subprocess.CompletedProcess(words, ended.code, ended.out, ended.err)


def redthread(*arguments: object, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs `redthread ARGUMENTS` to its end in this process, with the settings `env`; call it in the main thread."""
    assert threading.current_thread() is threading.main_thread(), "commands set signal handlers"
    words = [str(argument) for argument in arguments]
    out, err = io.StringIO(), io.StringIO()
    with (
        _working_folder(Path("/")),
        _signal_handlers(),
        mock.patch.dict(os.environ, {**_environment(), **(env or {})}, clear=True),
        mock.patch.object(sys, "argv", ["redthread", *words]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            code = app.run()
        finally:
            logging.captureWarnings(False)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def _environment() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if not name.startswith("REDTHREAD_") or name in CACHE_SETTINGS
    }


@contextlib.contextmanager
def _working_folder(folder: Path) -> Generator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextlib.contextmanager
def _signal_handlers() -> Generator[None]:
    """Restores pytest's handlers of signals afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
