"""A circuit breaker for each host that serves media: closed while the host answers, open while it does not."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from graph.domain.errors import SourceUnreachable


@dataclass(slots=True)
class _Open:
    since: float
    test_at: float
    backoff: float


class Circuits:
    """Decides for each event whether its host may be contacted now.

    The first event of a silent host is retried for `patience` seconds; then the circuit opens: events fail at once, and
    one event per back-off step, from `backoff` doubling to `longest` seconds, tests the host.
    """

    def __init__(
        self, patience: float, backoff: float, longest: float = 900, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._patience = patience
        self._backoff = backoff
        self._longest = longest
        self._clock = clock
        self._failing_since: dict[str, float] = {}
        self._open: dict[str, _Open] = {}

    def check(self, host: str) -> None:
        """Raises SourceUnreachable while the host's circuit is open and no test is due."""
        circuit = self._open.get(host)
        if circuit is None:
            return
        if self._clock() < circuit.test_at:
            raise SourceUnreachable(f"host {host} does not answer; the event is replayed when it does", host=host)
        circuit.backoff = min(circuit.backoff * 2, self._longest)
        circuit.test_at = self._clock() + circuit.backoff

    def answered(self, host: str) -> None:
        """Closes the host's circuit."""
        self._failing_since.pop(host, None)
        self._open.pop(host, None)

    def failed(self, host: str) -> bool:
        """Records a failure; returns whether to retry the same event now. If not, the circuit is open."""
        now = self._clock()
        since = self._failing_since.setdefault(host, now)
        if host not in self._open and now - since < self._patience:
            return True
        self._open.setdefault(host, _Open(now, now + self._backoff, self._backoff))
        return False
