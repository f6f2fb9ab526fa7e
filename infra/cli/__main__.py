"""The command `redthread`: its entry, which loads the rest so that Ctrl-C at any moment ends without a traceback."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Runs the command line and ends the process with a code of `infra.cli.endings`."""
    # Nothing has to be cleaned up while modules load, and some of them would turn the interrupt into another error.
    # Ignored, as in a script's background job, it stays ignored.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from infra.cli.app import run

    sys.exit(run())


if __name__ == "__main__":
    main()
