"""How long the steps of a command take."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Clock:
    """Seconds of each step, in the order of the steps."""

    started: float = field(default_factory=time.monotonic)
    steps: dict[str, float] = field(default_factory=dict[str, float])

    @contextmanager
    def step(self, name: str) -> Generator[None]:
        """Records the seconds of what runs inside; nothing of a step that fails."""
        begun = time.monotonic()
        yield
        self.record(name, begun)

    def record(self, name: str, begun: float) -> None:
        """Records a step that began at `begun` (monotonic seconds) and ends now."""
        self.steps[name] = round(time.monotonic() - begun, 3)

    def as_json(self) -> dict[str, Any]:
        """The object `seconds` of a command's `--json`."""
        return {"total": round(time.monotonic() - self.started, 3), "per_step": self.steps}
