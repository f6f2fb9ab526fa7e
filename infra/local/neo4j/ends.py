"""Why Neo4j ended: read from its log, in one sentence, and where there is one with the command that mends it."""

from __future__ import annotations

from pathlib import Path

from infra.local.logs import last_line, tail

CANNOT_START, DISK_FULL = 1, 75
"""Exit codes by which `launcher.py`, which is never imported, says that another start would fail the same way, and that
its disk is full: then its log says nothing, being on that disk."""
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
"""What Neo4j says of a transaction log that it cannot read."""
MEND = (
    "it cannot read its transaction log, and what was written last may be lost: "
    "`redthread up --discard-unreadable-log` starts it without that part; then see `redthread status --reconcile` and "
    "`redthread restore` ({said})"
)
"""The command comes first: who asked for a start in the background sees 300 characters."""
LONGEST = 300
"""Characters of what Neo4j said."""


def reason(log: Path, code: int) -> str:
    """Why the last start of Neo4j, or the run that followed it, ended with this exit code."""
    if code == DISK_FULL:
        return "no space left on its disk"
    chain = _chain(tail(log, TAIL_BYTES).rpartition(START)[2]) or [last_line(log)]
    for said in chain:
        if any(words in said for words in UNREADABLE):
            return MEND.format(said=said[:LONGEST])
    return ": ".join(chain[-2:])[:LONGEST]


def _chain(run: str) -> list[str]:
    """What an error and its causes say in the log of a run, the innermost last; empty where it tells of none."""
    lines = [line.strip() for line in run.splitlines()]
    if ours := [line.removeprefix(OURS) for line in lines if line.startswith(OURS)]:
        return ours[-1].split(BETWEEN)
    # In a Java stack trace a cause is named by its class first.
    causes = [line.removeprefix(CAUSE).partition(": ")[2] for line in lines if line.startswith(CAUSE)]
    return [cause for cause in causes if cause]
