"""One running system for all journeys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.demo.samples import write_samples
from infra.local.neo4j.server import QUICK
from tests.support.commands import redthread_process


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the demo's sample pictures."""
    folder = tmp_path_factory.mktemp("samples")
    write_samples(folder)
    return folder


@pytest.fixture(scope="session")
def media_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the system may read pictures from."""
    return tmp_path_factory.mktemp("media")


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory, media_root: Path) -> Iterator[Path]:
    """The data folder of the running system."""
    folder = tmp_path_factory.mktemp("data")
    ports = (item for name in ("api", "kafka", "neo4j") for item in (f"--{name}-port", 0))
    with pytest.MonkeyPatch.context() as patch:
        # The system lives for minutes: the second compiler of Neo4j's JVM would cost more than it saves.
        patch.setenv("JAVA_TOOL_OPTIONS", " ".join(QUICK))
        started = redthread_process(
            "up", "--detach", "--data", folder, "--embed", 1, "--media-root", f"{media_root.as_uri()}/", *ports
        )
    assert started.returncode == 0, started.stderr
    yield folder
    assert redthread_process("down", "--data", folder).returncode == 0
