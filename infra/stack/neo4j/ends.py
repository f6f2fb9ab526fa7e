"""Why Neo4j ended: read from its log, in one sentence, and where there is one with the command that mends it."""

from __future__ import annotations

from pathlib import Path

from infra.stack.logs import last_line, tail

CANNOT_START, DISK_FULL = 1, 75
"""Exit codes by which `launcher.py`, which is never imported, says that another start would fail the same way, and that
its disk is full: then its log says nothing, being on that disk."""
TAIL_BYTES = 64 * 1024
START = "INFO  Starting..."
OURS, CAUSE = "FAILED ", "Caused by: "
UNREADABLE = (
    "Error reading transaction logs, recovery not possible", "Unable to retrieve last append index",
    "Unreadable bytes are encountered", "Unknown entry type",
)  # fmt: skip
"""What Neo4j says of a transaction log that it cannot read."""
MEND = (
    "Neo4j cannot read its transaction log ({said}). What was written last may be lost. "
    "`redthread up --discard-unreadable-log` starts it once without the part that it cannot read; then "
    "`redthread status --reconcile` says what is missing, and `redthread restore` reads it from Kafka again"
)
LONGEST = 300
"""Characters of what Neo4j said."""


def reason(log: Path, code: int) -> str:
    """Why the last start of Neo4j, or the run that followed it, ended with this exit code."""
    if code == DISK_FULL:
        return "no space left on its disk"
    last_run = tail(log, TAIL_BYTES).rpartition(START)[2]
    lines = [line.strip() for line in last_run.splitlines()]
    ours = [line.removeprefix(OURS) for line in lines if line.startswith(OURS)]
    # The last cause of a Java stack trace is the innermost; its class comes before its message.
    causes = [line.removeprefix(CAUSE).partition(": ")[2] for line in lines if line.startswith(CAUSE)]
    said = next((text for text in (*ours[-1:], *reversed(causes)) if text), last_line(log))[:LONGEST]
    return MEND.format(said=said) if any(words in last_run for words in UNREADABLE) else said
