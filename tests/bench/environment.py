"""Python environments for the peers of a bench: separate from the product's, made once from a pinned list, and reused.

A peer runs there as a script that defines `answer(question)`: it is asked in JSON, and loads its own libraries.
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from graph.domain.errors import RedthreadError
from streams.client.submission import Interrupted

THREADS_OF = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
"""Environment variables of numerical libraries for their number of threads."""
POLL_S = 0.1
UNREACHABLE = ("Retrying (Retry(", "ConnectionError", "ProxyError", "ReadTimeout", "SSLError", "TLS")
"""Words of pip where the package index does not answer."""
_PIP = "-m pip install --no-deps --no-input --disable-pip-version-check --progress-bar off --requirement"
_ANSWERING = """
import json, os, runpy, sys
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
answer = runpy.run_path(sys.argv[1])["answer"]
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), file=answers, flush=True)
"""
"""A library's own output goes to standard error: standard output is for answers only."""


class NotInstalled(RedthreadError):
    """The packages of an environment cannot be installed here; the text says why."""

    code = "peer_not_installed"


class PeerFailed(RedthreadError):
    """The peer's script ended before it answered; the text is the last line that it wrote."""

    code = "peer_failed"


def peer_environment(name: str, requirements: str, folder: Path, stop: threading.Event) -> Path:
    """The Python of the environment `name` in `folder`, of this interpreter's version, with exactly these packages.

    `requirements` is a pip requirements file that pins every package that is needed, also those that others depend on;
    if it has hashes, pip checks them. Made at the first call, and again where the text has changed. Blocks, for minutes
    where packages must be compiled. Raises NotInstalled, and Interrupted once `stop` is set.
    """
    place = folder / f"{name}-py{sys.version_info.major}.{sys.version_info.minor}"
    python, installed = place / "bin" / "python", place / "installed.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{place.name}.lock").open("a") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            if not (python.exists() and installed.is_file() and installed.read_text("utf-8") == requirements):
                shutil.rmtree(place, ignore_errors=True)
                _run([sys.executable, "-I", "-m", "venv", str(place)], stop)
                wanted = place / "requirements.txt"
                wanted.write_text(requirements, "utf-8")
                _run([str(python), "-I", *_PIP.split(), str(wanted)], stop)
                wanted.rename(installed)
    except OSError as failure:
        raise NotInstalled(f"{folder} cannot be used: {failure.strerror}") from failure
    return python


def _run(command: Sequence[str], stop: threading.Event) -> None:
    """Runs a command; raises NotInstalled with its own message where it fails."""
    with tempfile.TemporaryFile() as said:
        env = {**os.environ, "PIP_USER": "0"}
        # A group of its own: pip's compilers end with it.
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, env=env, start_new_session=True
        ) as process:
            while process.poll() is None:
                if stop.wait(POLL_S):
                    os.killpg(process.pid, signal.SIGKILL)
                    raise Interrupted("stopped while packages were installed")
        if process.returncode:
            raise NotInstalled(_why(_lines(said)))


def _why(lines: Sequence[str]) -> str:
    if any(word in line for word in UNREACHABLE for line in lines):
        return "the package index cannot be reached"
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["no reason given"])[-1]


class PeerProcess:
    """A script that runs in an environment of its own and answers questions, one at a time."""

    def __init__(self, process: subprocess.Popen[str], errors: IO[bytes]) -> None:
        self._process = process
        self._errors = errors

    def ask(self, question: object) -> Any:
        """The value of the script's `answer(question)`; both are JSON. Blocks. Raises PeerFailed."""
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        with suppress(BrokenPipeError):
            print(json.dumps(question), file=process.stdin, flush=True)
        answered = process.stdout.readline()
        if not answered:
            process.wait()
            raise PeerFailed((_lines(self._errors) or [f"it ended with code {process.returncode}"])[-1])
        return json.loads(answered)


@contextmanager
def peer_process(python: Path, script: Path, threads: int = 1) -> Generator[PeerProcess]:
    """The running script, which ends with the block; numerical libraries use this many threads."""
    env = {**os.environ, **dict.fromkeys(THREADS_OF, str(threads))}
    command = [str(python), "-I", "-c", _ANSWERING, str(script)]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=env
        ) as process,
    ):
        try:
            yield PeerProcess(process, errors)
        finally:
            process.kill()
            assert process.stdin is not None
            with suppress(BrokenPipeError):  # of a question that it no longer read
                process.stdin.close()


def _lines(written: IO[bytes]) -> list[str]:
    """The lines of a file that are not empty."""
    written.seek(0)
    return [line.strip() for line in written.read().decode("utf-8", "replace").splitlines() if line.strip()]
