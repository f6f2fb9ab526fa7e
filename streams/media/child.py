"""The parent's side of the decoding process: starts, feeds, times and kills it. Its program is `isolated/program.py`.

Plain frames over two pipes, not a library's process pool: that would unpickle what the child sends, so a child that a
hostile file has compromised could run code here, beside the passwords.
"""

import fcntl
import json
import os
import select
import struct
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal, cast

_ROOT: Final = str(Path(__file__).parents[2])
_START: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); from streams.media.isolated import program; "
    "program.start(sys.argv[2:])"
)
_COMMAND: Final = (sys.executable, "-I", "-c", _START, _ROOT)
_ENVIRONMENT: Final = {"OPENBLAS_NUM_THREADS": "1"}
"""No settings and no passwords reach the process that parses hostile bytes; NumPy starts no threads there."""
_FILES_PER_CHILD: Final = 2000
"""Files per process: neither a leak nor a compromise outlives it."""
_HEAD_BYTES: Final = 4096
_PIPE_BYTES: Final = 1024 * 1024


class ChildFailed(Exception):
    """The child died or broke the protocol (`died`), or did not answer in time (`timeout`)."""

    def __init__(self, how: Literal["died", "timeout"]) -> None:
        super().__init__(how)
        self.how: Literal["died", "timeout"] = how


class Child:
    """One decoding process, for one file at a time. After a ChildFailed only `kill` may be called."""

    def __init__(self, max_pixels: int, timeout_s: int, memory_bytes: int) -> None:
        self._timeout_s = timeout_s
        self._deadline = 0.0
        self._files_left = _FILES_PER_CHILD
        self._process = subprocess.Popen(
            [*_COMMAND, str(max_pixels), str(timeout_s), str(memory_bytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env=_ENVIRONMENT,
            cwd="/",
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        for pipe in (self._in, self._out):
            os.set_blocking(pipe.fileno(), False)
            _widen(pipe.fileno())

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_fit(self) -> bool:
        """Whether it is alive and may decode another file."""
        return self._files_left > 0 and self._process.poll() is None

    def kill(self) -> None:
        """Kills and reaps the process, and closes the pipes."""
        self._process.kill()
        self._process.wait()
        self._in.close()
        self._out.close()

    def send(self, data: bytes) -> None:
        """Sends a file and starts the time for the answer, its first picture."""
        self._files_left -= 1
        self._deadline = time.monotonic() + self._timeout_s
        self._send(b"F" + struct.pack(">Q", len(data)))
        self._send(data)

    def ask_next(self) -> None:
        """Asks for the next picture of the same file, and starts the time for the answer."""
        self._deadline = time.monotonic() + self._timeout_s
        self._send(b"N")

    def receive_head(self) -> dict[str, object]:
        """The answer's JSON object, unchecked."""
        size = int.from_bytes(self.receive(4), "big")
        if not 0 < size <= _HEAD_BYTES:
            raise ChildFailed("died")
        try:
            head: Any = json.loads(self.receive(size))
        except ValueError:
            raise ChildFailed("died") from None
        if not isinstance(head, dict):
            raise ChildFailed("died")
        return cast("dict[str, object]", head)

    def receive(self, size: int) -> bytearray:
        """Exactly the next `size` bytes of the answer."""
        data = bytearray(size)
        view = memoryview(data)
        while view:
            self._wait(self._out.fileno(), select.POLLIN)
            try:
                count = os.readv(self._out.fileno(), [view])
            except BlockingIOError:
                continue
            if count == 0:
                raise ChildFailed("died")
            view = view[count:]
        return data

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._wait(self._in.fileno(), select.POLLOUT)
            try:
                view = view[os.write(self._in.fileno(), view) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise ChildFailed("died") from None

    def _wait(self, descriptor: int, event: int) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        if not poll.poll(max(0.0, self._deadline - time.monotonic()) * 1000):
            raise ChildFailed("timeout")


def missing_isolation() -> str:
    """Why decoding processes are not isolated on this machine; empty where they are."""
    command = [*_COMMAND, "isolation"]
    try:
        return subprocess.run(
            command, env=_ENVIRONMENT, cwd="/", capture_output=True, text=True, timeout=60, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as failure:
        return f"the decoder does not start ({type(failure).__name__})"


def _widen(descriptor: int) -> None:
    """Enlarges the pipe, for fewer context switches per picture; Linux only, and a refusal only costs time."""
    with suppress(AttributeError, OSError):
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
