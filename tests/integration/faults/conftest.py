"""What the fault tests share: the campaign that the environment asks for, and a place to say what happened."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.support.faults.settings import Campaign, campaign

Tell = Callable[[str], None]


@pytest.fixture(scope="session")
def asked() -> Campaign:
    """How long to run."""
    return campaign()


@pytest.fixture
def tell(request: pytest.FixtureRequest, asked: Campaign) -> Tell:
    """Prints a line of a campaign at once, past pytest's capture."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    @contextmanager
    def loud() -> Iterator[None]:
        if capture is None:
            yield
        else:
            with capture.global_and_fixture_disabled():
                yield

    def told(line: str) -> None:
        with loud():
            print(f"\n  {line}", end="", flush=True)

    told(f"{request.node.name}, REDTHREAD_FAULTS_SEED={asked.seed}")
    return told
