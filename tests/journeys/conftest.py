"""One running system for all journeys: that of the demo, with three sample cases in it."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.demo.samples import write_samples
from tests.support.commands import TIMEOUT_S, command


@dataclass(frozen=True)
class Demo:
    """`redthread demo`, which has shown its result and serves."""

    process: subprocess.Popen[str]
    result: dict[str, Any]
    said: str
    scratch: Path
    """Its temporary folder."""


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    line, environment = command("demo", "--json", "--embed", 1)
    environment["TMPDIR"] = str(tmp_path_factory.mktemp("demo"))
    process = subprocess.Popen(
        line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/"
    )
    try:
        assert process.stdout is not None and process.stderr is not None
        result = json.loads(process.stdout.readline() or process.stderr.read())
        said = ""
        while (line := process.stderr.readline()) != "Ctrl-C stops everything.\n":
            assert line, f"the demo has ended: {said}"
            said += line
        [scratch] = Path(environment["TMPDIR"]).iterdir()
        yield Demo(process, result, said, scratch)
        process.terminate()
        process.wait(TIMEOUT_S)
    finally:
        process.kill()


@pytest.fixture(scope="session")
def data(demo: Demo) -> Path:
    """The data folder of the running system."""
    return demo.scratch / "data"


@pytest.fixture(scope="session")
def media_root(demo: Demo) -> Path:
    """A folder that the system may read pictures from."""
    return demo.scratch / "pictures"


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the demo's sample pictures, whose names are in no journal."""
    folder = tmp_path_factory.mktemp("samples")
    write_samples(folder)
    return folder
