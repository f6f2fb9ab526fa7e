"""What `redthread status` shows of a system: its processes as they are now, however old the supervisor's notes are."""

import asyncio
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from infra.cli.status import api_faults, state_of_child
from infra.local import processes
from infra.local.child import ChildSpec
from infra.local.datafolder import DataFolder, read_state
from infra.local.running import RunningChild, find_running, state_of
from infra.local.supervisor import Supervisor


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(90):
        while not true():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.02)


def the_child(data: Path) -> RunningChild:
    running = find_running(data)
    assert running is not None
    (child,) = running.children
    return child


def test_a_dead_process_is_never_shown_as_ready_and_a_new_one_is_found(tmp_path: Path) -> None:
    """With a full disk `status` went on saying *ready* of a process that was dead."""

    async def story() -> None:
        folder = DataFolder.acquire(tmp_path)
        supervisor = Supervisor(tmp_path / "logs", lambda line: None, backoff_s=(1.0, 1.0))
        sleeps = (sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)")
        supervisor.start(ChildSpec("sleeper", sleeps, 5.0))
        await supervisor.wait_ready("sleeper")
        folder.write_state(state_of(supervisor, time.time(), "local", None, "", is_ready=True))
        first = the_child(tmp_path)
        assert (state_of_child(first), first.pid) == ("ready", supervisor.children["sleeper"].pid)
        # Given notes that are not written any more, When the child is killed
        os.kill(first.pid, signal.SIGKILL)
        await until(lambda: supervisor.children["sleeper"].pid == 0)
        assert (the_child(tmp_path).pid, state_of_child(the_child(tmp_path))) == (0, "waits to start again")
        # Then its next process is found by its name
        await until(lambda: supervisor.children["sleeper"].pid != 0)
        await until(lambda: 0 != the_child(tmp_path).pid == supervisor.children["sleeper"].pid)
        assert state_of_child(the_child(tmp_path)) == "runs, not written down yet"
        assert read_state(tmp_path)["children"][0]["pid"] == first.pid
        await supervisor.stop_all()
        folder.release()

    asyncio.run(story())
    assert find_running(tmp_path) is None


def test_a_number_that_another_process_has_now_is_not_taken_for_the_child_or_the_supervisor(tmp_path: Path) -> None:
    folder = DataFolder.acquire(tmp_path)
    with subprocess.Popen(["sleep", "600"]) as other:
        supervisor = {
            "pid": os.getpid(),
            "started_at": 1.0,
            "stack": "local",
            "ready": True,
            "api_url": "",
            "kafka": "",
            "neo4j_uri": "",
            "neo4j_user": "",
        }
        child = {"name": "embed-0", "pid": os.getppid(), "started_at": 1.0, "restarts": 0, "ready": True}
        folder.write_state({**supervisor, "children": [child]})
        assert the_child(tmp_path) == RunningChild("embed-0", 0, 1.0, 0, ready=False)
        folder.write_state({**supervisor, "pid": other.pid, "children": [child]})
        assert find_running(tmp_path) is None
        other.kill()
    folder.release()


@pytest.fixture
def answers() -> Iterator[tuple[str, list[tuple[int, Any]]]]:
    """The URL of an API and what it answers next."""
    given: list[tuple[int, Any]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = given.pop(0)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", given
    server.shutdown()
    server.server_close()


def test_an_api_that_lacks_only_the_media_store_serves(answers: tuple[str, list[tuple[int, Any]]]) -> None:
    """One that was started while the store was away was ended and started again all the time."""
    url, given = answers
    away = {"graph": "ready", "media_store": "away"}
    given += [(503, {"parts": {**away, "graph": "Neo4j does not answer"}}), (500, "?"), (503, {"parts": away})]
    ready = processes.api(url, {}).ready
    assert ready is not None

    asyncio.run(cast("Coroutine[Any, Any, None]", ready()))

    assert not given


def test_the_api_reports_itself_what_it_lacks(answers: tuple[str, list[tuple[int, Any]]]) -> None:
    url, given = answers
    parts = {"graph": "ready", "media_store": "the media store is away", "sign_in": "ready"}
    given += [(200, {"status": "ready"}), (503, {"parts": parts}), (500, "?")]

    assert [api_faults(url) for _ in range(3)] == [[], ["the media store is away"], ["it does not say what is missing"]]
    assert api_faults("http://127.0.0.1:1") == ["it does not answer (ConnectError)"]
