"""The command `redthread`: one module a command."""

from typing import Final

COMMANDS: Final = {
    "demo": "demo",
    "up": "up",
    "down": "up",
    "ingest": "ingest",
    "search": "search",
    "token": "token",
    "status": "status",
    "restore": "restore",
    "doctor": "doctor",
    "topics": "topics",
    "audit": "audit",
    "models": "models",
    "bench": "bench",
}
"""The commands in the order of the help, and each one's module: only the asked one's libraries are loaded."""
