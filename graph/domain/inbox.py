"""New candidates counted by case. Pure.

A candidate between two cases of the district counts in both, and once in the total. Neither counts nor order depend on
a score beyond the threshold that makes a pair a candidate.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from graph.domain.queue import URGENCIES


@dataclass(frozen=True, slots=True)
class NewInCase:
    """The new candidates of one case, by the urgency of the pair."""

    case_id: str
    routine: int
    urgent: int
    danger_now: int

    @property
    def total(self) -> int:
        return self.routine + self.urgent + self.danger_now


def by_case(candidates: Iterable[tuple[int, Iterable[str]]]) -> tuple[NewInCase, ...]:
    """The counts of candidates, each given as its urgency and cases; cases with the most urgent first, then by id."""
    counts: Counter[tuple[str, int]] = Counter()
    for urgency, cases in candidates:
        counts.update((case_id, urgency) for case_id in cases)
    found = [
        NewInCase(case_id, **{name: counts[case_id, level] for level, name in enumerate(URGENCIES)})
        for case_id in {case_id for case_id, _ in counts}
    ]
    return tuple(sorted(found, key=lambda case: (not case.danger_now, not case.urgent, case.case_id)))
