"""The command `redthread`: its entry, which loads the rest so that Ctrl-C at any moment ends without a traceback."""

from __future__ import annotations

import signal
import sys
from typing import Final

COMMANDS: Final = {
    "demo": "demo", "up": "up", "down": "up", "ingest": "ingest", "search": "search", "token": "token",
    "status": "status", "restore": "restore", "doctor": "doctor", "topics": "topics", "audit": "audit",
    "models": "models", "bench": "bench",
}  # fmt: skip
"""The commands in the order of the help, and each one's module: only the asked one's libraries are loaded."""


def main() -> None:
    """Runs the command line and ends the process with a code of `infra.endings`."""
    # Nothing has to be cleaned up while modules load, and some of them would turn the interrupt into another error.
    # Ignored, as in a script's background job, it stays ignored.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from infra.command_line import run

    sys.exit(run())


if __name__ == "__main__":
    main()
