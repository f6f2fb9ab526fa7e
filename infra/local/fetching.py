"""`python -m infra.local.fetching` fetches the servers' jars and the models into the cache, and starts nothing.

A start fetches what it lacks; several at once, as of tests, would each fetch all of it.
"""

import asyncio
import sys

from graph.domain.errors import RedthreadError
from infra.local import artifacts
from infra.local.base import together
from infra.settings import Settings
from streams.faces.models import ensure_models


async def fetch(settings: Settings) -> None:
    """Puts all jars and both models into the cache, verified; raises the first failure."""
    repository = settings.maven_repository
    jars = (asyncio.to_thread(artifacts.class_path, name, repository=repository) for name in artifacts.SERVERS)
    await together(*jars, asyncio.to_thread(ensure_models, settings.models.expanduser().absolute()))


if __name__ == "__main__":
    try:
        asyncio.run(fetch(Settings()))
    except RedthreadError as error:
        sys.exit(f"redthread: {error.message}")
