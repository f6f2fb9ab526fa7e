"""Why Neo4j ended: read from its log, in one sentence, and where there is one with the command that mends it."""

from pathlib import Path

from infra.local.logs import last_line, tail

CANNOT_START, DISK_FULL = 1, 75
"""Exit codes of `launcher.py`, which is never imported: another start would fail the same way; the disk is full, and so
the log could not be written either."""
TAIL_BYTES = 64 * 1024
START = "INFO  Starting..."
OURS, CAUSE = "FAILED ", "Caused by: "
BETWEEN = " | caused by: "
UNREADABLE = (
    "Error reading transaction logs, recovery not possible",
    "Unable to retrieve last append index",
    "Unreadable bytes are encountered",
    "Unknown entry type",
)
"""Neo4j's messages about a transaction log that it cannot read."""
MEND = (
    "it cannot read its transaction log, and what was written last may be lost: "
    "`redthread up --discard-unreadable-log` starts it without that part; then see `redthread status --reconcile` and "
    "`redthread restore` ({message})"
)
"""The command comes first, since `up --detach` shows 300 characters."""
LONGEST = 300
"""Characters of Neo4j's own message."""


def reason(log: Path, code: int) -> str:
    """Why the last start of Neo4j, or the run that followed it, ended with this exit code."""
    if code == DISK_FULL:
        return "no space left on its disk"
    chain = _chain(tail(log, TAIL_BYTES).rpartition(START)[2]) or [last_line(log)]
    for message in chain:
        if any(words in message for words in UNREADABLE):
            return MEND.format(message=message[:LONGEST])
    return ": ".join(chain[-2:])[:LONGEST]


def _chain(run: str) -> list[str]:
    """The messages of an error and its causes in the log of a run, the innermost last; empty without an error."""
    lines = [line.strip() for line in run.splitlines()]
    if ours := [line.removeprefix(OURS) for line in lines if line.startswith(OURS)]:
        return ours[-1].split(BETWEEN)
    # In a Java stack trace a cause is named by its class first.
    causes = [line.removeprefix(CAUSE).partition(": ")[2] for line in lines if line.startswith(CAUSE)]
    return [cause for cause in causes if cause]
