"""The command `redthread`: one module a command."""

from typing import Final

NAMES: Final = "demo up down ingest search token sign-in status restore reexamine doctor topics audit models bench"
COMMANDS: Final = {name: "up" if name == "down" else name.replace("-", "_") for name in NAMES.split()}
"""The commands in the order of the help, and the module of each: only the requested one is loaded."""
