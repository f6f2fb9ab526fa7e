"""A crash point kills the process once, so that the next one goes on."""

import signal
import subprocess
import sys
from pathlib import Path

from streams.process import CrashPoint

PROGRAM = "import sys; from streams.process import CrashPoint; CrashPoint(sys.argv[1]).reach('here'); print('went on')"


def run(armed: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", PROGRAM, armed], capture_output=True, text=True, check=False)


def test_an_armed_point_kills_once_and_remembers_it_in_its_file(tmp_path: Path) -> None:
    armed = f"here@{tmp_path / 'marker'}"

    assert run(armed).returncode == -signal.SIGKILL
    assert run(armed).stdout == "went on\n"


def test_a_point_that_is_not_armed_does_nothing() -> None:
    CrashPoint("").reach("here")
    CrashPoint("elsewhere").reach("here")
