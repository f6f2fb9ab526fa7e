"""Starts processes of Redthread for the price of a fork: one process has loaded all modules and forks for each.

Loading the modules costs a worker or a command one to two seconds of processor time. From the fork on each is a process
of its own, in its own session, with its own environment and output, and runs the module as `python -m` does. Two things
differ: what the interpreter reads at its start (PYTHON*) has no effect, and at the end it flushes its output and does
not take down its modules. Starts by the interpreter are tested in tests/integration/servers and tests/journeys.
"""

import atexit
import ctypes
import gc
import json
import os
import resource
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from infra.local.child import leashed
from infra.local.leash import PR_SET_PDEATHSIG

CHECKOUT = Path(__file__).parents[2]
LOADED = ("streams.link.process", "api.main", "infra.cli.app", "infra.local.artifacts")
"""Link first: it limits the threads of the linear algebra before that is loaded."""
REQUEST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Start:
    """A module to run, with its arguments and what is around it.

    `encoding` is that of standard output. `uid` is the user that it runs as. It may write files of `file_bytes`: with 0
    every disk is as good as full.
    """

    module: str
    words: Sequence[str]
    env: Mapping[str, str]
    encoding: str = "utf-8"
    uid: int | None = None
    file_bytes: int | None = None
    folder: str = "/"


@dataclass(slots=True)
class Forked:
    """A started process, used like a `subprocess.Popen`."""

    pid: int
    _ended: int
    """The end of a pipe through which the exit status arrives."""
    returncode: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def poll(self) -> int | None:
        """The exit status, negative for a signal; None while the process runs."""
        with self._lock:
            if self.returncode is None:
                try:
                    status = os.read(self._ended, 16)
                except BlockingIOError:
                    return None
                os.close(self._ended)
                # Without a status the process that forks is gone, and everything that it started with it.
                self.returncode = int(status) if status else -signal.SIGKILL
            return self.returncode

    def wait(self, timeout: float = 120) -> int:
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class _Server:
    """The process that forks; it ends, and all that it started, when this one does."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [*leashed(signal.SIGKILL), sys.executable, "-m", "tests.support.forked", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                cwd=CHECKOUT,
            )
        atexit.register(self._end)

    def _end(self) -> None:
        self._socket.close()
        self._process.wait()

    def start(self, asked: Start, output: int, errors: int) -> Forked:
        ours, theirs = os.pipe()
        os.set_blocking(ours, False)
        with self._lock:
            request = json.dumps(asdict(asked)).encode()
            socket.send_fds(self._socket, [request], [output, errors, theirs])
            os.close(theirs)
            answer = self._socket.recv(REQUEST_BYTES)
        assert answer, "the process that forks has ended"
        return Forked(int(answer), ours)


@cache
def server() -> _Server:
    """The process that forks. The first call starts it, in the main thread: it dies with the thread that started it."""
    assert threading.current_thread() is threading.main_thread()
    return _Server()


def start(asked: Start, output: int, errors: int) -> Forked:
    """Starts a process that writes to these descriptors, which the caller may close."""
    return server().start(asked, output, errors)


# --- in the process that forks ---


def _serve(asked: socket.socket) -> Start:
    """Forks for each request; returns in the forked processes only, with what each is to run."""
    ends: dict[int, tuple[int, int]] = {}
    """By the descriptor of each forked process, its id and the pipe for its exit status."""
    while True:
        ready, _, _ = select.select([asked, *ends], [], [])
        for ended in ends.keys() & set(ready):
            pid, end = ends.pop(ended)
            _, status = os.waitpid(pid, 0)
            os.write(end, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(end)
            os.close(ended)
        if asked not in ready:
            continue
        request, descriptors, _, _ = socket.recv_fds(asked, REQUEST_BYTES, 3)
        if not request:
            os._exit(0)
        output, errors, end = descriptors
        pid = os.fork()
        if pid == 0:
            found = Start(**json.loads(request))
            _become(found, output, errors)
            return found
        ends[os.pidfd_open(pid)] = pid, end
        os.close(output)
        os.close(errors)
        asked.send(str(pid).encode())


def _become(asked: Start, output: int, errors: int) -> None:
    """Makes this process the one that was asked for."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(errors, 2)
    os.closerange(3, 4096)
    sys.stdout = open(1, "w", encoding=asked.encoding)  # noqa: SIM115 - a descriptor
    sys.stderr = open(2, "w", encoding=asked.encoding, errors="backslashreplace", buffering=1)  # noqa: SIM115
    os.chdir(asked.folder)
    os.environ.clear()
    os.environ.update(asked.env)
    if asked.file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (asked.file_bytes, asked.file_bytes))
    if asked.uid is not None:
        os.setgroups([])
        os.setgid(asked.uid)
        os.setuid(asked.uid)


def _run(asked: Start) -> int:
    """Runs the module as `python -m` does; returns the exit status."""
    sys.argv = [asked.module, *asked.words]
    try:
        runpy.run_module(asked.module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code: Any = ended.code
        if isinstance(code, str):
            print(code, file=sys.stderr)
        return code if isinstance(code, int) else int(code is not None)
    except BaseException:  # noqa: BLE001 - the interpreter, too, reports whatever nobody caught
        traceback.print_exc()
        return 1
    return 0


def _main(descriptor: int) -> None:
    for module in LOADED:
        import_module(module)
    from infra.cli import COMMANDS

    for module in set(COMMANDS.values()):
        import_module(f"infra.cli.{module}")
    gc.collect()
    gc.freeze()  # what the processes share is left alone by their collectors
    with socket.socket(fileno=descriptor) as asked:
        found = _serve(asked)
        asked.detach()
    code = _run(found)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = code or 120  # the interpreter's own
    os._exit(code)


if __name__ == "__main__":
    _main(int(sys.argv[1]))
