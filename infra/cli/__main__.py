"""Entry of the command `redthread`; Ctrl-C while it loads ends it without a traceback."""

import signal
import sys


def main() -> None:
    """Runs the command line and ends the process with a code of `infra.cli.endings`."""
    # There is nothing to clean up while modules load, and some would turn the exception into another error.
    # Where the signal is ignored, as in a background job of a script, it stays ignored.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from infra.cli.app import run

    sys.exit(run())


if __name__ == "__main__":
    main()
