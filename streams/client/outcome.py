"""What became of the files of an `ingest`."""

from collections import Counter
from dataclasses import dataclass, field

from streams.client.graph_state import QUARANTINED
from streams.client.receive import Notice

ERASED = "erased"


@dataclass(slots=True)
class Outcome:
    """The result for the files so far, including those of earlier runs."""

    sent: int = 0
    before: int = 0
    """Files that an earlier run had sent already."""
    by_outcome: dict[str, int] = field(default_factory=dict[str, int])
    quarantined: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """File and reason."""
    in_part: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """File and what was looked at of it."""
    not_sent: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """File and reason."""
    left_out: Counter[str] = field(default_factory=Counter[str])
    """Files that systems leave behind, by system."""
    interrupted: bool = False

    def count(self, file: str, outcome: str, reason: str) -> None:
        self.by_outcome[outcome] = self.by_outcome.get(outcome, 0) + 1
        if outcome == QUARANTINED:
            self.quarantined.append((file, reason))
        elif reason:
            self.in_part.append((file, reason))


def looked_at(notice: Notice) -> str:
    """What a notice says was looked at, where it is not the whole file; empty otherwise."""
    parts: list[str] = []
    frames, examined, percent = (notice.get(name) for name in ("frames", "frames_examined", "partial_percent"))
    if isinstance(frames, int) and isinstance(examined, int) and examined < frames:
        parts.append(f"looked at {examined} of {frames} pages")
    if isinstance(percent, int):
        parts.append(f"partial: about {percent} % of the picture")
    return ", ".join(parts)
