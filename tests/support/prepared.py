"""Runs many command lines of `redthread` as forked processes, each with its own user, limits and output."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.support.forked import Start, server, start

AT_ONCE = 10
"""Runs at a time: many of them wait for servers that do not answer."""


@dataclass(frozen=True, slots=True)
class Run:
    """A command line and what is around it.

    `output` is where standard output goes: `read`, `full` or `closed`. The rest is as in `Start`.
    """

    words: list[str]
    env: dict[str, str] = field(default_factory=dict[str, str])
    output: str = "read"
    encoding: str = "utf-8"
    uid: int | None = None
    file_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str


def run_all(runs: Sequence[Run], *, timeout_s: float = 120) -> list[Ended]:
    """How each run ended."""
    server()  # started by this thread, not by one of those that end with this call
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(lambda run: _ended(run, timeout_s), runs))


def _ended(run: Run, timeout_s: float) -> Ended:
    asked = Start("infra.cli", run.words, run.env, encoding=run.encoding, uid=run.uid, file_bytes=run.file_bytes)
    (out, out_end), (err, err_end) = os.pipe(), os.pipe()
    target = _target(run.output, out_end)
    process = start(asked, target, err_end)
    for descriptor in {target, out_end, err_end}:
        os.close(descriptor)
    # What they print fits into a pipe, so the two can be read one after the other.
    said = [_all(end) for end in (out, err)]
    return Ended(process.wait(timeout_s), *said)


def _target(output: str, read: int) -> int:
    """Where standard output goes: `read` is the pipe that is read."""
    if output == "full":
        return os.open("/dev/full", os.O_WRONLY)
    if output == "closed":
        reader, target = os.pipe()
        os.close(reader)
        return target
    return read


def _all(descriptor: int) -> str:
    with os.fdopen(descriptor, "rb") as file:
        return file.read().decode()
