"""A temporary folder for a system that lives as long as one command."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from graph.domain.errors import RedthreadError


@contextmanager
def scratch_folder(name: str, announce: Callable[[str], None]) -> Generator[Path]:
    """An empty folder that is gone afterwards; after a failure the logs in `data/logs` below it are kept elsewhere."""
    with tempfile.TemporaryDirectory(prefix=f"redthread-{name}-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        try:
            yield folder
        except RedthreadError:
            logs = folder / "data" / "logs"
            if logs.is_dir():
                kept = tempfile.mkdtemp(prefix=f"redthread-{name}-logs-")
                shutil.copytree(logs, kept, dirs_exist_ok=True)
                announce(f"the logs are kept in {kept}")
            raise
