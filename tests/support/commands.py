"""The command `redthread` as a user calls it: in a process of its own, free of settings of the caller's shell."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PATIENCE_S = 240
KEPT = ("REDTHREAD_MODELS", "REDTHREAD_MAVEN_REPOSITORY")
"""Where to find what is fetched once."""

Redthread = Callable[..., "subprocess.CompletedProcess[str]"]


def command(*arguments: object) -> tuple[list[str], dict[str, str]]:
    """The command line and the environment of `redthread ARGUMENTS`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REDTHREAD_") or name in KEPT}
    line = [sys.executable, "-P", "-m", "infra.cli", *(str(argument) for argument in arguments)]
    return line, {**kept, "PYTHONPATH": str(CHECKOUT)}


def redthread(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs `redthread ARGUMENTS` to its end."""
    line, environment = command(*arguments)
    return subprocess.run(
        line, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False, cwd="/"
    )
