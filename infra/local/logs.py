"""Log files of child processes: the child appends to it, its supervisor limits the size."""

import os
import shutil
from pathlib import Path
from typing import BinaryIO

MAX_BYTES = 10_000_000
"""Size at which a log becomes NAME.log.1, which replaces the one before: at most twice this for a child."""


def append_to(path: Path) -> BinaryIO:
    """The log, open for appending, readable by its owner only: it names cases and files."""
    return os.fdopen(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC, 0o600), "ab", buffering=0)


def cap(path: Path, max_bytes: int = MAX_BYTES) -> None:
    """Moves what a log holds aside once it is too large.

    Copied and emptied, not renamed: the child keeps writing into the same open file, and in append mode its next line
    lands at the new beginning. Raises OSError, on a full disk without a half copy that would take more of it.
    """
    if path.exists() and path.stat().st_size > max_bytes:
        aside = path.with_name(f"{path.name}.1")
        try:
            shutil.copy2(path, aside)
        except OSError:
            aside.unlink(missing_ok=True)
            raise
        os.truncate(path, 0)


def tail(path: Path, size: int) -> str:
    """The last `size` bytes as text; empty where the log cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def last_line(path: Path) -> str:
    """The last line that says anything, at most 300 characters."""
    lines = [line.strip() for line in tail(path, 8192).splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it wrote nothing"
