"""Runs many command lines of `redthread` for the price of one start: a process that has loaded every command forks.

Each run is a process of its own from the fork on: with its environment, user, limits and output, through the real
entry. What the interpreter reads at its start (PYTHON*) has no effect here, and of its end only the last flush is done:
to take down all the modules costs more than a run.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from infra.cli import COMMANDS
from infra.cli.__main__ import main

CHECKOUT = Path(__file__).parents[2]
AT_ONCE = 10
"""Runs at a time: many of them wait for servers that do not answer."""
OUTPUTS = ("read", "full", "closed")


@dataclass(frozen=True, slots=True)
class Run:
    """A command line and what is around it; `output` is where standard output goes, `encoding` what it takes."""

    words: list[str]
    env: dict[str, str] = field(default_factory=dict[str, str])
    output: str = "read"
    encoding: str = "utf-8"
    uid: int | None = None
    file_bytes: int | None = None
    """The largest file that it may write: with 0 every disk is as good as full."""


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str


def run_all(runs: Sequence[Run], *, timeout_s: float = 120) -> list[Ended]:
    """How each run ended."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.prepared"],
        input=json.dumps([asdict(run) for run in runs]),
        text=True,
        stdout=subprocess.PIPE,
        timeout=timeout_s,
        check=True,
        cwd=CHECKOUT,
    )
    return [Ended(**ended) for ended in json.loads(done.stdout)]


def _serve() -> None:
    """Reads the runs, and prints how each ended; returns in a child only, which is then to be run."""
    runs: list[dict[str, Any]] = json.load(sys.stdin)
    for module in set(COMMANDS.values()):
        import_module(f"infra.cli.{module}")
    import_module("infra.local.artifacts")  # commands import it late; a run as another user may not read all libraries
    gc.freeze()  # what the runs share is left alone by their collectors
    waiting = [(position, Run(**run)) for position, run in enumerate(runs)]
    started: dict[int, tuple[int, int, int]] = {}
    ended: dict[int, Ended] = {}
    while waiting or started:
        while waiting and len(started) < AT_ONCE:
            position, run = waiting.pop(0)
            out, err = os.pipe(), os.pipe()
            pid = os.fork()
            if pid == 0:
                _become(run, out, err)
                return
            os.close(out[1])
            os.close(err[1])
            started[pid] = (position, out[0], err[0])
        # What they print fits into a pipe, so it can be read when they are gone.
        pid, status = os.wait()
        position, out_end, err_end = started.pop(pid)
        ended[position] = Ended(os.waitstatus_to_exitcode(status), _all(out_end), _all(err_end))
    print(json.dumps([asdict(ended[position]) for position in range(len(runs))]))
    sys.exit()


def _all(descriptor: int) -> str:
    with os.fdopen(descriptor, "rb") as file:
        return file.read().decode()


def _become(run: Run, out: tuple[int, int], err: tuple[int, int]) -> None:
    """Makes this process the one that was asked for."""
    os.close(out[0])
    os.close(err[0])
    target = os.open("/dev/full", os.O_WRONLY) if run.output == "full" else out[1]
    if run.output == "closed":
        reader, target = os.pipe()
        os.close(reader)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(target, 1)
    os.dup2(err[1], 2)
    os.closerange(3, 1024)
    sys.stdout = open(1, "w", encoding=run.encoding)  # noqa: SIM115 - a descriptor
    sys.stderr = open(2, "w", encoding=run.encoding, errors="backslashreplace", buffering=1)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(run.env)
    if run.file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (run.file_bytes, run.file_bytes))
    if run.uid is not None:
        os.setgroups([])
        os.setgid(run.uid)
        os.setuid(run.uid)
    sys.argv = ["redthread", *run.words]


if __name__ == "__main__":
    _serve()
    try:
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
        try:
            sys.stdout.flush()
        except OSError:
            code = 120  # the interpreter's own, after a traceback
        os._exit(code)
