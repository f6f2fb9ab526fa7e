"""The last test of the journeys: Ctrl-C ends the demo, and nothing of it stays."""

import signal

import httpx
import pytest

from infra.local.running import find_running
from tests.journeys.conftest import Demo
from tests.support.commands import TIMEOUT_S


def test_ctrl_c_stops_the_demo_and_removes_its_folder(demo: Demo) -> None:
    running = find_running(demo.scratch / "data")
    assert running is not None

    demo.process.send_signal(signal.SIGINT)
    rest, errors = demo.process.communicate(timeout=TIMEOUT_S)

    assert (demo.process.returncode, rest) == (0, ""), errors
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{running.api_url}/healthz", trust_env=False, timeout=60)
    assert not demo.scratch.exists()
