"""The whole of Redthread as a user starts it: `redthread up` on a data folder, with all its processes."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from graph.domain.errors import RedthreadError
from infra.local.issuer import USERS, DevelopmentIssuer
from infra.local.neo4j.server import QUICK
from infra.local.ports import free_ports
from infra.local.running import RunningChild, addresses_of, find_running
from infra.settings import Settings
from streams.settings import Addresses
from tests.support.commands import command

DOWN_S = 120.0
BACK_S = 180.0
"""Above a restart of any process with its back-off, at most 30 s, and a reload of the gallery."""

COMMAND_S = 300.0


class DoesNotRun(Exception):
    """The system does not start, or does not come back; the message holds its own last words."""


def until(condition: Callable[[], bool], what: str, seconds: float) -> None:
    """Returns when the condition holds; DoesNotRun says what did not come about."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise DoesNotRun(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.25)


class System:
    """One installation. Its ports stay the same over all starts, so that its clients find it again."""

    def __init__(self, data: Path, media: Path, output: Path, *, embed: int = 1) -> None:
        self.data, self.media, self._output, self._embed = data, media, output, embed
        self._supervisor: psutil.Process | None = None
        self._ports = free_ports(3)
        media.mkdir(parents=True, exist_ok=True)

    # --- starting and ending ---

    def up(self) -> None:
        """Returns when the system says that it is ready; DoesNotRun gives its last words."""
        names = ("--api-port", "--kafka-port", "--neo4j-port")
        ports = [word for name, port in zip(names, self._ports, strict=True) for word in (name, port)]
        roots = ("--media-root", f"{self.media.as_uri()}/")
        code, said = self.run("up", "--detach", "--embed", self._embed, *roots, *ports)
        running = find_running(self.data)
        if code or running is None:
            raise DoesNotRun(f"`up` ended with {code}: {said[-800:]}")
        self._supervisor = psutil.Process(running.pid)

    def down(self) -> None:
        """An orderly end; DoesNotRun where it is none."""
        code, said = self.run("down")
        if code:
            raise DoesNotRun(f"`down` ended with {code}: {said[-800:]}")
        self.wait_ended()

    def wait_ended(self) -> None:
        """Returns when the supervisor is gone; DoesNotRun where it does not end."""
        if self._supervisor is not None:
            supervisor = self._supervisor
            try:
                until(lambda: _is_gone(supervisor), f"`up` ends: {self.log_tail()}", DOWN_S)
            except DoesNotRun:
                self.kill()
                raise
            self._supervisor = None

    def kill(self, processes: Iterable[psutil.Process] | None = None) -> None:
        """Every process is gone at once."""
        tree = list(self.tree() if processes is None else processes)
        for process in tree:
            with contextlib.suppress(psutil.Error):
                process.kill()
        until(lambda: all(map(_is_gone, tree)), "every killed process is gone", 60)
        self._supervisor = None

    def freeze(self, *others: int) -> list[psutil.Process]:
        """Stops every process, and those of the `others`, by SIGSTOP, and returns them."""
        stopped: dict[int, psutil.Process] = {}
        # Until there is nothing new: one that was not yet stopped may have started another.
        while fresh := [process for process in self.tree(*others) if process.pid not in stopped]:
            for process in fresh:
                with contextlib.suppress(psutil.Error):
                    process.suspend()
                stopped[process.pid] = process
        return list(stopped.values())

    # --- what runs ---

    @property
    def is_ready(self) -> bool:
        running = find_running(self.data)
        return running is not None and running.ready and all(child.ready and child.pid for child in running.children)

    @property
    def supervisor(self) -> psutil.Process:
        assert self._supervisor is not None
        return self._supervisor

    def tree(self, *others: int) -> list[psutil.Process]:
        """The supervisor, everything below it, and everything below the `others`."""
        roots = [*([self._supervisor.pid] if self._supervisor is not None else []), *others]
        found: list[psutil.Process] = []
        for pid in roots:
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(pid)
                found += [process, *process.children(recursive=True)]
        return found

    def children(self) -> dict[str, RunningChild]:
        """What the supervisor says of its children, by name."""
        running = find_running(self.data)
        return {child.name: child for child in running.children} if running is not None else {}

    def wait_back(self, name: str, pid: int) -> None:
        """Returns when this child runs under another process id and is ready."""

        def back() -> bool:
            child = self.children().get(name)
            return child is not None and child.pid not in (0, pid) and child.ready and psutil.pid_exists(child.pid)

        until(back, f"{name} runs again: {self.log_tail()}", BACK_S)
        if name == "kafka":
            until(self._kafka_answers, "the new Kafka answers", BACK_S)

    def wait_ready(self) -> None:
        """Returns when every child lives and is ready."""

        def alive() -> bool:
            return self.is_ready and all(psutil.pid_exists(child.pid) for child in self.children().values())

        until(alive, f"every process runs: {self.log_tail()}", BACK_S)

    def log_tail(self) -> str:
        """The last words of the commands that ran in the background, and of `up`."""
        found: list[str] = []
        for path in (self._output, self.data / "logs" / "up.log"):
            with contextlib.suppress(OSError):
                found.append(path.read_text("utf-8", "replace")[-800:].strip())
        return "\n".join(found)

    # --- how to reach it ---

    @property
    def addresses(self) -> Addresses:
        """As every command finds them."""
        with _as_does_not_run():
            return addresses_of(Settings(data=self.data))

    @property
    def api_url(self) -> str:
        with _as_does_not_run():
            running = find_running(self.data)
        if running is None:
            raise DoesNotRun(f"nothing runs on {self.data}")
        return running.api_url

    def token(self, user: str) -> str:
        """A token of the local stack's own sign-in."""
        with _as_does_not_run():
            return DevelopmentIssuer.of(self.data).token(USERS[user])

    def start(self, *arguments: object) -> subprocess.Popen[bytes]:
        """`redthread ARGUMENTS` on this data folder, in the background."""
        line, environment = command(*arguments, "--data", self.data)
        with self._output.open("ab") as output:
            return subprocess.Popen(line, env=environment, stdout=output, stderr=output, cwd="/")

    def run(self, *arguments: object) -> tuple[int, str]:
        """Exit code and words of `redthread ARGUMENTS` on this data folder."""
        line, environment = command(*arguments, "--data", self.data)
        # A system that lives for minutes: Neo4j's second compiler would cost more than it saves.
        environment["JAVA_TOOL_OPTIONS"] = " ".join(QUICK)
        done = subprocess.run(
            line, env=environment, capture_output=True, text=True, check=False, cwd="/", timeout=COMMAND_S
        )
        return done.returncode, done.stdout + done.stderr

    def _kafka_answers(self) -> bool:
        connection: dict[str, Any] = kafka_connection(self.addresses)
        with contextlib.suppress(KafkaException):
            return bool(AdminClient({**connection, "log_level": 0}).list_topics(timeout=10).brokers)
        return False


def _is_gone(process: psutil.Process) -> bool:
    """Whether a process has ended, also where its parent has not asked how."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@contextlib.contextmanager
def _as_does_not_run() -> Iterator[None]:
    """A disk whose power is cut, or a folder on which nothing runs, is one thing for those outside."""
    try:
        yield
    except (OSError, RedthreadError) as error:
        raise DoesNotRun(str(error)) from error


def kafka_connection(addresses: Addresses) -> dict[str, Any]:
    """How a Kafka client reaches the broker, by librdkafka's names."""
    return {"bootstrap.servers": addresses.kafka, **addresses.kafka_connection.security}


def send(process: psutil.Process | int, number: signal.Signals) -> bool:
    """Whether the process was there to get the signal."""
    try:
        os.kill(process if isinstance(process, int) else process.pid, number)
    except ProcessLookupError:
        return False
    return True
