"""An installation whose workers are processes; a test that needs other settings has its own `site`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from graph.store.session import Store
from streams.settings import Addresses
from tests.support.harness import Site, installation


@pytest.fixture
async def site(stack: Addresses, store: Store, tmp_path: Path) -> AsyncIterator[Site]:
    """An installation that may read pictures from the folder `media` of the test."""
    (tmp_path / "media").mkdir()
    roots = f'["{(tmp_path / "media").as_uri()}/"]'
    async with installation(stack, store, tmp_path, REDTHREAD_MEDIA_ROOTS=roots) as site:
        yield site
