"""Starts a worker process: `python -m streams.worker embed` or `python -m streams.worker link`."""

import importlib
import logging
import sys
from typing import Final

from pydantic import ValidationError
from pydantic_settings import SettingsError

from graph.domain.errors import RedthreadError
from streams.process import EXIT_ALARM, end_process
from streams.records.reading import complaint
from streams.settings import StreamSettings

KINDS: Final = {"embed": "streams.embed.process", "link": "streams.link.process"}
"""The composition root of each kind, imported only when needed: half of embed's start is its libraries."""


def main() -> None:
    """Runs one worker until SIGTERM; its kind is the first argument."""
    if len(sys.argv) != 2 or sys.argv[1] not in KINDS:
        sys.exit("usage: python -m streams.worker embed|link")
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    # Faust sets the root logger to DEBUG at its start: thousands of messages would be formatted and dropped.
    logging.disable(logging.INFO)
    try:
        app = importlib.import_module(KINDS[sys.argv[1]]).make(StreamSettings())  # pyright: ignore[reportCallIssue]  settings come from the environment
    except RedthreadError as reason:
        end_process(EXIT_ALARM, reason.message)
    except ValidationError as error:
        end_process(EXIT_ALARM, f"the settings are not usable: {complaint(error)}")
    except SettingsError as error:  # its text contains the field and no value
        end_process(EXIT_ALARM, f"a setting is no JSON: {error}")
    # Faust's own option parser: without --without-web it would open a port on all interfaces.
    sys.argv[1:] = ["worker", "-l", "warn", "--without-web"]
    app.main()


if __name__ == "__main__":
    main()
